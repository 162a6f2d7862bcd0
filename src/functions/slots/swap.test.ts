import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NeuroranError } from "../../errors.js";
import { arenaMemory } from "../arena.js";
import { sharedRing, word } from "./slot-protocol.js";
import { createSlotSwap } from "./slot-swap.js";
import type { SlotThread } from "./slot-thread.js";
import { claim, giveBack, handOver, markKept, otherThread, type ThreadIndex } from "./swap.js";

const seed = 1847;
const [stateOffset, keptOffset] = [64, 128];

/** What a slot does to the state, in two steps that a crash may come between. */
const first = (a: number, slot: number): number => (Math.imul(a, 31) + slot) | 0;
const second = (b: number, a: number, slot: number): number => (Math.imul(b, 17) + a + slot) | 0;

/** A thread as slot-worker.ts is one, a step at a time. */
interface ModelThread {
  step(): void;
  crash(): void;
  readonly alive: boolean;
  /** It has passed its probation, though that may not have been heard. */
  readonly passed: boolean;
}

/** Two threads, an executor and what comes between them; a choice says who goes on next. */
function createWorld() {
  const memory = arenaMemory(1024);
  const state = new Int32Array(memory.buffer, stateOffset, 2);
  const kept = new Int32Array(memory.buffer, keptOffset, 2);
  const ring = sharedRing();
  const { words } = ring;
  const log: { slot: number; by: ThreadIndex }[] = [];
  const threads: (SlotThread | undefined)[] = [undefined, undefined];
  const models: (ModelThread | undefined)[] = [undefined, undefined];
  /** What was posted by each thread and is not heard. */
  const posted: (() => void)[][] = [[], []];
  let ended = false;
  const swapping = createSlotSwap(ring, memory, threads, () => {
    ended = true;
  });
  const describeState = (offset: number) =>
    ({ name: "state", dtype: "int32", shape: [2], offset, byteLength: 8 }) as const;

  const addThread = (index: ThreadIndex, fails: (slot: number) => boolean): SlotThread => {
    let alive = true;
    let closing = false;
    let passed = false;
    let probation: { left: number } | undefined;
    const inbox: (() => void)[] = [];
    const post = (notice: Parameters<typeof swapping.hear>[0]): void => {
      posted[index].push(() => swapping.hear(notice));
    };
    const exit = (): void => {
      alive = false;
      const mine = threads[index];
      posted[index].push(() => {
        if (threads[index] === mine) threads[index] = undefined;
        swapping.gone(index, new NeuroranError("SLOT_WORKER_ENDED", "gone"));
      });
    };
    let program: (() => void)[] = [];
    const returnSlots = (slot: number): (() => void)[] => [
      () => giveBack(words, index),
      () => post({ kind: "given back", slot, reason: "slot failed", error: undefined }),
    ];
    const slotSteps = (slot: number): (() => void)[] => {
      const complete = (): void => {
        Atomics.store(words, word.completed, slot + 1);
        log.push({ slot, by: index });
      };
      const work = [
        () => {
          state[0] = first(state[0], slot);
        },
        () => {
          state[1] = second(state[1], state[0], slot);
        },
      ];
      if (probation === undefined) return [...work, complete];
      const mine = probation;
      const keep = [
        () => {
          kept[0] = state[0];
        },
        () => {
          kept[1] = state[1];
        },
        () => markKept(words, slot),
      ];
      if (fails(slot)) {
        probation = undefined;
        const restore = [() => state.set(kept.subarray(0, 1)), () => state.set(kept.subarray(1), 1)];
        return [...keep, work[0], ...restore, ...returnSlots(slot)];
      }
      const judge = (): void => {
        if (--mine.left > 0 || probation !== mine) return;
        probation = undefined;
        passed = true;
        post({ kind: "passed" });
      };
      return [...keep, ...work, complete, judge];
    };
    models[index] = {
      get alive() {
        return alive;
      },
      get passed() {
        return passed;
      },
      step() {
        if (!alive) return;
        const next = program.shift();
        if (next !== undefined) return next();
        const request = inbox.shift();
        if (request !== undefined) return request();
        if (closing) return exit();
        const mine = claim(words, index);
        const slot = Atomics.load(words, word.completed);
        if (mine === 2)
          program = [
            () => void (handOver(words, index) && program.push(() => post({ kind: "handed over", slot }))),
          ];
        else if (mine === 1 && slot !== Atomics.load(words, word.submitted)) program = slotSteps(slot);
      },
      crash: () => {
        if (alive) exit();
      },
    };
    const thread = {
      index,
      close: () => {
        closing = true;
        return Promise.resolve();
      },
      request(message: { kind: string }) {
        if (message.kind === "keep serving")
          inbox.push(() => {
            probation = undefined;
          });
      },
      takeOver: ({ slots }: { slots: number }) =>
        new Promise<void>((resolve, reject) => {
          inbox.push(() => {
            probation = { left: slots };
            post({
              kind: "kept",
              tensors: [{ of: describeState(stateOffset), kept: describeState(keptOffset), key: undefined }],
            });
            posted[index].push(resolve);
          });
          const watch = (): void => {
            if (!alive) reject(new Error("gone"));
            else setImmediate(watch);
          };
          setImmediate(watch);
        }),
    } as unknown as SlotThread;
    threads[index] = thread;
    return thread;
  };
  addThread(0, () => false);
  return {
    words,
    state,
    log,
    models,
    posted,
    swapping,
    addThread,
    get ended() {
      return ended;
    },
  };
}

