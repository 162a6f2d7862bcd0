import { deserialize, serialize } from "node:v8";
import { NeuroranError } from "../src/errors.js";
import type { Machine } from "../src/functions/simulation/node.js";
import type { Placement, TurnRuntime } from "../src/functions/simulation/turn-runtime.js";
import { type Address, keyGroupOf } from "../src/functions/turns/address.js";
import type { CommitDomain, Identification, LoggedEvent } from "../src/functions/turns/commit-domain.js";
import type {
  Call,
  Handler,
  Invocation,
  Outcome,
  StatefulFunctionData,
  TurnContext,
} from "../src/functions/turns/declaration.js";

/** What a reference domain may be made to do wrong. */
export const referenceFaults = [
  "replies before the commit",
  "sends frames before the commit",
  "delivers events before the commit",
  "acknowledges before the commit",
  "forgets the high-water mark",
  "drops the outbox when sent",
  "keeps changes of failed turns",
  "forgets recorded replies",
  "fires timers early",
  "fires timers twice",
  "loses continuations",
  "repeats events",
] as const;
export type Fault = (typeof referenceFaults)[number];

interface ReplyTo {
  readonly node: string;
  readonly call?: string;
  readonly request?: string;
}
type Message =
  | { kind: "request"; target: Address; handler: string; body: unknown; replyTo: ReplyTo | undefined }
  | { kind: "reply"; to: ReplyTo; outcome: Outcome };
interface Waiting {
  readonly self: Address;
  readonly call: Call;
  readonly replyTo: ReplyTo | undefined;
}
interface Durable {
  states: Map<string, unknown>;
  inbox: Message[];
  outboxes: Map<string, { next: number; entries: { number: number; message: Message }[] }>;
  marks: Map<string, number>;
  timers: Map<string, { due_ms: number; message: Message }>;
  waiting: Map<string, Waiting>;
  records: Map<string, { outcome: Outcome | null }>;
  events: Map<string, LoggedEvent[]>;
  ids: number;
}
type Frame =
  | { type: "data"; entries: { number: number; message: Message }[] }
  | { type: "acknowledgement"; number: number }
  | { type: "ask"; request: string; message: Message; delay_ms: number | undefined; accept: boolean }
  | { type: "answer"; request: string; outcome: Outcome };

/**
 * The turn protocol as simply as can be: all that a node knows is one value, which is committed as a whole, and what leaves
 * waits for that commit.
 */
export function referenceRuntime(fault?: Fault): TurnRuntime {
  return {
    start: (machine, placement, functions) => startDomain(machine, placement, functions, fault),
    stateOf(disk, { function: name, key }) {
      const stored = disk.get("all");
      const states = stored && (deserialize(stored) as Durable).states;
      const state = states?.get(`${name}\0${key}`) as
        | { count: number; turns: Map<string, string> }
        | undefined;
      return state && { count: state.count, turns: Object.fromEntries(state.turns) };
    },
    residue: () => [],
  };
}

