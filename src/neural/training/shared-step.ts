/**
 * What the threads of a training share: the shards' results of a step, and a barrier.
 *
 * Invariants:
 * 1. Between two barriers a slot is written by one thread only, and read by none: results of even and odd steps lie apart, so
 *    that a thread may write those of the next step while another still reads.
 * 2. Every thread passes the same barriers: whether a step is the last follows from what all read after its barrier.
 */

/** Memory that is sent to all threads. */
export interface SharedStepMemory {
  /**
   * Threads that have arrived; barriers passed; whether to stop is asked; the number of steps after which all stop; whether a
   * checkpoint is being written.
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

const [arrived, generation, asked, stopAt, saving] = [0, 1, 2, 3, 4];
const never = 2 ** 31 - 1;

export function sharedStepMemory(sizes: SharedStepSizes): SharedStepMemory {
  const floats = (count: number): SharedArrayBuffer => new SharedArrayBuffer(4 * count);
  const doubles = (count: number): SharedArrayBuffer => new SharedArrayBuffer(8 * count);
  const control = floats(5);
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
  /** Blocks the calling thread until all threads have arrived. */
  barrier(): void;
  isAskedToStop(): boolean;
  /** By one thread, before a barrier: all stop after so many steps. */
  stopAfter(steps: number): void;
  isLast(steps: number): boolean;
  /** Whether a checkpoint may be sent: the one before is written. If so, one is under way from now on. */
  beginSaving(): boolean;
}

export function openSharedStep(memory: SharedStepMemory, sizes: SharedStepSizes): SharedStep {
  const control = new Int32Array(memory.control);
  return {
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
      if (Atomics.add(control, arrived, 1) === sizes.threads - 1) {
        Atomics.store(control, arrived, 0);
        Atomics.add(control, generation, 1);
        Atomics.notify(control, generation);
        return;
      }
      while (Atomics.load(control, generation) === passed) Atomics.wait(control, generation, passed);
    },
    isAskedToStop: () => Atomics.load(control, asked) === 1,
    stopAfter: (steps) => {
      Atomics.store(control, stopAt, steps);
    },
    isLast: (steps) => steps >= Atomics.load(control, stopAt),
    beginSaving: () => Atomics.exchange(control, saving, 1) === 0,
  };
}
