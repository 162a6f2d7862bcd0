/**
 * What the threads of a training share: the shards' results of a step, and a barrier.
 *
 * Invariants:
 * 1. Between two barriers a slot is written by one thread only, and read by none: results of even and odd steps lie apart, so
 *    that a thread may write those of the next step while another still reads.
 * 2. Every thread passes the same barriers: whether a step is the last follows from what all read after its barrier.
 * 3. No thread waits for one that failed: an abandoned training has no barriers.
 */
import { NeuroranError } from "../../errors.js";

/** Memory that is sent to all threads. */
export interface SharedStepMemory {
  /**
   * Threads that have arrived; barriers passed; whether to stop is asked; the number of steps after which all stop; whether a
   * checkpoint is being written; whether the training is abandoned.
   */
  readonly control: SharedArrayBuffer;
  readonly gradients: SharedArrayBuffer;
  readonly statistics: SharedArrayBuffer;
  readonly scalars: SharedArrayBuffer;
  /** Loss and metrics of the chunks of a validation. */
  readonly validation: SharedArrayBuffer;
}

export interface SharedStepSizes {
  readonly threads: number;
  readonly shards: number;
  readonly parameters: number;
  readonly statistics: number;
  readonly scalars: number;
  /** Chunks of a validation. */
  readonly chunks: number;
}

const [arrived, generation, asked, stopAt, saving, abandoned] = [0, 1, 2, 3, 4, 5];
const never = 2 ** 31 - 1;

export function sharedStepMemory(sizes: SharedStepSizes): SharedStepMemory {
  const floats = (count: number): SharedArrayBuffer => new SharedArrayBuffer(4 * count);
  const doubles = (count: number): SharedArrayBuffer => new SharedArrayBuffer(8 * count);
  const control = floats(6);
  new Int32Array(control)[stopAt] = never;
  return {
    control,
    gradients: floats(2 * sizes.shards * sizes.parameters),
    statistics: floats(2 * sizes.shards * sizes.statistics),
    scalars: doubles(2 * sizes.shards * sizes.scalars),
    validation: doubles(sizes.chunks * sizes.scalars),
  };
}

/** Asks the threads to stop after a step. */
export function askToStop({ control }: SharedStepMemory): void {
  Atomics.store(new Int32Array(control), asked, 1);
}

/** Lets threads that wait, and those that come to wait, throw. */
export function abandon({ control }: SharedStepMemory): void {
  const flags = new Int32Array(control);
  Atomics.store(flags, abandoned, 1);
  // A thread that is about to wait finds another generation than it saw.
  Atomics.add(flags, generation, 1);
  Atomics.notify(flags, generation);
}

/** Tells the threads that the checkpoint that one of them sent is written. */
export function tellSaved({ control }: SharedStepMemory): void {
  Atomics.store(new Int32Array(control), saving, 0);
}

/** A thread's view of the memory. */
export interface SharedStep {
  /** The place for a shard's results of a step. */
  shard(
    step: number,
    shard: number,
  ): { gradient: Float32Array; statistics: Float32Array; scalars: Float64Array };
  chunk(index: number): Float64Array;
  /** Blocks the calling thread until all threads have arrived. @throws NeuroranError TRAINING_ABANDONED */
  barrier(): void;
  /** @throws NeuroranError TRAINING_ABANDONED */
  checkAbandoned(): void;
  isAskedToStop(): boolean;
  /** By one thread, before a barrier: all stop after so many steps. */
  stopAfter(steps: number): void;
  isLast(steps: number): boolean;
  /** Whether a checkpoint may be sent: the one before is written. If so, one is under way from now on. */
  beginSaving(): boolean;
}

export function openSharedStep(memory: SharedStepMemory, sizes: SharedStepSizes): SharedStep {
  const control = new Int32Array(memory.control);

  function checkAbandoned(): void {
    if (Atomics.load(control, abandoned) === 1)
      throw new NeuroranError("TRAINING_ABANDONED", "another thread of the training failed");
  }

  return {
    checkAbandoned,
    shard(step, shard) {
      const slot = (step % 2) * sizes.shards + shard;
      const { parameters, statistics, scalars } = sizes;
      return {
        gradient: new Float32Array(memory.gradients, 4 * slot * parameters, parameters),
        statistics: new Float32Array(memory.statistics, 4 * slot * statistics, statistics),
        scalars: new Float64Array(memory.scalars, 8 * slot * scalars, scalars),
      };
    },
    chunk: (index) => new Float64Array(memory.validation, 8 * index * sizes.scalars, sizes.scalars),
    barrier() {
      const passed = Atomics.load(control, generation);
      // After the generation is read: whoever abandons from here on changes it.
      checkAbandoned();
      if (Atomics.add(control, arrived, 1) === sizes.threads - 1) {
        Atomics.store(control, arrived, 0);
        Atomics.add(control, generation, 1);
        Atomics.notify(control, generation);
      }
      while (Atomics.load(control, generation) === passed) Atomics.wait(control, generation, passed);
      checkAbandoned();
    },
    isAskedToStop: () => Atomics.load(control, asked) === 1,
    stopAfter: (steps) => {
      Atomics.store(control, stopAt, steps);
    },
    isLast: (steps) => steps >= Atomics.load(control, stopAt),
    beginSaving: () => Atomics.exchange(control, saving, 1) === 0,
  };
}
