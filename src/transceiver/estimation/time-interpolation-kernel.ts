import {
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  memref,
  scf,
  type Value,
  vector,
} from "../../compiler/index.js";
import { subcarrierStride } from "./delay-rotation-kernel.js";

const LANES = 4;

/** Subcarriers of a pass over all symbols: the rows of all DM-RS positions stay in the first-level cache. */
const PASS = 768;

/**
 * From the channel at the DM-RS positions to every OFDM symbol: a real linear combination, turned by the carrier's
 * phase. Arguments: rows of planes (`subcarrierStride` apart), one a position; weights `[symbol][position]`; turns,
 * interleaved, one a symbol; the channel to be written, interleaved `[symbol][subcarrier]`.
 */
export function timeInterpolationKernel(positions: number, symbols: number, blocks: number): Kernel {
  const stride = subcarrierStride(blocks);
  const subcarriers = 12 * blocks;
  return kernel(
    `time_interpolation_${positions}_${symbols}_${blocks}`,
    {
      rows: buffer("f32", 2 * stride * positions),
      weights: buffer("f32", symbols * positions),
      turns: buffer("f32", 2 * symbols),
      out: buffer("f32", 2 * symbols * subcarriers),
    },
    ({ rows, weights, turns, out }) => {
      const pass = (from: number, to: number): void => {
        scf.for(0, symbols, 1, (symbol) => {
          const splat = (value: Value) => vector.broadcast(value, LANES);
          const at = arith.muli(symbol, positions);
          const factors = Array.from({ length: positions }, (_, position) =>
            splat(memref.load(weights, indexSum(at, position))),
          );
          const twice = arith.muli(symbol, 2);
          const turnRe = splat(memref.load(turns, twice));
          const turnIm = splat(memref.load(turns, indexSum(twice, 1)));
          const target = arith.muli(symbol, 2 * subcarriers);
          scf.for(from, to, LANES, (subcarrier) => {
            let [re, im]: [Value | undefined, Value | undefined] = [undefined, undefined];
            factors.forEach((factor, position) => {
              const row = 2 * stride * position;
              const termRe = arith.mulf(factor, vector.load(rows, indexSum(subcarrier, row), LANES));
              const termIm = arith.mulf(factor, vector.load(rows, indexSum(subcarrier, row + stride), LANES));
              re = re ? arith.addf(re, termRe) : termRe;
              im = im ? arith.addf(im, termIm) : termIm;
            });
            const outRe = arith.subf(arith.mulf(re!, turnRe), arith.mulf(im!, turnIm));
            const outIm = arith.addf(arith.mulf(re!, turnIm), arith.mulf(im!, turnRe));
            vector.store(vector.interleave(outRe, outIm), out, indexSum(target, arith.muli(subcarrier, 2)));
          });
        });
      };
      for (let from = 0; from < subcarriers; from += PASS) pass(from, Math.min(from + PASS, subcarriers));
    },
  );
}
