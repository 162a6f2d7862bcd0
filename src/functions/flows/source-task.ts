import { type Codec, codecOf } from "../schema/index.js";
import type { SourceData } from "./declaration.js";
import type { Outlet } from "./operator-task.js";
import type { Task } from "./plan.js";
import { type FedMessage, type Layouts, monotonic_ms } from "./worker-protocol.js";

/** One partition of a source. */
export interface SourceTask {
  readonly task: Task;
  /** Sends the next message on. `taken` counts those that the main thread had fed, dropped ones among them. */
  step(): "sent" | "none" | "ended";
  feed(messages: readonly FedMessage[]): void;
  /** Drops what has waited too long; true where there was any. */
  dropLate(): boolean;
  /** Fed messages taken since the last call. */
  taken(): number;
  /** Sends a barrier, once for each epoch, in ascending order; true where it did. */
  barrier(epoch: number, full: boolean): boolean;
  /** Where to begin again behind what was sent. */
  position(): number;
  ended(): boolean;
  /** Whether it may have messages without anybody saying so. */
  readonly polled: boolean;
}

/** A partition that begins at `from`. `counts` as in `counter`. */
export function createSourceTask(
  task: Task,
  source: SourceData,
  outlets: readonly Outlet[],
  from: number,
  lastEpoch: number,
  counts: Float64Array,
  layouts?: Layouts,
): SourceTask {
  let epoch = lastEpoch;
  const emit = (message: unknown): void => {
    counts[1]++;
    for (let index = 0; index < outlets.length; index++) outlets[index].send(message);
  };
  const barrier = (which: number, full: boolean): boolean => {
    if (which <= epoch) return false;
    epoch = which;
    for (const outlet of outlets) outlet.barrier(which, full);
    return true;
  };
  if (source.kind !== "replayable") {
    const lateAfter_ms = source.kind === "live" ? source.lateAfter_ms : Number.POSITIVE_INFINITY;
    return {
      task,
      barrier,
      ...fedSource(codecOf(source.message, layouts), lateAfter_ms, from, emit, counts),
    };
  }
  const reader = source.open(from, task.replica);
  let ended = false;
  return {
    task,
    barrier,
    step() {
      if (ended) return "ended";
      const message = reader.read();
      if (message === "none") return "none";
      if (message === "end") {
        ended = true;
        return "ended";
      }
      counts[0]++;
      emit(message);
      return "sent";
    },
    feed() {},
    dropLate: () => false,
    taken: () => 0,
    position: () => reader.position(),
    ended: () => ended,
    polled: true,
  };
}

function fedSource(
  codec: Codec,
  lateAfter_ms: number,
  from: number,
  emit: (message: unknown) => void,
  counts: Float64Array,
): Omit<SourceTask, "task" | "barrier"> {
  const queue: FedMessage[] = [];
  let next = 0;
  let position = from;
  let taken = 0;
  const take = (): FedMessage => {
    const one = queue[next++];
    if (next === queue.length) {
      queue.length = 0;
      next = 0;
    }
    taken++;
    position = one.position + 1;
    return one;
  };
  const dropLate = (): boolean => {
    if (next === queue.length) return false;
    const earliest = monotonic_ms() - lateAfter_ms;
    const before = taken;
    while (next < queue.length && queue[next].came_ms < earliest) {
      take();
      counts[2]++;
    }
    return taken > before;
  };
  return {
    step() {
      dropLate();
      if (next === queue.length) return "none";
      const one = take();
      counts[0]++;
      emit(codec.decode(one.bytes));
      return "sent";
    },
    feed: (messages) => void queue.push(...messages),
    dropLate,
    taken() {
      const count = taken;
      taken = 0;
      return count;
    },
    position: () => position,
    ended: () => false,
    polled: false,
  };
}
