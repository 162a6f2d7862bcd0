import {
  argument,
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  scf,
  vector,
} from "../../compiler/index.js";

/** Numbers of one plane of a row of subcarriers: room for a vector past the end. */
export function subcarrierStride(blocks: number): number {
  return 16 * Math.ceil((12 * blocks + 16) / 16);
}

/** Bound of the numbers in the rows of an allocation, for the types of kernels' memory. */
export const MOST_SUBCARRIERS = 2 ** 16;

/** Numbers of a plane of `base`: a resource block's, and room to fill a vector. */
export const ROTATION_BASE = 16;

/**
 * The phase ramp of a delay over all subcarriers as planes `stride` apart: block `p`'s rotor times each of the 12 of
 * `base`. Arguments: rotors (interleaved, one a block), base (planes of {@link ROTATION_BASE}), out.
 */
export const delayRotationKernel = kernelBuilder(
  import.meta.url,
  "delayRotationKernel",
  (lanes: number): Kernel => {
    return kernel(
      `delay_rotation_v${lanes}`,
      {
        rotors: buffer("f32", MOST_SUBCARRIERS),
        base: buffer("f32", 2 * ROTATION_BASE),
        out: buffer("f32", MOST_SUBCARRIERS),
        blocks: argument("index"),
        stride: argument("index"),
      },
      ({ rotors, base, out, blocks, stride }) => {
        const firsts = Array.from({ length: Math.ceil(12 / lanes) }, (_, part) => lanes * part);
        const parts = firsts.map((first) => ({
          first,
          re: vector.load(base, first, lanes),
          im: vector.load(base, ROTATION_BASE + first, lanes),
        }));
        scf.for(0, blocks, 1, (block) => {
          const twice = arith.muli(block, 2);
          const re = vector.broadcast(memref.load(rotors, twice), lanes);
          const im = vector.broadcast(memref.load(rotors, indexSum(twice, 1)), lanes);
          const start = arith.muli(block, 12);
          for (const part of parts) {
            const at = indexSum(start, part.first);
            // What stands past the block's last subcarrier is the next block's, or room.
            vector.store(arith.subf(arith.mulf(re, part.re), arith.mulf(im, part.im)), out, at);
            const outIm = arith.addf(arith.mulf(re, part.im), arith.mulf(im, part.re));
            vector.store(outIm, out, arith.addi(at, stride));
          }
        });
      },
    );
  },
);
