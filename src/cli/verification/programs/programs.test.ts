import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Address } from "../../../functions/turns/address.js";
import type {
  Call,
  Handler,
  Invocation,
  StatefulFunctionData,
  TurnContext,
} from "../../../functions/turns/declaration.js";
import { createRandom, type Random } from "../../../system/index.js";
import { countOperations, createProgramGenerator } from "./generator.js";
import { layerOne, layerThree, layerTwo } from "./interpreter.js";
import { createModel } from "./model.js";
import {
  type AddressedProgram,
  addressText,
  type Count,
  decoyDelay_ms,
  greatestAddend,
  type Operation,
  type Program,
  type ProgramReply,
} from "./program.js";

const longestDelay_ms = 500;

type Outcome = { ok: true; value: unknown } | { ok: false };
type Done = (outcome: Outcome) => void;

interface State {
  sum: number;
  times: Uint32Array;
  ledger: Map<string, { times: number }>;
}

/**
 * Turns without any store: what is to run lies in a heap, and chance picks from it. A turn that throws leaves nothing behind.
 */
function createTurns(functions: readonly StatefulFunctionData[], random: Random) {
  const states = new Map<string, State>();
  const due: (() => void)[] = [];
  const timers = new Map<string, () => void>();

  function runTurn(at: Address, handlerName: string, done: Done, ...input: unknown[]): void {
    const place = addressText(at);
    const { handlers } = functions.find(({ name }) => name === at.function)!;
    const handler = handlers[handlerName] as Handler;
    const state = structuredClone(states.get(place)) ?? {
      sum: 0,
      times: new Uint32Array(greatestAddend),
      ledger: new Map(),
    };
    const effects: (() => void)[] = [];
    const context: Pick<TurnContext, "key" | "send" | "setTimer" | "cancelTimer"> & { state: State } = {
      key: at.key,
      state,
      send: (invocation) => effects.push(() => deliver(invocation, () => {})),
      setTimer(name, delay_ms, to, body) {
        const fire = (): void => runTurn(at, to, () => {}, body);
        effects.push(() => (delay_ms < decoyDelay_ms ? timers.set(name, fire) : timers.delete(name)));
      },
      cancelTimer: (name) => effects.push(() => timers.delete(name)),
    };
    let result: unknown;
    try {
      result = (handler.run as (...parameters: unknown[]) => unknown)(context, ...structuredClone(input));
    } catch {
      done({ ok: false });
      return;
    }
    states.set(place, state);
    for (const effect of effects) effect();
    if (!isCall(result)) {
      done({ ok: true, value: result });
      return;
    }
    const { invocation, onReply, onFailure, carry } = result;
    deliver(invocation, (outcome) => {
      if (outcome.ok) due.push(() => runTurn(at, onReply!, done, outcome.value, carry));
      else if (onFailure === undefined) done(outcome);
      else due.push(() => runTurn(at, onFailure, done, undefined, carry));
    });
  }

  function deliver({ target, handler, body }: Invocation, done: Done): void {
    due.push(() => runTurn(target, handler, done, body));
  }

  return {
    deliver,
    runAll(): void {
      while (due.length + timers.size > 0) {
        const picked = random.integer(due.length + timers.size);
        const [timer, fire] = [...timers][picked - due.length] ?? [];
        if (timer !== undefined) {
          timers.delete(timer);
          fire!();
        } else due.splice(picked, 1)[0]!();
      }
    },
    counts: () =>
      new Map(
        [...states].flatMap(([place, { sum, times }]) => (sum > 0 ? [[place, countOf(sum, times)]] : [])),
      ),
  };
}

function isCall(result: unknown): result is Call {
  return typeof result === "object" && result !== null && "kind" in result && result.kind === "call";
}

function countOf(sum: number, times: Iterable<number>): Count {
  return { sum, times: [...times] };
}

const functions = [layerOne!, layerTwo!, layerThree!];

/** All operations of a program, those of the programs in it included, each with the key that runs it. */
function* operationsOf({ at, program }: AddressedProgram): Generator<{ at: Address; operation: Operation }> {
  for (const operation of program) {
    yield { at, operation };
    if ("program" in operation) {
      yield* operationsOf({ at: "at" in operation ? operation.at : at, program: operation.program });
    }
  }
}

