import { NeuroranError } from "../../errors.js";

/** The typed array that holds the elements of each type; float16 as its bits, bool as 0 and 1. */
export interface ElementArrays {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
}

/** ONNX's element types that a graph may use. */
export type ElementType = keyof ElementArrays;

/** A dense tensor in row-major order. A scalar has the shape []. */
export interface Tensor<E extends ElementType = ElementType> {
  readonly elementType: E;
  readonly shape: readonly number[];
  readonly data: ElementArrays[E];
}

const constructors: { readonly [E in ElementType]: new (length: number) => ElementArrays[E] } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** Names of all element types. */
export const elementTypes = Object.keys(constructors) as readonly ElementType[];

/** Elements of a tensor of the shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Zeros of `length` elements. */
export function elementArray<E extends ElementType>(elementType: E, length: number): ElementArrays[E] {
  return new constructors[elementType](length);
}

/**
 * A tensor over `data`, which is not copied.
 * @throws NeuroranError SHAPE_INVALID where data and shape differ in size.
 */
export function tensor<E extends ElementType>(
  elementType: E,
  shape: readonly number[],
  data: ElementArrays[E] = elementArray(elementType, elementCount(shape)),
): Tensor<E> {
  if (data.length !== elementCount(shape))
    throw new NeuroranError(
      "SHAPE_INVALID",
      `${data.length} elements do not fill the shape [${shape.join(", ")}]`,
    );
  return { elementType, shape, data };
}

/** A float32 tensor of these numbers, of shape [numbers.length] unless given. */
export function float32Tensor(
  numbers: ArrayLike<number>,
  shape: readonly number[] = [numbers.length],
): Tensor<"float32"> {
  return tensor("float32", shape, Float32Array.from(numbers));
}

/** An int64 tensor of these numbers, of shape [numbers.length] unless given: what ONNX's shape arguments are. */
export function int64Tensor(
  numbers: ArrayLike<number>,
  shape: readonly number[] = [numbers.length],
): Tensor<"int64"> {
  return tensor("int64", shape, BigInt64Array.from(Array.from(numbers), BigInt));
}
