import { append, appendOne, asIndex, constant, KernelError, type Operand, unify } from "./builder.js";
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

function expectMask(name: string, mask: Value, lanes: number): void {
  if (mask.type.element !== "i1" || mask.type.lanes !== lanes) {
    throw new KernelError(`${name}: ${typeText(mask.type)} is no mask of ${lanes} lanes`);
  }
}

function expectLane(name: string, lane: number, lanes: number): void {
  if (!Number.isInteger(lane) || lane < 0 || lane >= lanes) throw new KernelError(`${name}: no lane ${lane}`);
}

function expectElement(name: string, value: Value, memory: Buffer): void {
  if (value.type.element !== memory.element) {
    throw new KernelError(`${name}: ${typeText(value.type)} and memory of ${memory.element}`);
  }
}

function expectVector(name: string, value: Value): void {
  if (value.type.lanes === 0) throw new KernelError(`${name} takes a vector, not ${typeText(value.type)}`);
}

/**
 * Operations of MLIR's `memref` dialect: scalars from and to memory. An index counts elements from the buffer's offset
 * and is not checked: outside the memory WebAssembly traps, elsewhere inside it another tensor is hit. `offset + index`
 * without the constants added to the index must not be negative.
 */
export const memref = {
  /** The element at `index`. */
  load(from: Buffer, index: Operand): Value {
    return appendOne("memref.load", [asIndex(index)], scalar(from.element), { buffer: from });
  },
  /** Writes one element. @throws KernelError for a value of another type than the memory's elements. */
  store(value: Operand, to: Buffer, index: Operand): void {
    const [v] = unify("memref.store", [value], scalar(to.element)) as [Value];
    if (!sameType(v.type, scalar(to.element))) {
      throw new KernelError(`memref.store: ${typeText(v.type)} into memory of ${to.element}`);
    }
    append("memref.store", [v, asIndex(index)], [], { buffer: to });
  },
};

/**
 * Operations of MLIR's `vector` dialect, one-dimensional. Memory and indices as with `memref`; no alignment is asked.
 * All throw KernelError for operands of other types than they take.
 */