type Choice =
  | { kind: "step"; index: ThreadIndex; times: number }
  | { kind: "hear"; index: ThreadIndex }
  | { kind: "submit" }
  | { kind: "swap"; slots: number; failAt: number }
  | { kind: "crash"; which: "candidate" | "other" };

function choices(crashes: readonly ("candidate" | "other")[]): fc.Arbitrary<Choice[]> {
  const index = fc.constantFrom<ThreadIndex>(0, 1);
  return fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.record({ kind: fc.constant("step" as const), index, times: fc.nat(4) }) },
      { weight: 6, arbitrary: fc.record({ kind: fc.constant("hear" as const), index }) },
      { weight: 4, arbitrary: fc.constant({ kind: "submit" } as const) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant("swap" as const),
          slots: fc.integer({ min: 1, max: 6 }),
          failAt: fc.integer({ min: 0, max: 30 }),
        }),
      },
      {
        weight: crashes.length > 0 ? 1 : 0,
        arbitrary: fc.record({
          kind: fc.constant("crash" as const),
          which: fc.constantFrom(...crashes, "candidate"),
        }),
      },
    ) as fc.Arbitrary<Choice>,
    { minLength: 20, maxLength: 160 },
  );
}

/** Lets promises that are settled be heard. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function play(plan: readonly Choice[], counts: Record<string, number>) {
  const world = createWorld();
  const { words, models, posted, swapping } = world;
  /** Whether a thread serves for good, or is there for a candidate that may fail. */
  const candidateIndex = (): ThreadIndex | undefined => {
    const now = swapping.state;
    if (now.phase === "probation") return now.former ? now.serving : undefined;
    if (now.phase === "preparing" || now.phase === "handing over") return otherThread(now.serving);
    return undefined;
  };
  const crash = (index: ThreadIndex | undefined): void => {
    if (index === undefined || !models[index]?.alive) return;
    models[index].crash();
    counts.crash++;
  };
  for (const choice of plan) {
    if (choice.kind === "step") for (let k = 0; k <= choice.times; k++) models[choice.index]?.step();
    else if (choice.kind === "hear") posted[choice.index].shift()?.();
    else if (choice.kind === "submit") Atomics.add(words, word.submitted, 1);
    else if (choice.kind === "crash") {
      const candidate = candidateIndex();
      if (choice.which === "other") crash(candidate === undefined ? 0 : otherThread(candidate));
      else if (candidate !== undefined && !models[candidate]?.passed) crash(candidate);
    } else {
      const { slots, failAt } = choice;
      const asked = swapping.swap({ slots, deadline_ms: 1, misses: 1 }, async (index) =>
        world.addThread(index, (slot) => slot === failAt),
      );
      asked.then(
        ({ outcome }) =>
          outcome.then(({ kept }) => {
            counts[kept ? "kept" : "returned"]++;
          }),
        (error: NeuroranError) => {
          if (error.code === "SWAP_UNDERWAY") counts.refused++;
        },
      );
    }
    if (choice.kind !== "step") await settle();
  }
  // Everything that can go on does, until nothing does.
  for (let round = 0; round < 200; round++) {
    for (const index of [0, 1] as const) {
      for (let k = 0; k < 20; k++) models[index]?.step();
      while (posted[index].length > 0) posted[index].shift()!();
    }
    await settle();
  }
  return world;
}

function expectedState(slots: number): number[] {
  const state = [0, 0];
  for (let slot = 0; slot < slots; slot++) {
    state[0] = first(state[0], slot);
    state[1] = second(state[1], state[0], slot);
  }
  return state;
}

describe("the protocol of a swap", () => {
  it("runs every slot once, in order, on the state of the one before, though candidates fail and crash (invariants 1 to 6)", async () => {
    const counts = { kept: 0, returned: 0, refused: 0, crash: 0 };
    await fc.assert(
      fc.asyncProperty(choices(["candidate"]), async (plan) => {
        const { log, state, words, swapping, ended } = await play(plan, counts);
        const submitted = Atomics.load(words, word.submitted);
        expect(ended).toBe(false);
        expect(log.map(({ slot }) => slot)).toEqual(Array.from({ length: submitted }, (_, slot) => slot));
        expect([...state]).toEqual(expectedState(submitted));
        expect(["serving", "probation"]).toContain(swapping.state.phase);
      }),
      { seed, numRuns: 300 },
    );
    console.log(`seed ${seed}:`, counts);
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(20);
  });

  it("ends with the executor, and never runs a slot twice, where the thread crashes that nobody can stand in for", async () => {
    const counts = { kept: 0, returned: 0, refused: 0, crash: 0 };
    let endings = 0;
    await fc.assert(
      fc.asyncProperty(choices(["candidate", "other"]), async (plan) => {
        const { log, state, words, ended } = await play(plan, counts);
        const submitted = Atomics.load(words, word.submitted);
        const done = log.length;
        expect(log.map(({ slot }) => slot)).toEqual(Array.from({ length: done }, (_, slot) => slot));
        if (ended) endings++;
        else {
          expect(done).toBe(submitted);
          expect([...state]).toEqual(expectedState(done));
        }
      }),
      { seed, numRuns: 300 },
    );
    console.log(`seed ${seed}: ${endings} executors ended,`, counts);
    expect(endings).toBeGreaterThan(20);
    expect(counts.kept).toBeGreaterThan(20);
  });
});
