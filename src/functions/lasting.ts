/**
 * Tensors that outlive the instances which use them: state and feedback edges, in a part of a memory of their own, so that
 * an instance in another thread can go on with them.
 *
 * Invariants:
 * 1. A name has one tensor at a time; who asks for a name that is known gets that tensor, with what it holds.
 * 2. Bytes are given out once, to whichever thread asks first, and never taken back.
 */
import { NeuroranError } from "../errors.js";
import { bytesPerElement, type DataType, viewOf } from "./data-type.js";
import { describeTensor, type Tensor, type TensorDescription } from "./tensor.js";

/** A stretch of a memory, in bytes. */
export interface Part {
  readonly begin: number;
  readonly end: number;
}

/** What two threads need to share such tensors. */
export interface LastingPart {
  readonly part: Part;
  /** One element: bytes given out so far. */
  readonly taken: Int32Array<SharedArrayBuffer>;
  /** Those that are in use already. */
  readonly known: readonly LastingDescription[];
}

/** A lasting tensor as it travels between threads, with the version of the state that it is. */
export interface LastingDescription extends TensorDescription {
  readonly version: number | undefined;
}

export interface LastingTensors {
  readonly memory: WebAssembly.Memory;
  /** The tensor of this name that is in use already. @throws NeuroranError STATE_LAYOUT where it is of another type or shape. */
  find<D extends DataType>(name: string, dtype: D, shape: readonly number[]): Tensor<D> | undefined;
  /** The tensor of this name that is in use in another version than this. */
  former(name: string, version: number): LastingDescription | undefined;
  /** A new one, zeroed. @throws NeuroranError ARENA_FULL */
  tensor<D extends DataType>(name: string, dtype: D, shape: readonly number[]): Tensor<D>;
  /** Says of which version of a state a tensor is. */
  setVersion(name: string, version: number): void;
  /** Takes a name back that was given to a new tensor which nobody uses; one that was found stays. */
  forget(name: string): void;
  /** Takes note of what another thread uses by now. */
  learn(known: readonly LastingDescription[]): void;
  /** All that were asked for here, found or new. */
  used(): readonly Tensor[];
  describe(): LastingDescription[];
}

const alignment = 64;

export function createLastingTensors(
  memory: WebAssembly.Memory,
  { part, taken, known }: LastingPart,
): LastingTensors {
  const before = new Map(known.map((one) => [one.name, one]));
  const used = new Map<string, Tensor>();
  const versions = new Map<string, number>();
  return {
    memory,
    find<D extends DataType>(name: string, dtype: D, shape: readonly number[]): Tensor<D> | undefined {
      const one = before.get(name);
      if (one === undefined) return undefined;
      if (one.dtype !== dtype || one.shape.join() !== shape.join()) {
        const layouts = `${one.dtype}[${one.shape.join(", ")}] so far, but ${dtype}[${shape.join(", ")}] now`;
        throw new NeuroranError(
          "STATE_LAYOUT",
          `${name} is ${layouts}: state goes on in a layout that stays; name it otherwise to begin anew`,
        );
      }
      const elements = shape.reduce((product, size) => product * size, 1);
      const { offset, byteLength } = one;
      const view = viewOf(dtype, memory.buffer, offset, elements);
      const tensor: Tensor<D> = { name, dtype, shape: one.shape, offset, byteLength, view };
      used.set(name, tensor);
      return tensor;
    },
    former(name, version) {
      const one = before.get(name);
      return one === undefined || one.version === version ? undefined : one;
    },
    setVersion: (name, version) => void versions.set(name, version),
    tensor<D extends DataType>(name: string, dtype: D, shape: readonly number[]): Tensor<D> {
      const elements = shape.reduce((product, size) => product * size, 1);
      const byteLength = elements * bytesPerElement[dtype];
      const size = (Math.ceil(byteLength / alignment) + 1) * alignment;
      const first = Math.max(alignment, part.begin);
      const at = Atomics.add(taken, 0, size);
      const offset = first + at;
      if (offset + size > part.end) {
        Atomics.sub(taken, 0, size);
        const problem = `${name} asks for ${size} bytes; ${part.end - offset} bytes are free for state`;
        throw new NeuroranError("ARENA_FULL", `${problem}: make the arena larger`);
      }
      // Never given out before, and a new memory is zero.
      const view = viewOf(dtype, memory.buffer, offset, elements);
      const tensor: Tensor<D> = { name, dtype, shape: [...shape], offset, byteLength, view };
      used.set(name, tensor);
      return tensor;
    },
    forget(name) {
      if (!before.has(name)) used.delete(name);
    },
    learn(more) {
      for (const one of more) if (!used.has(one.name)) before.set(one.name, one);
    },
    used: () => [...used.values()],
    describe: () =>
      [...used.values()].map((tensor) => ({ ...describeTensor(tensor), version: versions.get(tensor.name) })),
  };
}
