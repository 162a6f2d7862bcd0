import { arith, buffer, indexSum, type Kernel, kernel, memref, scf, vector } from "../../compiler/index.js";

/** Numbers of one plane of a row of subcarriers: room for a vector of pilots past the end. */
export function subcarrierStride(blocks: number): number {
  return 16 * Math.ceil((12 * blocks + 16) / 16);
}

const LANES = 4;

/**
 * The phase ramp of a delay over all subcarriers as planes: block `p`'s rotor times each of the 12 of `base`.
 * Arguments: rotors (interleaved, one a block), base (12 real parts, 12 imaginary parts), out.
 */
export function delayRotationKernel(blocks: number): Kernel {
  const stride = subcarrierStride(blocks);
  return kernel(
    `delay_rotation_${blocks}`,
    { rotors: buffer("f32", 2 * blocks), base: buffer("f32", 24), out: buffer("f32", 2 * stride) },
    ({ rotors, base, out }) => {
      const parts = [0, 4, 8].map((first) => [
        vector.load(base, first, LANES),
        vector.load(base, 12 + first, LANES),
      ]);
      scf.for(0, blocks, 1, (block) => {
        const twice = arith.muli(block, 2);
        const re = vector.broadcast(memref.load(rotors, twice), LANES);
        const im = vector.broadcast(memref.load(rotors, indexSum(twice, 1)), LANES);
        const first = arith.muli(block, 12);
        parts.forEach(([baseRe, baseIm], part) => {
          const outRe = arith.subf(arith.mulf(re, baseRe!), arith.mulf(im, baseIm!));
          const outIm = arith.addf(arith.mulf(re, baseIm!), arith.mulf(im, baseRe!));
          vector.store(outRe, out, indexSum(first, LANES * part));
          vector.store(outIm, out, indexSum(first, stride + LANES * part));
        });
      });
    },
  );
}
