/**
 * Compiled kernels by name: each is compiled once and kept as long as something holds it, and for some time after.
 *
 * Invariants:
 * 1. A specialized kernel that is being compiled replaces its generic one in `poll` only: never while a slot runs.
 * 2. Of the kernels that nothing holds at most IDLE_KERNELS stay; the code of the others goes back to the target.
 * 3. A specialized kernel that cannot be compiled leaves the generic one in its place.
 */
import type { CompiledKernel, Kernel, OriginatedKernel, PendingKernel, Target } from "../compiler/index.js";

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
   * same results, serves. Without such a thread it is compiled at once.
   */
  specialize(holder: object, specialized: OriginatedKernel, generic: Kernel): SpecializedKernel;
  /** Specialized kernels that are not there yet. */
  readonly waiting: number;
  /** How often one came or was given up. */
  readonly changes: number;
  /** Puts a specialized kernel that has come in its places, one at a time. Allocates nothing where none has. */
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
  /** Those that are being compiled in the background. */
  const pending: Entry[] = [];
  /** The target's arrivals when all of them had been looked at. */
  let arrivals = -1;
  const clock = new Int32Array(new SharedArrayBuffer(4));

  const createEntry = (name: string, ordered?: PendingKernel): Entry => {
    const record = {
      name,
      target: target.name,
      compileMilliseconds: undefined,
      loaded: false,
      inUse: true,
      specialized: ordered !== undefined,
    };
    const holders = new Set<object>();
    const entry: Entry = { name, compiled: undefined, record, pending: ordered, places: [], holders };
    entries.set(name, entry);
    if (ordered === undefined) return entry;
    pending.push(entry);
    arrivals = -1;
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

  const cancel = (entry: Entry): void => {
    if (entry.pending === undefined) return;
    entry.pending.cancel();
    settled(entry);
  };

  /** Takes an entry off those that are waited for. */
  const settled = (entry: Entry): void => {
    pending.splice(pending.indexOf(entry), 1);
    store.changes++;
    entry.pending = undefined;
    entry.places = [];
  };

  const retire = (entry: Entry): void => {
    if (entry.holders.size > 0) return;
    if (entry.compiled === undefined) {
      cancel(entry);
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
    get waiting() {
      return pending.length;
    },
    changes: 0,
    hold(holder: object, kernel: Kernel): CompiledKernel {
      const known = entries.get(kernel.name);
      if (known !== undefined) addHolder(known, holder);
      while (known?.pending !== undefined) {
        store.poll();
        if (known.pending !== undefined) Atomics.wait(clock, 0, 0, 1);
      }
      if (known?.compiled !== undefined) return known.compiled;
      const entry = known ?? createEntry(kernel.name);
      try {
        const compiled = complete(entry, () => target.compile(kernel, memory)) as CompiledKernel;
        addHolder(entry, holder);
        return compiled;
      } catch (error) {
        entry.holders.delete(holder);
        retire(entry);
        throw error;
      }
    },
    specialize(holder: object, specialized: OriginatedKernel, generic: Kernel): SpecializedKernel {
      let entry = entries.get(specialized.name);
      if (target.compileInBackground === undefined || entry?.compiled)
        return { run: store.hold(holder, specialized) };
      const place = { run: store.hold(holder, generic) };
      if (entry?.record.problem !== undefined) return place;
      entry ??= createEntry(specialized.name, target.compileInBackground(specialized, memory));
      addHolder(entry, holder);
      entry.places.push(place);
      return place;
    },
    poll(): void {
      if (pending.length === 0) return;
      const now = target.arrivals?.() ?? 0;
      if (now === arrivals) return;
      for (let index = 0; index < pending.length; index++) {
        const entry = pending[index];
        try {
          const compiled = complete(entry, () => entry.pending?.take());
          if (compiled === undefined) continue;
          for (const place of entry.places) place.run = compiled;
        } catch (error) {
          entry.record = { ...entry.record, problem: error instanceof Error ? error.message : String(error) };
        }
        settled(entry);
        return;
      }
      if (target.arrivals !== undefined) arrivals = now;
    },
    settle(): void {
      for (let changes = -1; store.waiting > 0; ) {
        if (changes === store.changes) Atomics.wait(clock, 0, 0, 1);
        changes = store.changes;
        store.poll();
      }
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
