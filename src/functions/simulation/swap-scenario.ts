import { NeuroranError } from "../../errors.js";
import { arenaMemory } from "../arena.js";
import { sharedRing, word } from "../slots/slot-protocol.js";
import { createSlotSwap } from "../slots/slot-swap.js";
import type { SlotThread } from "../slots/slot-thread.js";
import { otherThread, type ThreadIndex } from "../slots/swap.js";
import type { Scenario, ScheduleOptions, ScheduleResult } from "./scenario.js";
import {
  firstHalf,
  type SimulatedThread,
  type SwapGround,
  secondHalf,
  startThread,
  type ThreadNature,
} from "./swap-threads.js";
import { createWorld } from "./world.js";

const kinds = [
  "candidate does not start",
  "candidate fails",
  "candidate is late",
  "thread crash",
  "thread pause",
  "swap refused",
] as const;
type Kind = (typeof kinds)[number];

const [stateOffset, keptOffset] = [64, 128];
const slotPeriod_ms = 1;

/** Implementations are exchanged under running slots, while threads fail, crash and pause. */
export const swapScenario: Scenario = { name: "swap", faultKinds: kinds, run: runSchedule };

/**
 * Invariants, by name:
 * - "slots run once each, in order": whoever runs them.
 * - "each slot runs on the state that the one before left": the state is that of all slots completed.
 * - "every slot runs", "every swap comes to an end": when faults have ended, unless the executor has.
 * - "an executor ends only with its threads".
 */
