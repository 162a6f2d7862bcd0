/**
 * What is to be sent later. A timer is an entry of the ledger, and its due time in memory.
 *
 * Invariants:
 * 1. A timer fires when the clock of its node shows its due time or later, never before.
 * 2. Taking it out of the ledger and accepting its message are one change: it fires once.
 */
import type { Clock } from "../../bus/index.js";
import type { Address } from "./address.js";
import type { Serialisable } from "./declaration.js";
import { createDueQueue } from "./due-queue.js";
import { entryKey } from "./entries.js";
import type { Damaged, Ledger } from "./ledger.js";

/** A message that waits for its time. */
export interface Timer {
  readonly due_ms: number;
  /** The key that set it. */
  readonly owner: Address;
  readonly id: string;
  readonly target: Address;
  readonly handler: string;
  readonly body: Serialisable;
}

export interface Timers {
  /** Sets the timer that `owner` calls `name`, in place of any of that name. */
  set(owner: Address, name: string, timer: Timer): void;
  /** Harmless where there is none. */
  cancel(owner: Address, name: string): void;
  /** Takes in what the store holds, in place of what is in memory. */
  load(entries: Iterable<readonly [string, Timer]>): void;
  /** Stops looking at the clock. */
  close(): void;
  readonly pending: number;
}

/** A clock may be set forward: waiting is cut into pieces so that a timer is late by no more than this. */
const longestWait_ms = 1000;

/** More that are due, say because the node was down, wait until others had their turn. */
const mostAtOnce = 256;

/** Timers over `ledger`; `fire` gets those that are due, in the order of their due times, `damaged` what cannot be read. */
export function createTimers(
  ledger: Ledger,
  clock: Clock,
  fire: (timers: readonly Timer[]) => void,
  damaged: Damaged,
): Timers {
  const queue = createDueQueue();
  let cancelWait: (() => void) | undefined;
  let waitsFor = Number.POSITIVE_INFINITY;
  let closed = false;

  const wait = (): void => {
    const earliest = queue.earliest();
    if (closed || earliest === undefined || (cancelWait !== undefined && earliest >= waitsFor)) return;
    cancelWait?.();
    waitsFor = earliest;
    const delay_ms = Math.min(Math.max(0, Math.ceil(earliest - clock.now())), longestWait_ms);
    cancelWait = clock.after(delay_ms, look);
  };

  const look = (): void => {
    cancelWait = undefined;
    waitsFor = Number.POSITIVE_INFINITY;
    const now_ms = clock.now();
    const due: Timer[] = [];
    while (due.length < mostAtOnce) {
      const entry = queue.take(now_ms);
      if (entry === undefined) break;
      try {
        due.push(ledger.read(entry) as Timer);
        ledger.remove(entry);
      } catch (error) {
        damaged(entry, error);
      }
    }
    if (due.length > 0) fire(due);
    wait();
  };

  return {
    set(owner, name, timer) {
      const entry = entryKey("timer", owner, name);
      ledger.put(entry, timer);
      queue.set(entry, timer.due_ms);
      wait();
    },
    cancel(owner, name) {
      const entry = entryKey("timer", owner, name);
      if (!queue.has(entry)) return;
      queue.delete(entry);
      ledger.remove(entry);
    },
    load(entries) {
      queue.clear();
      for (const [entry, { due_ms }] of entries) queue.set(entry, due_ms);
      cancelWait?.();
      cancelWait = undefined;
      wait();
    },
    close() {
      closed = true;
      cancelWait?.();
      cancelWait = undefined;
    },
    get pending() {
      return queue.size;
    },
  };
}
