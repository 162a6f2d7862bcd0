/**
 * Who runs the slots while an implementation is exchanged: two threads over the same state, of which one at a time owns
 * the slots. What the threads do with the word they share stands first, what the executor decides behind it. Both are pure
 * but for that word, so that a simulation can run them.
 *
 * Invariants:
 * 1. One thread owns the slots at a time. The owner alone changes that, or the executor once the owner has ended.
 * 2. The owner alone runs slots and counts them as completed, each once and in order: the next is always the one behind
 *    the last completed, whoever completed that.
 * 3. On probation the state is not changed for slot n before what it was is kept, and marked as that of slot n.
 * 4. The former thread gets the slots back at the slot behind the last completed, with the state as of before it: where the
 *    candidate failed or ended in a slot, what was kept for that slot is put back first.
 * 5. A candidate owns no slot before it has prepared every variant that is in use, and the former thread stays as long as the
 *    candidate is on probation.
 * 6. There is one swap at a time: another is refused until the first was kept, or given up.
 */
import type { SharedWords } from "./slot-protocol.js";
import { word } from "./slot-protocol.js";

/** The two places that slot threads have. */
export type ThreadIndex = 0 | 1;

export function otherThread(index: ThreadIndex): ThreadIndex {
  return index === 0 ? 1 : 0;
}

/** Set in the owner's word beside its index: it is asked to hand over to the other. */
const asked = 2;

/** Who owns the slots; it may be asked to hand over. */
export function ownerOf(words: SharedWords): ThreadIndex {
  return (Atomics.load(words, word.owner) & 1) as ThreadIndex;
}

/** Asks the owner to hand over at the next slot; false where this thread is not the owner. */
export function askToHandOver(words: SharedWords, owner: ThreadIndex): boolean {
  return Atomics.compareExchange(words, word.owner, owner, owner | asked) === owner;
}

/** Takes `askToHandOver` back; false where the owner has handed over. */
export function withdraw(words: SharedWords, owner: ThreadIndex): boolean {
  return Atomics.compareExchange(words, word.owner, owner | asked, owner) === (owner | asked);
}

/** Whether this thread owns the slots and is to go on with them: 0 no, 1 yes, 2 it is asked to hand over first. */
export function claim(words: SharedWords, self: ThreadIndex): 0 | 1 | 2 {
  const owner = Atomics.load(words, word.owner);
  if (owner === self) return 1;
  return owner === (self | asked) ? 2 : 0;
}

/** Whether this owner was asked to hand over, and has not. */
export function isAsked(words: SharedWords, owner: ThreadIndex): boolean {
  return Atomics.load(words, word.owner) === (owner | asked);
}

/**
 * The owner, asked to, hands the slots over from the slot behind the last completed on, and wakes who gets them; false, and
 * they stay, where the wish was taken back in between.
 */
export function handOver(words: SharedWords, self: ThreadIndex): boolean {
  return pass(words, self, self | asked);
}

/** A candidate gives the slots back, in the same way; nobody asked it to. */
export function giveBack(words: SharedWords, self: ThreadIndex): void {
  pass(words, self, self);
}

function pass(words: SharedWords, self: ThreadIndex, owned: number): boolean {
  const other = otherThread(self);
  Atomics.store(words, word.ownedFrom, Atomics.load(words, word.completed));
  if (Atomics.compareExchange(words, word.owner, owned, other) !== owned) return false;
  wake(words, other);
  return true;
}

/** Makes a thread look what there is to do. */
export function wake(words: SharedWords, index: ThreadIndex): void {
  Atomics.add(words, word.signals[index], 1);
  Atomics.notify(words, word.signals[index]);
}

/** Says that what the state was before slot `number` is kept. */
export function markKept(words: SharedWords, number: number): void {
  Atomics.store(words, word.keptSlot, number);
  Atomics.store(words, word.kept, 1);
}

/** Says that nothing is kept; before a candidate gets the slots. */
export function clearKept(words: SharedWords): void {
  Atomics.store(words, word.kept, 0);
}

/** Whether what is kept is the state as of before the slot that comes next. */
export function isKept(words: SharedWords): boolean {
  return (
    Atomics.load(words, word.kept) === 1 &&
    Atomics.load(words, word.keptSlot) === Atomics.load(words, word.completed)
  );
}

