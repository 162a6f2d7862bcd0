import type { DataType } from "./data-type.js";
import type { Tensor } from "./tensor.js";

/**
 * What goes in or out of a function: a data type and symbolic dimensions, slowest first. The sizes are known when
 * a variant is prepared. A struct of scalars is a port with one dimension whose index constants its owner exports.
 */
export interface Port<D extends DataType = DataType, N extends string = string> {
  readonly dtype: D;
  readonly dimensions: readonly N[];
}

/** Ports by name. */
export type Ports = Readonly<Record<string, Port>>;

/** The names of all dimensions that some ports mention. */
export type DimensionsOf<P extends Ports> = P[keyof P]["dimensions"][number];

/** The tensors that stand at some ports. */
export type TensorsOf<P extends Ports> = { readonly [N in keyof P]: Tensor<P[N]["dtype"]> };

function portOf<D extends DataType>(dtype: D) {
  return <const N extends readonly string[]>(...dimensions: N): Port<D, N[number]> => ({ dtype, dimensions });
}

/** Ports of each data type: `int8("bit")`; a port without dimensions holds one element. */
export const int8 = portOf("int8");
export const uint8 = portOf("uint8");
export const int16 = portOf("int16");
export const uint16 = portOf("uint16");
export const int32 = portOf("int32");
export const uint32 = portOf("uint32");
export const float32 = portOf("float32");
export const float64 = portOf("float64");
/** Complex numbers, real and imaginary float32 interleaved: `complex64("antenna", "sample")`. */
export const complex64 = portOf("complex64");
