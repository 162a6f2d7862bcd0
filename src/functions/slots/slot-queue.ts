import { type Deferred, deferred } from "../deferred.js";
import { failedOutcome, ringCapacity, rowsBegin, type SharedRing, word } from "./slot-protocol.js";
import type { ThreadIndex } from "./swap.js";

/** The executor's end of the ring: slots go in, and are settled in the same order. */
export interface SlotQueue {
  /**
   * Hands a slot of this variant to the worker, as soon as the ring has room; settles when the slot is done, with the thread
   * that ran it.
   * @param rows of keyed state that it touches, as they stand in the ring
   */
  push(variant: number, rows: Int32Array | undefined): Promise<ThreadIndex>;
  /** The number of the slot that is pushed next. */
  next(): number;
  /** Resolves when everything pushed so far is done. */
  drained(): Promise<void>;
  /** Slots done, those that failed among them; and slots pushed and not done. */
  counts(): { completed: number; failed: number; pending: number };
  /** Rejects all pending slots. */
  end(error: Error): void;
}

/** A queue over `ring`. `wakeWorker` makes the worker look; `failureOf` says why a slot, by number, failed. */
export function createSlotQueue(
  ring: SharedRing,
  wakeWorker: () => void,
  failureOf: (slot: number) => Error,
): SlotQueue {
  const { words } = ring;
  // In order: first those in the ring, from `handedOver` on those that wait for room.
  const slots: Deferred<ThreadIndex>[] = [];
  const waiting: { readonly variant: number; readonly rows: Int32Array | undefined }[] = [];
  let handedOver = 0;
  let submitted = 0;
  let completed = 0;
  let failed = 0;
  let ended = false;
  let last: Promise<unknown> = Promise.resolve();

  const handOver = (): void => {
    const before = submitted;
    for (; handedOver < slots.length && handedOver < ringCapacity; handedOver++) {
      const { variant, rows } = waiting.shift()!;
      ring.variants[submitted & (ringCapacity - 1)] = variant;
      if (rows !== undefined) ring.rows.set(rows, rowsBegin(submitted, 0));
      submitted = (submitted + 1) | 0;
    }
    if (submitted === before) return;
    Atomics.store(words, word.submitted, submitted);
    wakeWorker();
  };

  const finish = (): void => {
    const slot = slots.shift() as Deferred<ThreadIndex>;
    const number = completed;
    handedOver--;
    completed = (completed + 1) | 0;
    const outcome = ring.outcomes[number & (ringCapacity - 1)];
    if ((outcome & failedOutcome) === 0) {
      slot.resolve(outcome as ThreadIndex);
    } else {
      failed++;
      slot.reject(failureOf(number));
    }
  };

  const watch = async (): Promise<void> => {
    while (!ended) {
      const seen = Atomics.load(words, word.completed);
      while (completed !== seen) finish();
      handOver();
      const change = Atomics.waitAsync(words, word.completed, seen);
      if (change.async) await change.value;
    }
  };
  void watch();

  return {
    push(variant, rows) {
      const slot = deferred<ThreadIndex>();
      slots.push(slot);
      waiting.push({ variant, rows });
      last = slot.promise;
      handOver();
      return slot.promise;
    },
    next: () => (completed + slots.length) | 0,
    async drained() {
      await last.catch(() => undefined);
    },
    counts: () => ({ completed: completed >>> 0, failed, pending: slots.length }),
    end(error) {
      ended = true;
      for (const slot of slots.splice(0)) slot.reject(error);
      Atomics.notify(words, word.completed);
    },
  };
}
