import { floatLanes } from "../../compiler/index.js";
import type { Context } from "../../functions/index.js";
import {
  type FourierTransform,
  transformTable,
  transformWorkLength,
} from "../extraction/fourier-transform.js";
import { fourierTransformKernel } from "../extraction/fourier-transform-kernel.js";
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
  { dimensions, scratch, table, compile, target }: Context<typeof mapping.inputs, typeof mapping.outputs>,
  size: number,
): TransformPrecoding {
  const { re } = dimensions;
  const layout = { input: "interleaved", output: "interleaved" } as const;
  const transform: FourierTransform = { size, sign: -1, ...layout, lanes: floatLanes(target) };
  const runTransform = compile(fourierTransformKernel(transform));
  const work = scratch("transformWork", "float32", transformWorkLength(size)).offset;
  const twiddles = table("transformTwiddles", transformTable(transform)).offset;
  const symbols = scratch("modulated", "complex64", re);
  const transformed = scratch("transformed", "complex64", re);
  return {
    symbols: symbols.view,
    transformed: transformed.view,
    run() {
      for (let first = 0; first < re; first += size)
        runTransform(symbols.offset + 8 * first, work, twiddles, transformed.offset + 8 * first);
    },
  };
}
