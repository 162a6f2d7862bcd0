import { NeuroranError } from "../../errors.js";
import type { Random } from "../../system/index.js";
import { type Probation, type Request, type SharedWords, word } from "../slots/slot-protocol.js";
import type { Notice, SlotThread } from "../slots/slot-thread.js";
import { claim, giveBack, handOver, markKept, type ThreadIndex } from "../slots/swap.js";
import { exponential } from "./faults.js";
import type { World } from "./world.js";

/** What slots do to the state, in two steps, so that one may be half done. */
export function firstHalf([a]: Int32Array, slot: number): number {
  return (Math.imul(a!, 31) + slot) | 0;
}
export function secondHalf([a, b]: Int32Array, slot: number): number {
  return (Math.imul(b!, 17) + a! + slot) | 0;
}

/** What the threads share. */
export interface SwapGround {
  readonly world: World;
  readonly words: SharedWords;
  readonly state: Int32Array;
  readonly kept: Int32Array;
  /** Where both stand in the memory, as threads tell it. */
  readonly keptTensors: Extract<Notice, { kind: "kept" }>["tensors"];
  /** Called with each slot that counts as completed. */
  completed(slot: number, by: ThreadIndex): void;
}

/** How a thread behaves. */
export interface ThreadNature {
  failsAt(slot: number): boolean;
  isLateAt(slot: number): boolean;
}

/** A slot thread whose steps are events: what slot-worker.ts does between two accesses of shared memory is one step. */
export interface SimulatedThread {
  readonly thread: SlotThread;
  crash(): void;
  pause(time_ms: number): void;
}

/**
 * Starts a thread. What it says is heard later, in order.
 * @param hear takes what it says by itself
 * @param gone called when that it is gone has been heard
 */
export function startThread(
  ground: SwapGround,
  random: Random,
  index: ThreadIndex,
  nature: ThreadNature,
  hear: (notice: Notice) => void,
  gone: (error: NeuroranError) => void,
): SimulatedThread {
  const { world, words, state, kept } = ground;
  const name = `thread${index}`;
  const inbox: (Request | { readonly kind: "take over"; readonly probation: Probation; ready(): void })[] =
    [];
  let alive = true;
  let pausedUntil_ms = 0;
  let heardBy_ms = 0;
  const delay_ms = 0.1 + 2 * random.next() ** 2;
  let probation: { left: number; misses: number } | undefined;
  let exit: (() => void) | undefined;
  const exited = new Promise<void>((resolve) => {
    exit = resolve;
  });

  const say = (what: string, then: () => void): void => {
    world.trace.note(world.time(), name, "says", 0, () => what);
    heardBy_ms = Math.max(heardBy_ms, world.time() + exponential(random, delay_ms));
    world.schedule(heardBy_ms - world.time(), then);
  };
  const post = (notice: Notice): void => say(notice.kind, () => hear(notice));
  const end = (): void => {
    if (!alive) return;
    alive = false;
    say("goes", () => {
      gone(new NeuroranError("SLOT_WORKER_ENDED", `${name} is gone`));
      exit?.();
    });
  };

  const serve = (request: (typeof inbox)[number]): boolean => {
    if (request.kind === "close") return true;
    if (request.kind === "keep serving") {
      if (probation !== undefined) post({ kind: "passed" });
      probation = undefined;
    }
    if (request.kind === "take over") {
      const { slots, misses } = request.probation;
      probation = { left: slots, misses };
      post({ kind: "kept", tensors: ground.keptTensors });
      if ("ready" in request) say("ready", request.ready);
    }
    return false;
  };

  const returnSlots = (reason: "slot failed" | "deadline missed", slot: number): void => {
    probation = undefined;
    giveBack(words, index);
    post({ kind: "given back", slot, reason, error: undefined });
  };

  function* runSlot(slot: number): Generator<void> {
    if (probation !== undefined) {
      kept[0] = state[0]!;
      yield;
      kept[1] = state[1]!;
      yield;
      markKept(words, slot);
      yield;
    }
    state[0] = firstHalf(state, slot);
    yield;
    if (probation !== undefined && nature.failsAt(slot)) {
      state[0] = kept[0]!;
      yield;
      state[1] = kept[1]!;
      yield;
      returnSlots("slot failed", slot);
      return;
    }
    state[1] = secondHalf(state, slot);
    yield;
    Atomics.store(words, word.completed, slot + 1);
    ground.completed(slot, index);
    if (probation === undefined) return;
    if (nature.isLateAt(slot)) probation.misses--;
    probation.left--;
    if (probation.misses <= 0) returnSlots("deadline missed", slot);
    else if (probation.left <= 0) {
      probation = undefined;
      post({ kind: "passed" });
    }
  }

  function* life(): Generator<void> {
    for (;;) {
      for (let request = inbox.shift(); request !== undefined; request = inbox.shift()) {
        if (serve(request)) return;
      }
      const mine = claim(words, index);
      const slot = Atomics.load(words, word.completed);
      yield;
      if (mine === 2) {
        if (handOver(words, index)) post({ kind: "handed over", slot });
      } else if (mine === 1 && slot !== Atomics.load(words, word.submitted)) yield* runSlot(slot);
      yield;
    }
  }

  const steps = life();
  const step = (): void => {
    if (!alive) return;
    if (world.time() < pausedUntil_ms) {
      world.schedule(pausedUntil_ms - world.time(), step);
      return;
    }
    if (steps.next().done) end();
    else world.schedule(0.02 + exponential(random, 0.08), step);
  };
  world.schedule(0, step);

  const request = (message: (typeof inbox)[number]): void => {
    world.schedule(exponential(random, 0.2), () => inbox.push(message));
  };
  const thread: SlotThread = {
    index,
    module: "simulated",
    started: Promise.reject(new NeuroranError("SIMULATED", "a simulated thread tells nothing of its start")),
    exited,
    ended: undefined,
    latest: { kernels: [], lasting: [] },
    prepare: () => Promise.resolve({}),
    takeOver: (asked) =>
      new Promise((resolve, reject) => {
        request({ kind: "take over", probation: asked, ready: resolve });
        void exited.then(() => reject(new NeuroranError("SLOT_WORKER_ENDED", `${name} is gone`)));
      }),
    request,
    hearAll() {},
    close() {
      request({ kind: "close" });
      return exited;
    },
    terminate: end,
  };
  thread.started.catch(() => undefined);
  return {
    thread,
    crash: end,
    pause(time_ms) {
      pausedUntil_ms = world.time() + time_ms;
    },
  };
}
