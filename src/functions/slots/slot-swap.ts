/** The executor's part of a swap: does what the states of swap.ts ask for. */
import { NeuroranError, reviveError } from "../../errors.js";
import type { Choices } from "../choice.js";
import { type Deferred, deferred } from "../deferred.js";
import { restoreKeptState } from "./kept-state.js";
import type { KeptTensor, Probation, SharedRing } from "./slot-protocol.js";
import { word } from "./slot-protocol.js";
import type { Notice, SlotThread } from "./slot-thread.js";
import {
  askToHandOver,
  clearKept,
  isAsked,
  isKept,
  nextSwapState,
  otherThread,
  ownerOf,
  type SwapEvent,
  type SwapState,
  type ThreadIndex,
  wake,
  withdraw,
} from "./swap.js";

/** What a flow is to be run by from some slot on. What is not given stays. */
export interface SwapRequest {
  /** Implementations by function or node: names, paths of models' directories, or two that take turns. */
  readonly implementations?: Choices;
  /** A module with another version of the flow: with the same inputs, and state of the same layout. */
  readonly module?: URL | string;
  readonly factory?: string;
  readonly options?: unknown;
  /** When the slots return to what ran them before, beside when something throws, or hangs for seconds. */
  readonly fallback?: {
    /** How long a slot may take; without it no slot is late. */
    readonly deadline_ms?: number;
    /** Late slots that are too many; 3 unless given. */
    readonly misses?: number;
    /** Slots behind which it does not return any more; 1000 unless given. */
    readonly slots?: number;
  };
}

/** How a swap ended. */
export type SwapOutcome =
  | { readonly kept: true }
  | {
      readonly kept: false;
      readonly reason: "slot failed" | "deadline missed" | "thread ended";
      /** The slot that failed or was late too often; the former implementation has run every failed one again. */
      readonly slot: number;
      readonly error: NeuroranError | undefined;
    };

/** A swap whose slots were handed over. */
export interface Swap {
  /** The first slot that the new implementation runs. */
  readonly slot: number;
  /** From the request until the new implementation was ready; slots went on. */
  readonly prepare_ms: number;
  /** Settles when it cannot return to the former implementation any more. */
  readonly outcome: Promise<SwapOutcome>;
}

/** A swap as the statistics tell of it. */
export interface SwapRecord {
  readonly implementations: Choices;
  readonly module: string;
  readonly slot: number;
  readonly prepare_ms: number;
  /** Undefined as long as it may return. */
  readonly outcome: SwapOutcome | undefined;
}

function formerIsGone(): NeuroranError {
  const problem = "a swapped implementation gave its slots back to a slot worker that has ended meanwhile";
  return new NeuroranError("SLOT_WORKER_ENDED", `${problem}; start another executor`);
}

interface Swapping {
  readonly handedOver: Deferred<number>;
  readonly outcome: Deferred<SwapOutcome>;
  kept: readonly KeptTensor[];
}

export interface SlotSwap {
  /** Where it stands. */
  readonly state: SwapState;
  /** Hears what a thread says of a swap. */
  hear(notice: Extract<Notice, { kind: "kept" | "handed over" | "given back" | "passed" }>): void;
  /** Hears that a thread is gone. */
  gone(index: ThreadIndex, error: NeuroranError): void;
  /**
   * Starts a candidate, has it prepared and hands the slots over to it.
   * @returns the first slot that is the candidate's, and how it will end
   */
  swap(
    probation: Probation,
    start: (index: ThreadIndex) => Promise<SlotThread>,
  ): Promise<{ slot: number; outcome: Promise<SwapOutcome> }>;
}

/**
 * @param threads by index
 * @param ended called when no thread can run slots any more
 */
