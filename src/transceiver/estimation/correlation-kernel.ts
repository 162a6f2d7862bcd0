import {
  argument,
  arith,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  scf,
  treeReduce,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { MOST_PILOTS } from "./pilots-kernel.js";

/**
 * `Σ b·conj(a)` over two rows of `pilots` (planes `stride` apart, as of `pilotsKernel`), written as two f32. With `b` a few
 * pilots further in the row of `a` it is the correlation at that lag: the zeros past the end add nothing. With `b` = `a` it
 * is the energy.
 */
export const correlationKernel = kernelBuilder(
  import.meta.url,
  "correlationKernel",
  (lanes: number): Kernel => {
    return kernel(
      `pilot_correlation_v${lanes}`,
      {
        a: buffer("f32", MOST_PILOTS),
        b: buffer("f32", MOST_PILOTS),
        sum: buffer("f32", 2),
        pilots: argument("index"),
        stride: argument("index"),
      },
      ({ a, b, sum, pilots, stride }) => {
        const zero = arith.constant(vectorOf("f32", lanes), 0);
        const [re, im] = scf.for(0, pilots, lanes, [zero, zero], (first, carried) => {
          const [aRe, bRe] = [vector.load(a, first, lanes), vector.load(b, first, lanes)];
          const second = arith.addi(first, stride);
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
  },
);