export const vector = {
  /** Reads `lanes` consecutive elements. */
  load(from: Buffer, index: Operand, lanes: number): Value {
    return appendOne("vector.load", [asIndex(index)], vectorOf(from.element, lanes), { buffer: from });
  },
  /** Writes all lanes to consecutive elements. */
  store(value: Value, to: Buffer, index: Operand): void {
    expectVector("vector.store", value);
    expectElement("vector.store", value, to);
    append("vector.store", [value, asIndex(index)], [], { buffer: to });
  },
  /**
   * Lanes whose mask is set are read, the others are `passThrough`. The memory under all lanes must be readable: a
   * target may read the whole vector.
   */
  maskedLoad(from: Buffer, index: Operand, mask: Value, passThrough: Value): Value {
    expectVector("vector.maskedload", passThrough);
    expectElement("vector.maskedload", passThrough, from);
    expectMask("vector.maskedload", mask, passThrough.type.lanes);
    return appendOne("vector.maskedload", [asIndex(index), mask, passThrough], passThrough.type, {
      buffer: from,
    });
  },
  /** Writes the lanes whose mask is set and touches no other memory. Lane by lane: for tails. */
  maskedStore(value: Value, to: Buffer, index: Operand, mask: Value): void {
    expectVector("vector.maskedstore", value);
    expectElement("vector.maskedstore", value, to);
    expectMask("vector.maskedstore", mask, value.type.lanes);
    append("vector.maskedstore", [asIndex(index), mask, value], [], { buffer: to });
  },
  /**
   * Lane k is element `index + indices[k]`; lanes whose mask is not set read nothing and are `passThrough`. Without a
   * mask all lanes are read; without `passThrough` the others are 0. `indices` are signed integers.
   */
  gather(from: Buffer, index: Operand, indices: Value, mask?: Value, passThrough?: Value): Value {
    expectVector("vector.gather", indices);
    const { element, lanes } = indices.type;
    if (isFloat(element) || element === "i1") {
      throw new KernelError(`vector.gather: ${typeText(indices.type)} are no indices`);
    }
    const type = vectorOf(from.element, lanes);
    const all = mask ?? constant(vectorOf("i1", lanes), 1);
    const rest = passThrough ?? constant(type, 0);
    expectMask("vector.gather", all, lanes);
    if (!sameType(rest.type, type)) {
      throw new KernelError(`vector.gather: ${typeText(rest.type)} does not stand in for ${typeText(type)}`);
    }
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
    for (const lane of mask) expectLane("vector.shuffle", lane, 2 * a.type.lanes);
    return appendOne("vector.shuffle", [a, b], vectorOf(a.type.element, mask.length), {
      attributes: { mask },
    });
  },
  /** Lane k of the result is lane k + `by` of the vector, modulo the number of lanes. */
  rotate(value: Value, by: number): Value {
    expectVector("vector.rotate", value);
    const { lanes } = value.type;
    return vector.shuffle(
      value,
      value,
      Array.from({ length: lanes }, (_, k) => (((k + by) % lanes) + lanes) % lanes),
    );
  },
  /** Even and odd lanes (of `a`, then of `b`): real and imaginary parts of interleaved complex numbers. */
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
  /** Lane `lane` as a scalar. */
  extract(value: Value, lane: number): Value {
    expectVector("vector.extract", value);
    expectLane("vector.extract", lane, value.type.lanes);
    return appendOne("vector.extract", [value], scalar(value.type.element), { attributes: { lane } });
  },
  /** The vector with `element` in lane `lane`. */
  insert(element: Operand, into: Value, lane: number): Value {
    expectVector("vector.insert", into);
    expectLane("vector.insert", lane, into.type.lanes);
    const [e] = unify("vector.insert", [element], scalar(into.type.element)) as [Value];
    if (!sameType(e.type, scalar(into.type.element))) {
      throw new KernelError(`vector.insert: ${typeText(e.type)} into ${typeText(into.type)}`);
    }
    return appendOne("vector.insert", [e, into], into.type, { attributes: { lane } });
  },
  /**
   * All lanes into one scalar. Sums and products of floats are taken lane after lane, as MLIR defines them: `treeReduce`
   * is faster. Masks are reduced by `and`, `or`, `xor`.
   */
  reduction(kind: Reduction, value: Value): Value {
    expectVector("vector.reduction", value);
    const { element } = value.type;
    const logic = kind === "and" || kind === "or" || kind === "xor";
    const float = kind === "minimumf" || kind === "maximumf";
    const either = kind === "add" || kind === "mul";
    if ((element === "i1" && !logic) || (isFloat(element) ? !float && !either : float)) {
      throw new KernelError(`vector.reduction <${kind}> does not take ${typeText(value.type)}`);
    }
    return appendOne("vector.reduction", [value], scalar(value.type.element), { attributes: { kind } });
  },
  /**
   * The same bits as other lanes, the lowest lane in the lowest bits. A mask to integers collects it into bits, which
   * takes at least 8 lanes; integers to i1 spread bits into a mask.
   */
  bitcast(value: Value, element: ElementType): Value {
    expectVector("vector.bitcast", value);
    if (element === value.type.element) return value;
    const total = value.type.lanes * bitSize(value.type.element);
    const lanes = total / bitSize(element);
    if (!Number.isInteger(lanes) || lanes < 1) {
      throw new KernelError(`vector.bitcast: ${typeText(value.type)} is no whole number of ${element}`);
    }
    return appendOne("vector.bitcast", [value], vectorOf(element, lanes));
  },
  /** A mask whose first `count` lanes are set: none where it is negative, all where it is `lanes` (128 at most) or more. */
  createMask(count: Operand, lanes: number): Value {
    return appendOne("vector.create_mask", [asIndex(count)], vectorOf("i1", lanes));
  },
};

function bitSize(element: ElementType): number {
  return element === "i1" ? 1 : byteSize(element) * 8;
}

/**
 * Adds, or otherwise joins, the lanes of a vector pairwise, halves first: `log2(lanes)` steps, an order of its own
 * for floats and the same on every target. Gives a scalar.
 * @throws KernelError for a scalar.
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