export function createSlotSwap(
  ring: SharedRing,
  memory: WebAssembly.Memory,
  threads: readonly (SlotThread | undefined)[],
  ended: (error: NeuroranError) => void,
): SlotSwap {
  const { words } = ring;
  let state: SwapState = { phase: "serving", serving: 0 };
  let current: Swapping | undefined;

  const takeBack = (serving: ThreadIndex): void => {
    if (isKept(words))
      restoreKeptState(memory, ring, Atomics.load(words, word.completed), current?.kept ?? []);
    Atomics.store(words, word.ownedFrom, Atomics.load(words, word.completed));
    Atomics.store(words, word.owner, serving);
    wake(words, serving);
  };

  const dispatch = (event: SwapEvent, error?: NeuroranError): void => {
    const { state: next, action } = nextSwapState(state, event);
    state = next;
    if (next.phase === "ended") {
      if (action === "end executor") ended(error!);
      return;
    }
    const { serving } = next;
    switch (action) {
      case "ask to hand over":
        askToHandOver(words, serving);
        wake(words, serving);
        break;
      case "withdraw":
        if (!withdraw(words, serving)) takeBack(serving);
        break;
      case "take back":
        takeBack(serving);
        break;
      case "end other":
        void threads[otherThread(serving)]?.close();
        break;
    }
    if (next.phase === "probation" && !next.former) {
      threads[serving]?.request({ kind: "keep serving" });
      current?.outcome.resolve({ kept: true });
    }
  };

  /** Ends a candidate that hangs in a slot: it will not give that back by itself. */
  const watch = (mine: Swapping, thread: SlotThread, deadline_ms: number): void => {
    const patience_ms = Number.isFinite(deadline_ms) ? Math.max(100, 10 * deadline_ms) : 2000;
    let seen = -1;
    const timer = setInterval(() => {
      const completed = Atomics.load(words, word.completed);
      const isIdle = completed === Atomics.load(words, word.submitted);
      if (seen === completed && !isIdle && ownerOf(words) === thread.index) thread.terminate();
      seen = isIdle ? -1 : completed;
    }, patience_ms);
    void mine.outcome.promise.then(() => clearInterval(timer));
    timer.unref();
  };

  return {
    get state() {
      return state;
    },
    hear(notice) {
      switch (notice.kind) {
        case "kept":
          if (current !== undefined) current.kept = notice.tensors;
          break;
        case "handed over":
          // One of a swap before this one may come as late.
          if (state.phase !== "handing over" || isAsked(words, state.serving)) break;
          current?.handedOver.resolve(notice.slot);
          dispatch({ kind: "handed over" });
          break;
        case "given back": {
          const { reason, slot } = notice;
          const error = notice.error && reviveError(notice.error, "SLOT_FAILED");
          // The slot it had first, if the former has not said so yet.
          current?.handedOver.resolve(slot);
          current?.outcome.resolve({ kept: false, reason, slot, error });
          dispatch({ kind: "given back" }, error ?? formerIsGone());
          break;
        }
        case "passed":
          // The former may not have said so yet.
          current?.handedOver.resolve(Atomics.load(words, word.ownedFrom));
          current?.outcome.resolve({ kept: true });
          dispatch({ kind: "passed" });
          break;
      }
    },
    gone(index, error) {
      const owned = (Atomics.load(words, word.owner) & 1) === index;
      const before = state;
      const slot = Atomics.load(words, word.completed);
      dispatch({ kind: "thread ended", thread: index, owned }, error);
      if (before.phase === "serving" || before.phase === "ended") return;
      const isCandidate = before.phase === "probation" ? index === before.serving : index !== before.serving;
      if (state.phase === "ended" || (isCandidate && before.phase !== "ending other")) {
        current?.handedOver.reject(error);
        current?.outcome.resolve({ kept: false, reason: "thread ended", slot, error });
      } else if (before.phase === "handing over")
        current?.handedOver.resolve(Atomics.load(words, word.ownedFrom));
    },
    async swap(probation, start) {
      if (state.phase !== "serving") {
        throw new NeuroranError(
          "SWAP_UNDERWAY",
          `another swap is ${state.phase}: wait until its outcome is known, then ask again`,
        );
      }
      const { serving } = state;
      const mine: Swapping = { handedOver: deferred(), outcome: deferred(), kept: [] };
      mine.handedOver.promise.catch(() => undefined);
      current = mine;
      dispatch({ kind: "asked for" });
      let thread: SlotThread | undefined;
      try {
        thread = await start(otherThread(serving));
        clearKept(words);
        await thread.takeOver(probation);
      } catch (error) {
        if (threads[otherThread(serving)] === undefined) {
          // It was never there, or is gone already.
          if (current === mine && (state as SwapState).phase === "preparing")
            dispatch({ kind: "thread ended", thread: otherThread(serving), owned: false });
        } else dispatch({ kind: "preparation failed" });
        throw error;
      }
      dispatch({ kind: "prepared" });
      const slot = await mine.handedOver.promise;
      watch(mine, thread, probation.deadline_ms);
      return { slot, outcome: mine.outcome.promise };
    },
  };
}
