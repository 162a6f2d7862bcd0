import type { Context } from "../../functions/index.js";
import { prepareTransform } from "../extraction/prepared-transform.js";
import type { mapping } from "./function.js";

/** Transform precoding of one layer (TS 38.211 6.3.1.4) but for its factor 1/√M. */
export interface TransformPrecoding {
  /** Data symbols, complex64 `[re]`: to be filled before it runs. */
  readonly symbols: Float32Array;
  /** What it makes of them. */
  readonly transformed: Float32Array;
  /** Allocates nothing. */
  run(): void;
}

/** Prepares transform precoding of `re` symbols, an OFDM symbol of `size` at a time. */
export function prepareTransformPrecoding(
  context: Context<typeof mapping.inputs, typeof mapping.outputs>,
  size: number,
): TransformPrecoding {
  const { dimensions, scratch } = context;
  const { re } = dimensions;
  const transform = prepareTransform(
    context,
    { size, sign: -1, input: "interleaved", output: "interleaved" },
    "many",
  );
  const symbols = scratch("modulated", "complex64", re);
  const transformed = scratch("transformed", "complex64", re);
  return {
    symbols: symbols.view,
    transformed: transformed.view,
    run() {
      for (let first = 0; first < re; first += size)
        transform(symbols.offset + 8 * first, transformed.offset + 8 * first);
    },
  };
}
