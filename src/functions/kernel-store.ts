import type { CompiledKernel, Kernel, Target } from "../compiler/index.js";

/** What compiling one kernel took, for the report. */
export interface KernelRecord {
  /** The kernel's name, unique for its specialization. */
  readonly name: string;
  readonly target: string;
  readonly compileMilliseconds: number;
  /** Whether its code came from what a process before left on disk. */
  readonly loaded: boolean;
}

/** Compiled kernels by name: each is compiled once and kept as long as something holds it. */
export interface KernelStore {
  /** The compiled kernel, held once more by `holder`; compiles it unless it is there. */
  hold(holder: object, kernel: Kernel): CompiledKernel;
  /** Drops what only `holder` held. */
  release(holder: object): void;
  /** What is held now. */
  records(): KernelRecord[];
}

/** A store of kernels for one target and one memory. */
export function createKernelStore(target: Target, memory: WebAssembly.Memory): KernelStore {
  const entries = new Map<string, { compiled: CompiledKernel; record: KernelRecord; holders: Set<object> }>();
  return {
    hold(holder, kernel) {
      let entry = entries.get(kernel.name);
      if (entry === undefined) {
        const begin = performance.now();
        const loadedBefore = target.counts().loaded;
        const compiled = target.compile(kernel, memory);
        const compileMilliseconds = performance.now() - begin;
        const record = {
          name: kernel.name,
          target: target.name,
          compileMilliseconds,
          loaded: target.counts().loaded > loadedBefore,
        };
        entry = { compiled, record, holders: new Set() };
        entries.set(kernel.name, entry);
      }
      entry.holders.add(holder);
      return entry.compiled;
    },
    release(holder) {
      for (const [name, entry] of entries) {
        if (entry.holders.delete(holder) && entry.holders.size === 0) entries.delete(name);
      }
    },
    records: () => Array.from(entries.values(), (entry) => entry.record),
  };
}
