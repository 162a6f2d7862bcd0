import { randomUUID } from "node:crypto";
import { NeuroranError } from "../../src/errors.js";
import type { Schema } from "../../src/functions/schema/index.js";
import type { Address } from "../../src/functions/turns/address.js";
import type { CommitDomain, Identification, LoggedEvent } from "../../src/functions/turns/commit-domain.js";
import type {
  Invocation,
  Outcome,
  RequestHandler,
  StatefulFunctionData,
  TurnContext,
} from "../../src/functions/turns/declaration.js";

/**
 * A commit domain without a store, whose turns are requests only: enough to test what speaks to one. `commit` is what an
 * outcome waits for.
 */
export function memoryDomain(commit: () => Promise<void> = async () => {}): CommitDomain {
  const functions = new Map<string, StatefulFunctionData>();
  const states = new Map<string, unknown>();
  const logs = new Map<string, LoggedEvent[]>();
  const readers = new Map<string, Set<(event: LoggedEvent) => void>>();
  const recorded = new Map<string, { body: string; outcome: Promise<Outcome> }>();
  const sessions = new Set<string>();
  const turns = new Map<string, { turns: number; failed: number }>();
  let closed = false;
  const nameOf = ({ function: name, key }: Address): string => `${name}\0${key}`;

  const run = ({ target, handler, body }: Invocation): Outcome => {
    const declared = functions.get(target.function);
    if (declared === undefined) return { ok: false, error: { code: "FUNCTION_UNKNOWN", message: "gone" } };
    const counts = turns.get(target.function)!;
    counts.turns++;
    const name = nameOf(target);
    const state = states.get(name) ?? initial(declared.state);
    const events: unknown[] = [];
    const context = {
      key: target.key,
      state,
      now: Date.now(),
      publish: (event: unknown) => events.push(event),
      send: (invocation: Invocation) => void run(invocation),
    } as unknown as TurnContext;
    try {
      const value = (declared.handlers[handler] as RequestHandler).run(context, body);
      states.set(name, state);
      for (const event of events) publish(declared, name, event);
      return { ok: true, value };
    } catch (error) {
      counts.failed++;
      const code = error instanceof NeuroranError ? error.code : "HANDLER_FAILED";
      return { ok: false, error: { code, message: (error as Error).message } };
    }
  };

  const publish = (declared: StatefulFunctionData, name: string, event: unknown): void => {
    const log = logs.get(name) ?? [];
    logs.set(name, log);
    const one = { position: (log.at(-1)?.position ?? 0) + 1, event };
    log.push(one);
    if (log.length > declared.keptEvents) log.shift();
    for (const deliver of readers.get(name) ?? []) deliver(one);
  };

  const identified = (invocation: Invocation, identification?: Identification): Promise<Outcome> => {
    if (closed) return Promise.reject(new NeuroranError("DOMAIN_CLOSED", "the node ends"));
    const once = async (): Promise<Outcome> => {
      const outcome = run(invocation);
      await commit();
      return outcome;
    };
    if (identification === undefined) return once();
    let id: string;
    if ("session" in identification) {
      const { session, sequence } = identification.session;
      if (!sessions.has(session)) return Promise.reject(new NeuroranError("SESSION_UNKNOWN", "forgotten"));
      id = `${session} ${sequence}`;
    } else id = `key ${identification.idempotencyKey}`;
    const body = JSON.stringify(invocation);
    const before = recorded.get(id);
    if (before !== undefined && before.body !== body) {
      return Promise.reject(new NeuroranError("REQUEST_CONFLICT", "used for another request"));
    }
    const outcome = before?.outcome ?? once();
    recorded.set(id, { body, outcome });
    return outcome;
  };

  return {
    deploy(deployed) {
      for (const one of deployed) {
        functions.set(one.name, one);
        turns.set(one.name, { turns: 0, failed: 0 });
      }
    },
    undeploy: (name) => void functions.delete(name),
    invoke: identified,
    async send(invocation, options) {
      await identified(invocation, options?.identification);
    },
    async openSession() {
      const session = randomUUID();
      sessions.add(session);
      return session;
    },
    subscribe(address, position, deliver) {
      const name = nameOf(address);
      const set = readers.get(name) ?? new Set();
      readers.set(name, set);
      const log = position === undefined ? [] : (logs.get(name) ?? []);
      for (const event of [...log]) if (event.position >= position!) deliver(event);
      const reader = (event: LoggedEvent): void => deliver(event);
      set.add(reader);
      return () => set.delete(reader);
    },
    stateOf: (address) => states.get(nameOf(address)),
    async setState(address, state) {
      states.set(nameOf(address), state);
      await commit();
    },
    keys: (name, after = "", limit = 1000) =>
      [...states.keys()]
        .filter((one) => one.startsWith(`${name}\0`))
        .map((one) => one.slice(name.length + 1))
        .filter((key) => key > after)
        .sort()
        .slice(0, limit),
    statistics: () =>
      [...functions.keys()].map((name) => {
        const keys = [...states.keys()].filter((one) => one.startsWith(`${name}\0`)).length;
        const { turns: ran, failed } = turns.get(name)!;
        return { name, activeKeys: keys, keys, turns: ran, failedTurns: failed };
      }),
    async close() {
      closed = true;
      await commit();
    },
  };
}

function initial(schema: Schema): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema.fields).map(([name, type]) => {
      if (type.kind === "map") return [name, new Map()];
      if (type.kind === "scalar") return [name, type.initial ?? (type.type === "text" ? "" : 0)];
      throw new Error(`${type.kind} is not for these tests`);
    }),
  );
}
