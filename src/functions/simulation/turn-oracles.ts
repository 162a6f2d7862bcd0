import type { Address } from "../turns/address.js";
import type { InterpreterState, ProgramReply, Run } from "./interpreter.js";
import { type ExpectedTurn, expectedTurns } from "./program.js";
import type { Request } from "./turn-clients.js";
import type { Subscriber } from "./turn-subscribers.js";
import type { Violation } from "./world.js";

/** The state of a key as its owner knows it; undefined where it has none. */
export type StateReader = (address: Address) => InterpreterState | undefined;

/** Turns that must have taken effect and have not yet: empty when all is done. */
export function missingTurns(requests: readonly Request[], stateOf: StateReader): string[] {
  return requests.flatMap((request) => {
    const { turns } = expectedTurns(request.program);
    const needed = request.fate === "accepted" || request.fate === "pending" || began(turns, stateOf);
    return needed ? turns.filter((turn) => !tookEffect(turn, stateOf)).map(({ name }) => name) : [];
  });
}

/** Events of turns that took effect which have not come yet, by key. */
export function missingEvents(
  requests: readonly Request[],
  subscribers: readonly Subscriber[],
  stateOf: StateReader,
): string[] {
  const turns = requests.flatMap(({ program }) => expectedTurns(program).turns);
  return subscribers
    .map(({ address, events }) => {
      const at = nameOf(address);
      const here = turns.filter((turn) => nameOf(turn.program.target) === at && tookEffect(turn, stateOf));
      return { at, missing: here.reduce((sum, { publishes }) => sum + publishes, -events.length) };
    })
    .filter(({ missing }) => missing > 0)
    .map(({ at, missing }) => `${missing} events of ${at}`);
}

/**
 * Compares what stands, when all is done, with what the programs ask for and with what clients and subscribers saw.
 *
 * Invariants, by name:
 * - "accepted programs take effect exactly once, whole", "refused programs take no effect", "unknown programs take effect
 *   once, whole, or not at all": by the turns that the states record.
 * - "counters equal the model".
 * - "nothing is seen of a turn that did not survive": each turn that took effect, each reply and each event names the run of
 *   the turn that sent it, and that very run must stand in the sender's state: no output left before its commit was durable.
 * - "a reply tells how the program went".
 */
export function findViolation(
  requests: readonly Request[],
  subscribers: readonly Subscriber[],
  addresses: readonly Address[],
  stateOf: StateReader,
): Violation | undefined {
  const turns = new Map<string, string>();
  const counters = new Map<string, number>();
  const publishes = new Map<string, number>();
  for (const { program, fate } of requests) {
    const expected = expectedTurns(program).turns;
    const effective = expected.filter((turn) => tookEffect(turn, stateOf));
    if (fate === "refused" && effective.length > 0) {
      return { invariant: "refused programs take no effect", detail: `${program.id}: ${names(effective)}` };
    }
    if (fate === "accepted" ? effective.length < expected.length : partial(effective, expected)) {
      const invariant =
        fate === "accepted"
          ? "accepted programs take effect exactly once, whole"
          : "unknown programs take effect once, whole, or not at all";
      const missing = expected.filter((turn) => !effective.includes(turn));
      return { invariant, detail: `${program.id}: missing ${names(missing)}, there ${names(effective)}` };
    }
    for (const turn of effective) {
      const at = nameOf(turn.program.target);
      turns.set(turn.name, at);
      counters.set(at, (counters.get(at) ?? 0) + turn.adds);
      publishes.set(at, (publishes.get(at) ?? 0) + turn.publishes);
    }
  }

  const survives = ({ function: name, key, turn, run }: Run): boolean => {
    const recorded = stateOf({ function: name, key })?.turns[turn];
    return recorded !== undefined && (JSON.parse(recorded) as [Run, Run | null])[0].run === run;
  };
  const orphan = (by: Run, what: string): Violation => ({
    invariant: "nothing is seen of a turn that did not survive",
    detail: `${what} comes from run ${by.run} of ${by.turn} at ${by.function} ${by.key}, which did not survive`,
  });

  for (const address of addresses) {
    const at = nameOf(address);
    const state = stateOf(address);
    const count = counters.get(at) ?? 0;
    for (const [turn, recorded] of Object.entries(state?.turns ?? {})) {
      if (turns.get(turn) !== at) {
        return { invariant: "only asked turns take effect", detail: `${turn} at ${at}` };
      }
      const cause = (JSON.parse(recorded) as [Run, Run | null])[1];
      if (cause !== null && !survives(cause)) return orphan(cause, `turn ${turn}`);
    }
    if ((state?.count ?? 0) !== count) {
      return { invariant: "counters equal the model", detail: `${at}: ${state?.count}, not ${count}` };
    }
  }
  for (const { program, fate, kind, outcome } of requests) {
    if (fate !== "accepted" || kind === "send") continue;
    if (outcome?.ok !== expectedTurns(program).succeeds) {
      return {
        invariant: "a reply tells how the program went",
        detail: `${program.id}: ${JSON.stringify(outcome)}`,
      };
    }
    const seen = outcome?.ok ? runsOf(outcome.value).find((run) => !survives(run)) : undefined;
    if (seen !== undefined) return orphan(seen, `the reply to ${program.id}`);
  }
  for (const { address, events } of subscribers) {
    const at = nameOf(address);
    const seen = events.find(({ by }) => !survives(by));
    if (seen !== undefined) return orphan(seen.by, `an event of ${at}`);
    if (events.length !== (publishes.get(at) ?? 0)) {
      const detail = `${at}: ${events.length} events, not ${publishes.get(at) ?? 0}`;
      return { invariant: "each event comes once", detail };
    }
  }
  return undefined;
}

function runsOf({ last, replies }: ProgramReply): Run[] {
  return [last, ...replies.flatMap((reply) => (reply === null ? [] : runsOf(reply)))];
}

function began(turns: readonly ExpectedTurn[], stateOf: StateReader): boolean {
  return turns.some((turn) => tookEffect(turn, stateOf));
}

function tookEffect({ name, program }: ExpectedTurn, stateOf: StateReader): boolean {
  return stateOf(program.target)?.turns[name] !== undefined;
}

function partial(effective: readonly ExpectedTurn[], expected: readonly ExpectedTurn[]): boolean {
  return effective.length > 0 && effective.length < expected.length;
}

function names(turns: readonly ExpectedTurn[]): string {
  return turns.length === 0 ? "nothing" : turns.map(({ name }) => name).join(", ");
}

function nameOf(address: Address): string {
  return `${address.function} ${address.key}`;
}
