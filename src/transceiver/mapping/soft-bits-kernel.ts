import {
  argument,
  arith,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  scf,
  vector,
} from "../../compiler/index.js";
import { quantize } from "./demapping-kernel.js";
import { negateWhere } from "./stream-interleave.js";

/** Soft bits of a step. */
export const SOFT_BIT_STEP = 16;

/**
 * Quantizes and descrambles soft bits in the order of the codeword. Arguments: soft bits (f32, in the scale of
 * demapping's port), the scrambling sequence, lowest bit first, soft bits to be written, and their number, a multiple
 * of `SOFT_BIT_STEP`.
 */
export const softBitsKernel = kernelBuilder(import.meta.url, "softBitsKernel", (): Kernel => {
  const most = 2 ** 24;
  return kernel(
    "soft_bits",
    {
      llrs: buffer("f32", most),
      sequence: buffer("i8", most / 8),
      out: buffer("i8", most),
      count: argument("index"),
    },
    ({ llrs, sequence, out, count }) => {
      scf.for(0, count, SOFT_BIT_STEP, (at) => {
        const bytes = quantize(vector.load(llrs, at, SOFT_BIT_STEP));
        const bits = vector.load(sequence, arith.divui(at, 8), SOFT_BIT_STEP / 8);
        vector.store(negateWhere(bytes, bits), out, at);
      });
    },
  );
});
