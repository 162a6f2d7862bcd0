import {
  argument,
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  kernelBuilder,
  scf,
  treeReduce,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { split } from "../complex-lanes.js";

const MOST = 3240;

/** M is a multiple of 12, so that four lanes leave no rest. */
const LANES = 4;

/**
 * Weighs the subcarriers of an OFDM symbol for the inverse transform of transform precoding. Arguments: unbiased
 * symbols, interleaved; their noise variances v; the weighted symbols, as planes; M, the number of subcarriers, and √M.
 * With weights μ it writes `μ_k·s_k·√M/Σμ`, and in place of each variance that of every symbol behind the transform,
 * `Σμv/Σμ`.
 *
 * The sum of μ·v = 1 - μ is kept beside that of μ: their difference would lose a small variance to rounding.
 * @param minimumMeanSquareError weights 1/(1 + v); else 1.
 */
export const subcarrierWeightKernel = kernelBuilder(
  import.meta.url,
  "subcarrierWeightKernel",
  (minimumMeanSquareError: boolean): Kernel => {
    return kernel(
      `subcarrier_weight_${minimumMeanSquareError ? "mmse" : "zero_forcing"}`,
      {
        symbols: buffer("f32", 2 * MOST),
        noise: buffer("f32", MOST),
        weighted: buffer("f32", 2 * MOST),
        subcarriers: argument("index"),
        root: argument("f32"),
      },
      ({ symbols, noise, weighted, subcarriers, root }) => {
        const numbers = vectorOf("f32", LANES);
        const one = arith.constant(numbers, 1);
        const weight = (variance: Value) =>
          minimumMeanSquareError ? arith.divf(one, arith.addf(variance, one)) : one;
        const zero = arith.constant(numbers, 0);
        const sums = scf.for(0, subcarriers, LANES, [zero, zero], (at, [weights, variances]) => {
          const variance = vector.load(noise, at, LANES);
          const gain = weight(variance);
          return [arith.addf(weights!, gain), arith.addf(variances!, arith.mulf(gain, variance))];
        });
        const [weights, variances] = sums.map((sum) => treeReduce(sum, arith.addf));
        const scale = vector.broadcast(arith.divf(root, weights!), LANES);
        const despread = vector.broadcast(arith.divf(variances!, weights!), LANES);
        scf.for(0, subcarriers, LANES, (at) => {
          const twice = arith.muli(at, 2);
          const { re, im } = split(
            vector.load(symbols, twice, LANES),
            vector.load(symbols, indexSum(twice, LANES), LANES),
          );
          const factor = arith.mulf(weight(vector.load(noise, at, LANES)), scale);
          vector.store(arith.mulf(re, factor), weighted, at);
          vector.store(arith.mulf(im, factor), weighted, arith.addi(at, subcarriers));
          vector.store(despread, noise, at);
        });
      },
    );
  },
);
