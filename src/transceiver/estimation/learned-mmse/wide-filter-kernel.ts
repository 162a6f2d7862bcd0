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
  type Value,
  vector,
  vectorOf,
} from "../../../compiler/index.js";
import { MOST_SUBCARRIERS } from "../delay-rotation-kernel.js";
import { MOST_PILOTS } from "../pilots-kernel.js";
import { wideFilterLength } from "./prototypes.js";

/**
 * What `frequencyFilterKernel` does, over wide windows and with the same arguments: each resource block is a real linear
 * combination of the pilots of the window around it, at the edges beside it, with the coefficients of its place in the window,
 * then takes the delay's phase ramp back on.
 * @param windowBlocks the lesser of `WIDE_WINDOW_BLOCKS` and the resource blocks
 */
export const wideFilterKernel = kernelBuilder(
  import.meta.url,
  "wideFilterKernel",
  (pilotsPerBlock: number, windowBlocks: number, lanes: number): Kernel => {
    const taps = pilotsPerBlock * windowBlocks;
    const firsts = Array.from({ length: Math.ceil(12 / lanes) }, (_, part) => lanes * part);
    const zero = () => arith.constant(vectorOf("f32", lanes), 0);
    return kernel(
      `wide_filter_${pilotsPerBlock}_window${windowBlocks}_v${lanes}`,
      {
        pilots: buffer("f32", MOST_PILOTS),
        coefficients: buffer("f32", wideFilterLength(pilotsPerBlock, windowBlocks)),
        rotation: buffer("f32", MOST_SUBCARRIERS),
        out: buffer("f32", MOST_SUBCARRIERS),
        blocks: argument("index"),
        stride: argument("index"),
        outStride: argument("index"),
      },
      ({ pilots, coefficients, rotation, out, blocks, stride, outStride }) => {
        const last = arith.subi(blocks, windowBlocks);
        scf.for(0, blocks, 1, (block) => {
          // The window's first block: as many before the block as behind it, within the allocation.
          const behind = arith.subi(arith.maxsi(block, windowBlocks >> 1), windowBlocks >> 1);
          const start = arith.minsi(behind, last);
          const place = arith.subi(block, start);
          const row = arith.muli(place, 12 * taps);
          const firstPilot = arith.muli(start, pilotsPerBlock);
          const sums = scf.for(
            0,
            taps,
            1,
            firsts.flatMap(() => [zero(), zero()]),
            (tap, carried) => {
              const at = arith.addi(firstPilot, tap);
              const re = vector.broadcast(memref.load(pilots, at), lanes);
              const im = vector.broadcast(memref.load(pilots, arith.addi(at, stride)), lanes);
              const weights = arith.addi(row, arith.muli(tap, 12));
              return firsts.flatMap((first, part): Value[] => {
                const weight = vector.load(coefficients, indexSum(weights, first), lanes);
                return [
                  arith.addf(carried[2 * part]!, arith.mulf(weight, re)),
                  arith.addf(carried[2 * part + 1]!, arith.mulf(weight, im)),
                ];
              });
            },
          );
          const first = arith.muli(block, 12);
          firsts.forEach((offset, part) => {
            const [re, im] = [sums[2 * part]!, sums[2 * part + 1]!];
            const at = indexSum(first, offset);
            const atIm = arith.addi(at, outStride);
            const turnRe = vector.load(rotation, at, lanes);
            const turnIm = vector.load(rotation, atIm, lanes);
            // What stands past the block's last subcarrier is the next block's, or room.
            vector.store(arith.subf(arith.mulf(re, turnRe), arith.mulf(im, turnIm)), out, at);
            vector.store(arith.addf(arith.mulf(re, turnIm), arith.mulf(im, turnRe)), out, atIm);
          });
        });
      },
    );
  },
);

/**
 * The sum of filters one behind the other, each times its weight. Arguments: the first filter, weights, the sum; numbers of a
 * filter, a multiple of the lanes.
 */
export const filterMixtureKernel = kernelBuilder(
  import.meta.url,
  "filterMixtureKernel",
  (filters: number, lanes: number): Kernel => {
    const most = 2 ** 20;
    return kernel(
      `filter_mixture_${filters}_v${lanes}`,
      {
        from: buffer("f32", filters * most),
        weights: buffer("f32", filters),
        sum: buffer("f32", most),
        length: argument("index"),
      },
      ({ from, weights, sum, length }) => {
        const zero = arith.constant(vectorOf("f32", lanes), 0);
        scf.for(0, length, lanes, (at) => {
          vector.store(zero, sum, at);
        });
        scf.for(0, filters, 1, (filter) => {
          const weight = memref.load(weights, filter);
          // Most weights are next to nothing.
          scf.if(
            arith.cmpf("ogt", weight, 1e-4),
            () => {
              const by = vector.broadcast(weight, lanes);
              const row = arith.muli(filter, length);
              scf.for(0, length, lanes, (at) => {
                const own = vector.load(from, arith.addi(row, at), lanes);
                vector.store(arith.addf(vector.load(sum, at, lanes), arith.mulf(by, own)), sum, at);
              });
              return [];
            },
            () => [],
          );
        });
      },
    );
  },
);