async function runSchedule(seed: number, options: ScheduleOptions = {}): Promise<ScheduleResult> {
  const world = createWorld(seed, { ...options, profile: [] });
  const random = world.random.fork("swap");
  const profile = options.profile ?? kinds.filter(() => random.integer(2) === 0);
  const faults = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;
  const fault = (kind: Kind, where: string): void => {
    faults[kind]++;
    world.trace.note(world.time(), where, kind);
  };
  const has = (kind: Kind, oneOf: number): boolean => profile.includes(kind) && random.integer(oneOf) === 0;

  const memory = arenaMemory(1024);
  const ring = sharedRing();
  const { words } = ring;
  const threads: (SlotThread | undefined)[] = [undefined, undefined];
  const simulated: (SimulatedThread | undefined)[] = [undefined, undefined];
  const tensor = (offset: number) =>
    ({ name: "state", dtype: "int32", shape: [2], offset, byteLength: 8 }) as const;
  let next = 0;
  let ended = false;
  const ground: SwapGround = {
    world,
    words,
    state: new Int32Array(memory.buffer, stateOffset, 2),
    kept: new Int32Array(memory.buffer, keptOffset, 2),
    keptTensors: [{ of: tensor(stateOffset), kept: tensor(keptOffset), key: undefined }],
    completed(slot, by) {
      world.trace.note(world.time(), `thread${by}`, "completes", slot, () => `slot ${slot}`);
      if (slot !== next) world.violate("slots run once each, in order", `slot ${slot} by ${by}, not ${next}`);
      next++;
    },
  };
  const swapping = createSlotSwap(ring, memory, threads, () => {
    ended = true;
  });

  const add = (index: ThreadIndex, nature: ThreadNature): SlotThread => {
    const one = startThread(
      ground,
      random.fork(`thread ${index} ${world.events}`),
      index,
      nature,
      (notice) => {
        const { kind } = notice;
        if (kind === "kept" || kind === "handed over" || kind === "given back" || kind === "passed")
          swapping.hear(notice);
      },
      (error) => {
        if (simulated[index] === one) {
          simulated[index] = undefined;
          threads[index] = undefined;
        }
        swapping.gone(index, error);
      },
    );
    simulated[index] = one;
    threads[index] = one.thread;
    return one.thread;
  };
  add(0, { failsAt: () => false, isLateAt: () => false });

  const asked = { swaps: 0, kept: 0, returned: 0 };
  let open = 0;
  const swap = (): void => {
    asked.swaps++;
    open++;
    const failing = has("candidate fails", 2) ? random.integer(8) : undefined;
    const late = has("candidate is late", 2);
    let ran = 0;
    const nature: ThreadNature = {
      failsAt() {
        if (ran++ !== failing) return false;
        fault("candidate fails", "candidate");
        return true;
      },
      isLateAt() {
        const isLate = late && random.integer(2) === 0;
        if (isLate) fault("candidate is late", "candidate");
        return isLate;
      },
    };
    const start = async (index: ThreadIndex): Promise<SlotThread> => {
      await new Promise<void>((resolve) => world.schedule(3 * random.next(), resolve));
      if (has("candidate does not start", 3)) {
        fault("candidate does not start", "candidate");
        throw new NeuroranError("SLOT_WORKER_START", "the candidate does not start");
      }
      return add(index, nature);
    };
    const settle = (): void => {
      open--;
    };
    swapping
      .swap({ slots: 1 + random.integer(8), deadline_ms: 1, misses: 1 + random.integer(2) }, start)
      .then(
        ({ outcome }) =>
          outcome.then(({ kept }) => {
            asked[kept ? "kept" : "returned"]++;
            settle();
          }),
        (error: unknown) => {
          if (error instanceof NeuroranError && error.code === "SWAP_UNDERWAY")
            fault("swap refused", "executor");
          settle();
        },
      );
  };

  const end_ms = 20 + 40 * random.next();
  const submit = (): void => {
    if (ended) return;
    Atomics.add(words, word.submitted, 1);
    world.schedule(slotPeriod_ms * (0.5 + random.next()), submit);
  };
  submit();
  const swaps = 1 + random.integer(5);
  for (let index = 0; index < swaps; index++) world.schedule(end_ms * random.next(), swap);
  if (profile.includes("swap refused"))
    world.schedule(end_ms * random.next(), () => swapping.state.phase !== "serving" && swap());
  const disturb = (kind: Kind, then: (thread: SimulatedThread) => void): void => {
    if (!profile.includes(kind)) return;
    for (let count = random.integer(4); count > 0; count--) {
      world.schedule(end_ms * random.next(), () => {
        // Mostly the candidate: for who serves alone there is nobody to stand in.
        const { serving, phase } =
          swapping.state.phase === "ended" ? { serving: 0 as const, phase: "ended" } : swapping.state;
        const candidate = phase === "probation" ? serving : otherThread(serving);
        const index = random.integer(6) === 0 ? otherThread(candidate) : candidate;
        const thread = simulated[index];
        if (thread === undefined) return;
        fault(kind, `thread${index}`);
        then(thread);
      });
    }
  };
  disturb("thread crash", (thread) => thread.crash());
  disturb("thread pause", (thread) => thread.pause(8 * random.next()));

  await world.run(() => world.time() >= end_ms || ended, 2 * end_ms);
  const isDone = (): boolean => open === 0 && swapping.state.phase === "serving";
  const settled = ended || (await world.run(isDone, end_ms + 500));
  if (!settled && world.violation === undefined && !ended) {
    world.violate("every swap comes to an end", `${open} are open, ${swapping.state.phase}`);
  }
  const until = Atomics.load(words, word.submitted);
  const reached = (): boolean => ended || Atomics.load(words, word.completed) >= until;
  if (!(await world.run(reached, world.time() + 500)) && world.violation === undefined) {
    world.violate("every slot runs", `${Atomics.load(words, word.completed)} of ${until} slots have run`);
  }
  if (ended && faults["thread crash"] === 0) {
    world.violate("an executor ends only with its threads", "no thread had crashed");
  }
  // Between two slots the state is that of those before; in one, it is half that of the next.
  const atRest = (): boolean =>
    ended || Atomics.load(words, word.completed) === Atomics.load(words, word.submitted);
  await world.run(atRest, world.time() + 100);
  if (!ended && atRest()) {
    const expected = stateAfter(next);
    if (ground.state[0] !== expected[0] || ground.state[1] !== expected[1]) {
      world.violate(
        "each slot runs on the state that the one before left",
        `${ground.state}, not ${expected}`,
      );
    }
  }
  return {
    seed,
    violation: world.violation,
    profile,
    faults,
    events: world.events,
    operations: { slots: next, ...asked },
    hash: world.trace.hash(),
    lines: world.trace.lines,
  };
}

function stateAfter(slots: number): Int32Array {
  const state = new Int32Array(2);
  for (let slot = 0; slot < slots; slot++) {
    state[0] = firstHalf(state, slot);
    state[1] = secondHalf(state, slot);
  }
  return state;
}