describe("random programs", () => {
  it("count the same by turns in any order as by the model (seed 1)", () => {
    const seeds = fc.tuple(fc.integer(), fc.integer({ min: 1, max: 40 }), fc.integer());
    fc.assert(
      fc.property(seeds, ([seed, keys, order]) => {
        const generate = createProgramGenerator(seed, keys, longestDelay_ms);
        const model = createModel();
        const turns = createTurns(functions, createRandom(order));
        const replies: unknown[] = [];
        const wanted: unknown[] = [];
        for (let index = 0; index < 30; index++) {
          const program = generate(index);
          const outcome = model.run(program);
          wanted[index] = outcome.ok ? outcome.total : undefined;
          turns.deliver({ target: program.at, handler: "run", body: program.program }, (got) => {
            replies[index] = got.ok ? (got.value as ProgramReply).total : undefined;
          });
        }
        turns.runAll();
        expect(replies).toEqual(wanted);
        expect(turns.counts()).toEqual(model.counts);
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  it("are those of their seed and number, whatever was drawn before", () => {
    const [one, other] = [
      createProgramGenerator(7, 50, longestDelay_ms),
      createProgramGenerator(7, 50, longestDelay_ms),
    ];
    other(3);
    expect(other(11)).toEqual(one(11));
    expect(createProgramGenerator(8, 50, longestDelay_ms)(11)).not.toEqual(one(11));
  });

  it("hold every kind of operation, cycles, calls of the own key, and programs in all layers", () => {
    const generate = createProgramGenerator(1, 1000, longestDelay_ms);
    const programs = Array.from({ length: 2000 }, (_, index) => generate(index));
    const counts = {};
    for (const { program } of programs) countOperations(program, counts);
    const kinds = ["add", "call", "send", "timer", "decoy", "cancelled", "cancel", "fail"];
    expect(Object.keys(counts).sort()).toEqual(kinds.sort());
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(100);

    const all = programs.flatMap((program) => [...operationsOf(program)]);
    const calls = all.flatMap(({ at, operation }) =>
      operation.do === "call" ? [{ from: at, to: operation.at, program: operation.program }] : [],
    );
    expect(calls.filter(({ from, to }) => addressText(from) === addressText(to)).length).toBeGreaterThan(50);
    const cycles = calls.filter(({ from, to, program }) =>
      program.some(
        (inner) => inner.do === "call" && from !== to && addressText(inner.at) === addressText(from),
      ),
    );
    expect(cycles.length).toBeGreaterThan(20);
    const deeper = calls.filter(
      ({ from, to, program }) =>
        from.function === "layer-one" &&
        to.function === "layer-two" &&
        program.some((inner) => inner.do === "call" && inner.at.function === "layer-three"),
    );
    expect(deeper.length).toBeGreaterThan(20);
    expect(new Set(all.map(({ at }) => addressText(at))).size).toBeGreaterThan(900);
  });

  it("have timers of names of their own, due in time", () => {
    const generate = createProgramGenerator(2, 100, longestDelay_ms);
    const all = Array.from({ length: 2000 }, (_, index) => [...operationsOf(generate(index))]).flat();
    const timers = all.flatMap(({ operation }) => (operation.do === "timer" ? [operation] : []));
    const decoys = all.flatMap(({ operation }) => (operation.do === "decoy" ? [operation.name] : []));
    expect(new Set(timers.map(({ name }) => name)).size).toBe(timers.length);
    expect(new Set(decoys).size).toBe(decoys.length);
    expect(timers.some(({ name }) => decoys.includes(name))).toBe(true);
    for (const { delay_ms } of timers) {
      expect(delay_ms).toBeGreaterThanOrEqual(0);
      expect(delay_ms).toBeLessThan(longestDelay_ms);
    }
  });
});

describe("the model of programs", () => {
  const a: Address = { function: "layer-one", key: "a" };
  const b: Address = { function: "layer-two", key: "b" };
  const add = (by: number): Operation => ({ do: "add", by });
  const call = (at: Address, program: Program, caught = false): Operation => ({
    do: "call",
    at,
    program,
    caught,
  });
  /** The outcome of a program of key a, and what a and b then have counted. */
  function modelled(program: Program) {
    const model = createModel();
    const outcome = model.run({ at: a, program });
    const sum = (at: Address): number => model.counts.get(addressText(at))?.sum ?? 0;
    return [outcome.ok ? outcome.total : "failed", sum(a), sum(b)];
  }

  it.each<[string, Program, (number | string)[]]>([
    ["adds", [add(1), add(2)], [3, 3, 0]],
    ["counts what it calls", [add(1), call(b, [add(5)]), add(2)], [8, 3, 5]],
    ["calls in a cycle", [call(b, [call(a, [add(4)])])], [4, 4, 0]],
    ["calls itself", [call(a, [add(4)]), add(1)], [5, 5, 0]],
    ["counts not what it sends", [{ do: "send", at: b, program: [add(7)] }], [0, 0, 7]],
    ["runs timers", [{ do: "timer", name: "x", delay_ms: 5, program: [add(7)] }], [0, 7, 0]],
    ["undoes the turn that fails", [add(1), { do: "fail" }, add(2)], ["failed", 0, 0]],
    [
      "keeps turns before that which fails",
      [add(1), call(b, [add(2)]), add(3), { do: "fail" }],
      ["failed", 1, 2],
    ],
    [
      "sends nothing from a turn that fails",
      [{ do: "send", at: b, program: [add(7)] }, { do: "fail" }],
      ["failed", 0, 0],
    ],
    ["ends by a failed call", [add(1), call(b, [add(9), { do: "fail" }]), add(2)], ["failed", 1, 0]],
    ["goes on after a caught one", [add(1), call(b, [{ do: "fail" }], true), add(2)], [3, 3, 0]],
    [
      "fires no decoy",
      [
        { do: "decoy", name: "x" },
        { do: "cancelled", name: "y" },
        { do: "cancel", name: "x" },
      ],
      [0, 0, 0],
    ],
  ])("%s", (_, program, expected) => {
    expect(modelled(program)).toEqual(expected);
  });

  it("counts how often what was added", () => {
    const model = createModel();
    model.run({ at: a, program: [add(2), add(2), add(9)] });
    expect(model.counts.get(addressText(a))).toEqual({ sum: 13, times: [0, 2, 0, 0, 0, 0, 0, 0, 1] });
  });
});
