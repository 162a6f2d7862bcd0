import {
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  memref,
  scf,
  treeReduce,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { pilotStride } from "./pilots-kernel.js";

/**
 * `Σ b·conj(a)` over two rows of pilots (planes as of `pilotsKernel`), written as two f32. With `b` a few pilots further
 * in the row of `a` it is the correlation at that lag: the zeros past the end add nothing. With `b` = `a` it is the
 * energy.
 */
export function correlationKernel(pilots: number, lanes = 4): Kernel {
  const stride = pilotStride(pilots);
  return kernel(
    `pilot_correlation_${pilots}_${lanes}`,
    { a: buffer("f32", 2 * stride), b: buffer("f32", 2 * stride), sum: buffer("f32", 2) },
    ({ a, b, sum }) => {
      const zero = arith.constant(vectorOf("f32", lanes), 0);
      const [re, im] = scf.for(0, pilots, lanes, [zero, zero], (first, carried) => {
        const [aRe, bRe] = [vector.load(a, first, lanes), vector.load(b, first, lanes)];
        const second = indexSum(first, stride);
        const [aIm, bIm] = [vector.load(a, second, lanes), vector.load(b, second, lanes)];
        return [
          arith.addf(carried[0]!, arith.addf(arith.mulf(bRe, aRe), arith.mulf(bIm, aIm))),
          arith.addf(carried[1]!, arith.subf(arith.mulf(bIm, aRe), arith.mulf(bRe, aIm))),
        ];
      });
      memref.store(treeReduce(re!, arith.addf), sum, 0);
      memref.store(treeReduce(im!, arith.addf), sum, 1);
    },
  );
}
