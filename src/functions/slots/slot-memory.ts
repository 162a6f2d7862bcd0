import { NeuroranError } from "../../errors.js";
import { arenaMemory } from "../arena.js";
import type { Part } from "../lasting.js";

const page = 65536;
const most = 2 ** 32 - 4 * page;

/** The memory of a slot executor, and who has which part of it. */
export interface SlotMemory {
  readonly memory: WebAssembly.Memory;
  readonly parts: {
    /** State and feedback edges, which all threads see. */
    readonly lasting: Part;
    /** Inputs of the variants, which the executor gives out. */
    readonly inputs: Part;
    /** What is each thread's own. */
    readonly threads: readonly [Part, Part];
  };
}

/**
 * A memory with parts of `bytes` bytes for state and for each of two threads, and a quarter for inputs. What is never
 * written takes no memory of the machine.
 * @throws NeuroranError ARENA_SIZE beyond 4 GiB in all.
 */
export function createSlotMemory(bytes: number): SlotMemory {
  const size = page * Math.ceil((bytes + 64) / page);
  const inputs = page * Math.ceil(size / page / 4);
  if (!(3 * size + inputs <= most)) {
    const problem = `${bytes} bytes for a flow, and as much for its swaps, are more than 4 GiB`;
    throw new NeuroranError("ARENA_SIZE", `${problem}: give at most ${Math.floor(most / 3.5)}`);
  }
  const memory = arenaMemory(3 * size + inputs - 64);
  const after = (begin: number, length: number): Part => ({ begin, end: begin + length });
  return {
    memory,
    parts: {
      lasting: after(0, size),
      inputs: after(size, inputs),
      threads: [after(size + inputs, size), after(2 * size + inputs, size)],
    },
  };
}
