/** What one element of a tensor is. `complex64` is two interleaved float32: real, imaginary. */
export type DataType = keyof Views;

/** The typed array through which a tensor of each data type is seen. */
export interface Views {
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  float32: Float32Array;
  float64: Float64Array;
  complex64: Float32Array;
}

/** Any typed array that a tensor can be seen through. */
export type View = Views[DataType];

/** Bytes of one element; a complex64 element has eight. */
export const bytesPerElement: Readonly<Record<DataType, number>> = {
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  float32: 4,
  float64: 8,
  complex64: 8,
};

type Constructor<V> = new (buffer: ArrayBufferLike, offset: number, length: number) => V;

const constructors: { readonly [D in DataType]: Constructor<Views[D]> } = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
  complex64: Float32Array,
};

/**
 * The typed array over `elements` elements of `buffer` from byte `offset`, without a copy. A complex64 view has
 * two numbers an element. `offset` must be a multiple of the element's alignment.
 */
export function viewOf<D extends DataType>(
  dtype: D,
  buffer: ArrayBufferLike,
  offset: number,
  elements: number,
): Views[D] {
  const numbers = dtype === "complex64" ? 2 * elements : elements;
  return new constructors[dtype](buffer, offset, numbers);
}

/** The data type whose view is this array. A Float32Array is float32: complex64 must be said. */
export function dataTypeOf(array: View): Exclude<DataType, "complex64"> {
  if (array instanceof Int8Array) return "int8";
  if (array instanceof Uint8Array) return "uint8";
  if (array instanceof Int16Array) return "int16";
  if (array instanceof Uint16Array) return "uint16";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof Uint32Array) return "uint32";
  if (array instanceof Float64Array) return "float64";
  return "float32";
}
