import {
  append,
  appendOne,
  asIndex,
  constant,
  constantOf,
  KernelError,
  type Operand,
  unify,
} from "./builder.js";
import type { Buffer, Value } from "./operation.js";
import { byteSize, type ElementType, isFloat, sameType, scalar, typeText, vectorOf } from "./type.js";

/** What `vector.reduction` can do. */
export type Reduction =
  | "add"
  | "mul"
  | "minsi"
  | "minui"
  | "maxsi"
  | "maxui"
  | "and"
  | "or"
  | "xor"
  | "minimumf"
  | "maximumf";

function expectVector(name: string, value: Value): void {
  if (value.type.lanes === 0) throw new KernelError(`${name} takes a vector, not ${typeText(value.type)}`);
}

/** Operations of MLIR's `memref` dialect: scalars from and to memory. */
export const memref = {
  load(from: Buffer, index: Operand): Value {
    return appendOne("memref.load", [asIndex(index)], scalar(from.element), { buffer: from });
  },
  store(value: Operand, to: Buffer, index: Operand): void {
    const [v] = unify("memref.store", [value], scalar(to.element)) as [Value];
    if (!sameType(v.type, scalar(to.element))) {
      throw new KernelError(`memref.store: ${typeText(v.type)} into memory of ${to.element}`);
    }
    append("memref.store", [v, asIndex(index)], [], { buffer: to });
  },
};