/** Where a swap stands. `serving` has the slots, as far as is known. */
export type SwapState =
  | { readonly phase: "serving"; readonly serving: ThreadIndex }
  | { readonly phase: "preparing"; readonly serving: ThreadIndex }
  | { readonly phase: "handing over"; readonly serving: ThreadIndex }
  /** The candidate serves; whether the former thread is there still. */
  | { readonly phase: "probation"; readonly serving: ThreadIndex; readonly former: boolean }
  /** The thread that does not serve is ending. */
  | { readonly phase: "ending other"; readonly serving: ThreadIndex }
  | { readonly phase: "ended" };

/** What happens to a swap. */
export type SwapEvent =
  | { readonly kind: "asked for" }
  | { readonly kind: "prepared" }
  | { readonly kind: "preparation failed" }
  /** The slots are the candidate's. */
  | { readonly kind: "handed over" }
  /** The candidate has given the slots back by itself. */
  | { readonly kind: "given back" }
  /** The candidate needs the former no more. */
  | { readonly kind: "passed" }
  /** A thread has ended, of itself or not; whether it owned the slots then. */
  | { readonly kind: "thread ended"; readonly thread: ThreadIndex; readonly owned: boolean };

/** What the executor has to do then. */
export type SwapAction =
  | "refuse"
  | "start candidate"
  | "ask to hand over"
  /** Takes the wish back; where it came too late, as `take back`. */
  | "withdraw"
  /** Puts back what was kept for the slot that comes next, if anything was, and makes `serving` the owner. */
  | "take back"
  /** Ends the thread that does not serve. */
  | "end other"
  | "end executor";

/** What comes next, and what is to be done for it. An event that means nothing in a state leaves it. */
export function nextSwapState(
  state: SwapState,
  event: SwapEvent,
): { readonly state: SwapState; readonly action: SwapAction | undefined } {
  const stay = { state, action: undefined };
  if (event.kind === "asked for") {
    if (state.phase !== "serving") return { state, action: "refuse" };
    return { state: { phase: "preparing", serving: state.serving }, action: "start candidate" };
  }
  if (state.phase === "ended") return stay;
  const { serving, phase } = state;
  if (event.kind === "thread ended") return afterEnd(state, event.thread, event.owned);
  if (event.kind === "prepared" && phase === "preparing")
    return { state: { phase: "handing over", serving }, action: "ask to hand over" };
  if (event.kind === "preparation failed" && phase === "preparing")
    return { state: { phase: "ending other", serving }, action: "end other" };
  // What the candidate says may come before the former has said that it handed over.
  const candidate = phase === "handing over" ? otherThread(serving) : serving;
  if (event.kind === "handed over" && phase === "handing over")
    return { state: { phase: "probation", serving: candidate, former: true }, action: undefined };
  if (phase !== "handing over" && phase !== "probation") return stay;
  // Given back to a thread that is gone.
  if (event.kind === "given back" && phase === "probation" && !state.former)
    return { state: { phase: "ended" }, action: "end executor" };
  if (event.kind === "given back")
    return { state: { phase: "ending other", serving: otherThread(candidate) }, action: "end other" };
  if (event.kind === "passed") {
    if (phase === "probation" && !state.former)
      return { state: { phase: "serving", serving }, action: undefined };
    return { state: { phase: "ending other", serving: candidate }, action: "end other" };
  }
  return stay;
}

function afterEnd(
  state: Exclude<SwapState, { phase: "ended" }>,
  thread: ThreadIndex,
  owned: boolean,
): { readonly state: SwapState; readonly action: SwapAction | undefined } {
  const { phase } = state;
  const other = otherThread(thread);
  const serves: SwapState = { phase: "serving", serving: other };
  const isCandidate = phase === "probation" ? thread === state.serving : thread !== state.serving;
  if (owned) {
    const formerIsThere =
      phase === "handing over" || phase === "ending other" || (phase === "probation" && state.former);
    if (isCandidate && formerIsThere) return { state: serves, action: "take back" };
    return { state: { phase: "ended" }, action: "end executor" };
  }
  switch (phase) {
    case "preparing":
    case "ending other":
      return { state: serves, action: undefined };
    case "handing over":
      if (isCandidate) return { state: serves, action: "withdraw" };
      return { state: { phase: "probation", serving: other, former: false }, action: undefined };
    case "probation":
      if (isCandidate) return { state: serves, action: undefined };
      return { state: { ...state, former: false }, action: undefined };
    default:
      return { state, action: undefined };
  }
}
