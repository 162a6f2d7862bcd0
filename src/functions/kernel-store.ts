/**
 * Compiled kernels by name: each is compiled once and kept as long as something holds it, and for some time after.
 *
 * Invariants:
 * 1. A specialized kernel that is being compiled replaces its generic one in `poll` only: never while a slot runs.
 * 2. Of the kernels that nothing holds at most IDLE_KERNELS stay; the code of the others goes back to the target.
 * 3. A specialized kernel that cannot be compiled leaves the generic one in its place.
 */
import type { CompiledKernel, Kernel, PendingKernel, Target } from "../compiler/index.js";

/** What compiling one kernel took, for the report. */
export interface KernelRecord {
  /** The kernel's name, unique for its specialization. */
  readonly name: string;
  readonly target: string;
  /** What building, compiling and linking took; undefined as long as it is not there. */
  readonly compileMilliseconds: number | undefined;
  /** Whether its code came from what a process before left on disk. */
  readonly loaded: boolean;
  /** Whether a variant that is kept uses it: others stay for some time. */
  readonly inUse: boolean;
  /** Whether a generic kernel serves, or served, until it was there. */
  readonly specialized: boolean;
  /** Why a generic kernel serves in its place for good. */
  readonly problem?: string;
}

/** What runs for a kernel now: the generic one until the specialized one is there. */
export interface SpecializedKernel {
  readonly run: CompiledKernel;
}

/** Kernels kept though nothing holds them: the next grant may be of a shape that was left a moment ago. */
const IDLE_KERNELS = 256;

export interface KernelStore {
  /** The compiled kernel, held once more by `holder`; compiles it unless it is there. */
  hold(holder: object, kernel: Kernel): CompiledKernel;
  /**
   * A kernel that is compiled on the compiler's thread while `generic`, which takes the same arguments and gives the
   * same results, serves. Without such a thread, or where the kernel has no origin, it is compiled at once.
   */
  specialize(holder: object, specialized: Kernel, generic: Kernel): SpecializedKernel;
  /** Specialized kernels that are not there yet. */
  readonly waiting: number;
  /** Puts specialized kernels that have come in their places. */
  poll(): void;
  /** Waits until none is missing. */
  settle(): void;
  /** Takes the holder off all that it holds. */
  release(holder: object): void;
  /** All that is kept. */
  records(): KernelRecord[];
  /** Drops all kernels. */
  close(): void;
}

interface Entry {
  readonly name: string;
  compiled: CompiledKernel | undefined;
  record: KernelRecord;
  pending: PendingKernel | undefined;
  /** Where generic kernels run until this one is there. */
  places: { run: CompiledKernel }[];
  readonly holders: Set<object>;
}

/** The entry that was left first, of specialized kernels if there are any: a generic one serves in their place. */
function leastMissed(idle: ReadonlySet<Entry>): Entry {
  let first: Entry | undefined;
  for (const entry of idle) {
    if (entry.record.specialized) return entry;
    first ??= entry;
  }
  return first!;
}

/** A store of kernels for one target and one memory. */
export function createKernelStore(
  target: Target,
  memory: WebAssembly.Memory,
  idleKernels = IDLE_KERNELS,
): KernelStore {
  const entries = new Map<string, Entry>();
  /** In the order in which they were left. */
  const idle = new Set<Entry>();
  const clock = new Int32Array(new SharedArrayBuffer(4));

  const createEntry = (name: string, pending?: PendingKernel): Entry => {
    const record = {
      name,
      target: target.name,
      compileMilliseconds: undefined,
      loaded: false,
      inUse: true,
      specialized: pending !== undefined,
    };
    const entry = { name, compiled: undefined, record, pending, places: [], holders: new Set<object>() };
    entries.set(name, entry);
    return entry;
  };

  /** Takes the code of an entry by `take`, if it gives any, and counts where it came from. */
  const complete = (entry: Entry, take: () => CompiledKernel | undefined): CompiledKernel | undefined => {
    const before = target.counts();
    const compiled = take();
    if (compiled === undefined) return undefined;
    const { loaded, milliseconds } = target.counts();
    entry.compiled = compiled;
    entry.record = {
      ...entry.record,
      compileMilliseconds: milliseconds - before.milliseconds,
      loaded: loaded > before.loaded,
    };
    return compiled;
  };

  const drop = (entry: Entry): void => {
    entries.delete(entry.name);
    idle.delete(entry);
    if (entry.compiled !== undefined) target.release?.(entry.compiled);
  };

  const retire = (entry: Entry): void => {
    if (entry.holders.size > 0 || entry.pending !== undefined) return;
    if (entry.compiled === undefined) {
      drop(entry);
      return;
    }
    idle.add(entry);
    while (idle.size > idleKernels) drop(leastMissed(idle));
  };

  const addHolder = (entry: Entry, holder: object): void => {
    entry.holders.add(holder);
    idle.delete(entry);
  };

  const store = {
    waiting: 0,
    hold(holder: object, kernel: Kernel): CompiledKernel {
      let entry = entries.get(kernel.name);
      if (entry?.pending !== undefined) store.settle();
      let compiled = entry?.compiled;
      if (entry === undefined || compiled === undefined) {
        entry ??= createEntry(kernel.name);
        try {
          compiled = complete(entry, () => target.compile(kernel, memory)) as CompiledKernel;
        } catch (error) {
          drop(entry);
          throw error;
        }
      }
      addHolder(entry, holder);
      return compiled;
    },
    specialize(holder: object, specialized: Kernel, generic: Kernel): SpecializedKernel {
      let entry = entries.get(specialized.name);
      if (specialized.origin === undefined || target.compileInBackground === undefined || entry?.compiled)
        return { run: store.hold(holder, specialized) };
      const place = { run: store.hold(holder, generic) };
      if (entry?.record.problem !== undefined) return place;
      if (entry === undefined) {
        entry = createEntry(specialized.name, target.compileInBackground(specialized, memory));
        store.waiting++;
      }
      addHolder(entry, holder);
      entry.places.push(place);
      return place;
    },
    poll(): void {
      if (store.waiting === 0) return;
      for (const entry of entries.values()) {
        const { pending } = entry;
        if (pending === undefined) continue;
        try {
          const compiled = complete(entry, () => pending.take());
          if (compiled === undefined) continue;
          for (const place of entry.places) place.run = compiled;
        } catch (error) {
          entry.record = { ...entry.record, problem: error instanceof Error ? error.message : String(error) };
        }
        entry.pending = undefined;
        entry.places = [];
        store.waiting--;
        retire(entry);
      }
    },
    settle(): void {
      for (store.poll(); store.waiting > 0; store.poll()) Atomics.wait(clock, 0, 0, 1);
    },
    release(holder: object): void {
      entries.forEach((entry) => {
        if (entry.holders.delete(holder)) retire(entry);
      });
    },
    records: () =>
      Array.from(entries.values(), ({ record, holders }) => ({ ...record, inUse: holders.size > 0 })),
    close(): void {
      for (const entry of entries.values()) {
        entry.holders.clear();
        retire(entry);
      }
      for (const entry of idle) drop(entry);
    },
  };
  return store;
}