function startDomain(
  machine: Machine,
  placement: Placement,
  functions: readonly StatefulFunctionData[],
  fault: Fault | undefined,
): CommitDomain {
  const { bus, store, clock, name: node } = machine;
  const byName = new Map(functions.map((one) => [one.name, one]));
  let durable = load();
  let outputs: (() => void)[] = [];
  let failures: ((error: NeuroranError) => void)[] = [];
  let committing = false;
  let dirty = false;
  let waiters: { request: string; node: string }[] = [];
  const asked = new Map<string, { resolve(outcome: Outcome): void; reject(error: Error): void }>();
  let subscriptions: { at: string; next: number; deliver: (event: LoggedEvent) => void }[] = [];

  function load(): Durable {
    const stored = store.get("all");
    if (stored !== undefined) return deserialize(stored) as Durable;
    return {
      states: new Map(),
      inbox: [],
      outboxes: new Map(),
      marks: new Map(),
      timers: new Map(),
      waiting: new Map(),
      records: new Map(),
      events: new Map(),
      ids: 0,
    };
  }

  const ownerOf = (address: Address): string => placement(address.function, keyGroupOf(address.key));
  const logged = (at: string): number => durable.events.get(at)?.length ?? 0;
  const textOf = (address: Address): string => `${address.function}\0${address.key}`;
  const transmit = (to: string, frame: Frame): void => bus.send(to, serialize(frame));
  const whenDurable = (early: Fault, output: () => void): void => {
    if (fault === early) output();
    else outputs.push(output);
  };

  function enqueue(to: string, message: Message): void {
    if (to === node) {
      durable.inbox.push(message);
      return;
    }
    const outbox = durable.outboxes.get(to) ?? { next: 1, entries: [] };
    durable.outboxes.set(to, outbox);
    const entry = { number: outbox.next++, message };
    if (fault !== "drops the outbox when sent") outbox.entries.push(entry);
    whenDurable("sends frames before the commit", () => transmit(to, { type: "data", entries: [entry] }));
  }

  function reply(to: ReplyTo | undefined, outcome: Outcome): void {
    if (to === undefined) return;
    if (to.request === undefined) {
      enqueue(to.node, { kind: "reply", to, outcome });
      return;
    }
    durable.records.set(to.request, { outcome });
    answer(to.request, outcome);
  }

  function answer(request: string, outcome: Outcome): void {
    whenDurable("replies before the commit", () => {
      if (fault === "forgets recorded replies") durable.records.delete(request);
      for (const waiter of waiters.filter((one) => one.request === request)) {
        if (waiter.node === node) settle(request, outcome);
        else transmit(waiter.node, { type: "answer", request, outcome });
      }
      waiters = waiters.filter((one) => one.request !== request);
    });
  }

  function settle(request: string, outcome: Outcome): void {
    asked.get(request)?.resolve(outcome);
    asked.delete(request);
  }

  function run(message: Message): void {
    if (message.kind === "request") {
      const { target, handler, body, replyTo } = message;
      turn(target, handler, (one, context) => one.run(context, body as never, undefined as never), replyTo);
      return;
    }
    const id = message.to.call!;
    const waiting = durable.waiting.get(id);
    if (waiting === undefined) return;
    durable.waiting.delete(id);
    if (fault === "loses continuations" && durable.ids % 5 === 0) return;
    const { self, call, replyTo } = waiting;
    const handler = message.outcome.ok ? call.onReply : call.onFailure;
    if (handler === undefined) reply(replyTo, message.outcome);
    else {
      const value = message.outcome.ok ? message.outcome.value : message.outcome.error;
      turn(self, handler, (one, context) => one.run(context, value as never, call.carry), replyTo);
    }
  }

  function turn(
    self: Address,
    handler: string,
    body: (handler: Handler, context: TurnContext) => unknown,
    replyTo: ReplyTo | undefined,
  ): void {
    const at = textOf(self);
    const state = structuredClone(durable.states.get(at)) ?? { count: 0, turns: new Map() };
    const effects: (() => void)[] = [];
    const now = clock.now();
    const message = ({ target, handler: name, body: value }: Invocation, to?: ReplyTo): Message => ({
      kind: "request",
      target,
      handler: name,
      body: value,
      replyTo: to,
    });
    const context: TurnContext = {
      key: self.key,
      state: state as never,
      now,
      send(invocation, options) {
        effects.push(() => {
          const sent = message(invocation);
          if (options?.delay_ms === undefined) enqueue(ownerOf(invocation.target), sent);
          else durable.timers.set(`${durable.ids++}`, { due_ms: now + options.delay_ms, message: sent });
        });
      },
      setTimer(name, delay_ms, target, value) {
        const set = message({ target: self, handler: target, body: value });
        effects.push(() => durable.timers.set(`${at}\0${name}`, { due_ms: now + delay_ms, message: set }));
      },
      cancelTimer: (name) => void effects.push(() => durable.timers.delete(`${at}\0${name}`)),
      publish(event) {
        effects.push(() => {
          const log = durable.events.get(at) ?? [];
          durable.events.set(at, [...log, { position: log.length + 1, event }]);
          whenDurable("delivers events before the commit", () => deliver(at, log.length + 1));
        });
      },
      append: () => {},
      forget: () => void effects.push(() => durable.states.delete(at)),
    };
    try {
      const result = body(byName.get(self.function)!.handlers[handler]!, context);
      durable.states.set(at, state);
      for (const effect of effects) effect();
      if (isCall(result)) {
        const call = `${node} ${durable.ids++}`;
        durable.waiting.set(call, { self, call: result, replyTo });
        enqueue(ownerOf(result.invocation.target), message(result.invocation, { node, call }));
      } else reply(replyTo, { ok: true, value: result });
    } catch (error) {
      if (fault === "keeps changes of failed turns") durable.states.set(at, state);
      reply(replyTo, { ok: false, error: { code: "HANDLER_FAILED", message: String(error) } });
    }
  }

  function deliver(at: string, last: number): void {
    for (const one of subscriptions) {
      if (one.at !== at) continue;
      for (const event of (durable.events.get(at) ?? []).slice(one.next - 1, last)) {
        one.next = event.position + (fault === "repeats events" && event.position % 4 === 0 ? 0 : 1);
        one.deliver(event);
      }
    }
  }

  let planned = false;
  function plan(): void {
    dirty = true;
    if (planned) return;
    planned = true;
    clock.soon(() => {
      planned = false;
      work();
    });
  }

  function work(): void {
    while (durable.inbox.length > 0) {
      dirty = true;
      run(durable.inbox.shift()!);
    }
    if (committing || !dirty) return;
    committing = true;
    dirty = false;
    const released = outputs;
    const refused = failures;
    outputs = [];
    failures = [];
    store.commit([{ key: "all", value: serialize(durable) }]).then(
      () => {
        committing = false;
        for (const output of released) output();
        work();
      },
      () => {
        committing = false;
        const error = new NeuroranError("COMMIT_FAILED", "nothing happened");
        for (const fail of [...refused, ...failures]) fail(error);
        failures = [];
        dirty = false;
        waiters = [];
        durable = load();
        outputs = subscriptions.map(({ at }) => {
          const last = logged(at);
          return () => deliver(at, last);
        });
        plan();
      },
    );
  }

  function accept(
    request: string,
    message: Message,
    delay_ms: number | undefined,
    from: string,
    early: boolean,
  ): void {
    waiters.push({ request, node: from });
    const record = durable.records.get(request);
    if (record?.outcome) answer(request, record.outcome);
    if (record === undefined) {
      durable.records.set(request, { outcome: null });
      const replied =
        early || message.kind === "reply" ? message : { ...message, replyTo: { node, request } };
      if (delay_ms === undefined) durable.inbox.push(replied);
      else durable.timers.set(`${durable.ids++}`, { due_ms: clock.now() + delay_ms, message: replied });
      if (early) reply({ node, request }, { ok: true, value: undefined });
    }
    plan();
  }

  function tick(): void {
    for (const [id, { due_ms, message }] of [...durable.timers]) {
      if (clock.now() < due_ms - (fault === "fires timers early" ? 5 : 0)) continue;
      if (fault !== "fires timers twice" || machine.random.integer(3) > 0) durable.timers.delete(id);
      if (message.kind === "request") enqueue(ownerOf(message.target), message);
      plan();
    }
    if (!committing && !dirty) {
      // Not before the commit: what stands in the outbox may stand in no store yet.
      for (const [to, { entries }] of durable.outboxes)
        if (entries.length > 0) transmit(to, { type: "data", entries });
    }
    clock.after(15, tick);
  }

  bus.receive((from, bytes) => {
    const frame = deserialize(bytes) as Frame;
    if (frame.type === "ask") accept(frame.request, frame.message, frame.delay_ms, from, frame.accept);
    else if (frame.type === "answer") settle(frame.request, frame.outcome);
    else if (frame.type === "acknowledgement") {
      const outbox = durable.outboxes.get(from);
      if (outbox) outbox.entries = outbox.entries.filter((entry) => entry.number > frame.number);
    } else {
      const mark = (): number => durable.marks.get(from) ?? 0;
      for (const { number, message } of frame.entries) {
        if (number !== mark() + 1 && fault !== "forgets the high-water mark") continue;
        durable.marks.set(from, number);
        durable.inbox.push(message);
      }
      // As of now: what comes while the commit is under way is not covered by it.
      const number = mark();
      whenDurable("acknowledges before the commit", () =>
        transmit(from, { type: "acknowledgement", number }),
      );
      plan();
    }
  });
  tick();
  plan();

  function ask(
    invocation: Invocation,
    identification: Identification | undefined,
    delay_ms: number | undefined,
    early: boolean,
  ): Promise<Outcome> {
    const request =
      identification === undefined
        ? `${node} ${machine.incarnation} ${asks++}`
        : "session" in identification
          ? `${identification.session.session} ${identification.session.sequence}`
          : identification.idempotencyKey;
    const { target, handler, body } = invocation;
    const message: Message = { kind: "request", target, handler, body, replyTo: undefined };
    return new Promise((resolve, reject) => {
      asked.set(request, { resolve, reject });
      const owner = ownerOf(target);
      if (owner !== node) transmit(owner, { type: "ask", request, message, delay_ms, accept: early });
      else {
        accept(request, message, delay_ms, node, early);
        if (durable.records.get(request)?.outcome === null) failures.push(reject);
      }
    });
  }
  let asks = 0;

  const domain: Pick<CommitDomain, "invoke" | "send" | "openSession" | "subscribe"> = {
    invoke: (invocation, identification) => ask(invocation, identification, undefined, false),
    async send(invocation, options) {
      await ask(invocation, options?.identification, options?.delay_ms, true);
    },
    openSession: async () => `session ${node} ${machine.incarnation} ${asks++}`,
    subscribe(address, position, take) {
      const one = { at: textOf(address), next: position ?? 1, deliver: take };
      subscriptions.push(one);
      const last = logged(one.at);
      outputs.push(() => deliver(one.at, last));
      plan();
      return () => {
        subscriptions = subscriptions.filter((other) => other !== one);
      };
    },
  };
  return domain as CommitDomain;
}

function isCall(value: unknown): value is Call {
  return typeof value === "object" && value !== null && (value as Call).kind === "call";
}