/** Operations of MLIR's `vector` dialect, one-dimensional. */
export const vector = {
  /** Reads `lanes` consecutive elements; no alignment is asked. */
  load(from: Buffer, index: Operand, lanes: number): Value {
    return appendOne("vector.load", [asIndex(index)], vectorOf(from.element, lanes), { buffer: from });
  },
  store(value: Value, to: Buffer, index: Operand): void {
    expectVector("vector.store", value);
    if (value.type.element !== to.element) {
      throw new KernelError(`vector.store: ${typeText(value.type)} into memory of ${to.element}`);
    }
    append("vector.store", [value, asIndex(index)], [], { buffer: to });
  },
  /** Reads the lanes whose mask is set; the others are `passThrough`. */
  maskedLoad(from: Buffer, index: Operand, mask: Value, passThrough: Value): Value {
    return appendOne("vector.maskedload", [asIndex(index), mask, passThrough], passThrough.type, {
      buffer: from,
    });
  },
  /** Writes the lanes whose mask is set and touches no other memory. */
  maskedStore(value: Value, to: Buffer, index: Operand, mask: Value): void {
    append("vector.maskedstore", [asIndex(index), mask, value], [], { buffer: to });
  },
  /** Lane k is `from[index + indices[k]]`; lanes whose mask is not set are `passThrough` (both optional). */
  gather(from: Buffer, index: Operand, indices: Value, mask?: Value, passThrough?: Value): Value {
    expectVector("vector.gather", indices);
    const { lanes } = indices.type;
    const type = vectorOf(from.element, lanes);
    const all = mask ?? constant(vectorOf("i1", lanes), 1);
    const rest = passThrough ?? constant(type, 0);
    return appendOne("vector.gather", [asIndex(index), indices, all, rest], type, { buffer: from });
  },
  /** All lanes are the scalar. */
  broadcast(value: Value, lanes: number): Value {
    if (value.type.lanes !== 0)
      throw new KernelError(`vector.broadcast takes a scalar, not ${typeText(value.type)}`);
    return appendOne("vector.broadcast", [value], vectorOf(value.type.element, lanes));
  },
  /** Lanes of `a` and, counted on, of `b`, in the order of `mask`; its length is the result's number of lanes. */
  shuffle(a: Value, b: Value, mask: readonly number[]): Value {
    expectVector("vector.shuffle", a);
    if (!sameType(a.type, b.type))
      throw new KernelError("vector.shuffle: the two vectors are of different types");
    const outside = mask.find((m) => m < 0 || m >= 2 * a.type.lanes);
    if (outside !== undefined) throw new KernelError(`vector.shuffle: no lane ${outside}`);
    return appendOne("vector.shuffle", [a, b], vectorOf(a.type.element, mask.length), {
      attributes: { mask },
    });
  },
  /** Lane k of the result is lane k + `by` of the vector, modulo the number of lanes. */
  rotate(value: Value, by: number): Value {
    const { lanes } = value.type;
    return vector.shuffle(
      value,
      value,
      Array.from({ length: lanes }, (_, k) => (((k + by) % lanes) + lanes) % lanes),
    );
  },
  /** Even and odd lanes: real and imaginary parts of interleaved complex numbers. */
  deinterleave(a: Value, b?: Value): [Value, Value] {
    const lanes = b ? a.type.lanes : a.type.lanes / 2;
    const pick = (odd: number) => Array.from({ length: lanes }, (_, k) => 2 * k + odd);
    return [vector.shuffle(a, b ?? a, pick(0)), vector.shuffle(a, b ?? a, pick(1))];
  },
  /** a0 b0 a1 b1 …: twice the lanes. */
  interleave(a: Value, b: Value): Value {
    const { lanes } = a.type;
    return vector.shuffle(
      a,
      b,
      Array.from({ length: 2 * lanes }, (_, k) => (k >> 1) + (k & 1) * lanes),
    );
  },
  /** The lanes of `a`, then those of `b`. */
  concatenate(a: Value, b: Value): Value {
    return vector.shuffle(
      a,
      b,
      Array.from({ length: 2 * a.type.lanes }, (_, k) => k),
    );
  },
  extract(value: Value, lane: number): Value {
    expectVector("vector.extract", value);
    if (lane < 0 || lane >= value.type.lanes) throw new KernelError(`vector.extract: no lane ${lane}`);
    return appendOne("vector.extract", [value], scalar(value.type.element), { attributes: { lane } });
  },
  insert(element: Operand, into: Value, lane: number): Value {
    expectVector("vector.insert", into);
    if (lane < 0 || lane >= into.type.lanes) throw new KernelError(`vector.insert: no lane ${lane}`);
    const [e] = unify("vector.insert", [element], scalar(into.type.element)) as [Value];
    if (!sameType(e.type, scalar(into.type.element))) {
      throw new KernelError(`vector.insert: ${typeText(e.type)} into ${typeText(into.type)}`);
    }
    return appendOne("vector.insert", [e, into], into.type, { attributes: { lane } });
  },
  /** All lanes into one scalar. Sums and products of floats are taken lane after lane, as MLIR defines them. */
  reduction(kind: Reduction, value: Value): Value {
    expectVector("vector.reduction", value);
    const float = isFloat(value.type.element);
    const wantsFloat = kind === "minimumf" || kind === "maximumf";
    if (kind !== "add" && kind !== "mul" && float !== wantsFloat) {
      throw new KernelError(`vector.reduction <${kind}> does not take ${typeText(value.type)}`);
    }
    return appendOne("vector.reduction", [value], scalar(value.type.element), { attributes: { kind } });
  },
  /** The same bits as other lanes. `vector<16xi1>` to one lane of i16 collects a mask into bits, lane 0 lowest. */
  bitcast(value: Value, element: ElementType): Value {
    expectVector("vector.bitcast", value);
    const total = value.type.lanes * bitSize(value.type.element);
    const lanes = total / bitSize(element);
    if (!Number.isInteger(lanes) || lanes < 1) {
      throw new KernelError(`vector.bitcast: ${typeText(value.type)} is no whole number of ${element}`);
    }
    return appendOne("vector.bitcast", [value], vectorOf(element, lanes));
  },
  /** The first `count` lanes are set. */
  createMask(count: Operand, lanes: number): Value {
    return appendOne("vector.create_mask", [asIndex(count)], vectorOf("i1", lanes));
  },
};

function bitSize(element: ElementType): number {
  return element === "i1" ? 1 : byteSize(element) * 8;
}

/**
 * Adds, or otherwise joins, the lanes of a vector pairwise, halves first: `log2(lanes)` steps, an order of its own
 * for floats and the same on every target.
 */
export function treeReduce(value: Value, join: (a: Value, b: Value) => Value): Value {
  let v = value;
  while (v.type.lanes > 1) {
    const half = v.type.lanes / 2;
    const low = vector.shuffle(
      v,
      v,
      Array.from({ length: half }, (_, k) => k),
    );
    const high = vector.shuffle(
      v,
      v,
      Array.from({ length: half }, (_, k) => k + half),
    );
    v = join(low, high);
  }
  return vector.extract(v, 0);
}

/** A constant index, if it is one. */
export function constantIndex(value: Value): number | undefined {
  const c = constantOf(value);
  return c === undefined ? undefined : Number(c);
}
