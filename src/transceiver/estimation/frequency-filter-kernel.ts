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
  treeReduce,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { MOST_SUBCARRIERS } from "./delay-rotation-kernel.js";
import { MOST_PILOTS } from "./pilots-kernel.js";

/** Resource blocks whose pilots go into the estimate of one resource block: itself and its neighbours. */
export const WINDOW_BLOCKS = 3;

/** Numbers that a vector of coefficients may run past the last of them. */
const ROOM = 4;

/** Coefficients of one filter: those of the first, an inner and the last resource block, `[pilot][12 subcarriers]`. */
export function filterLength(pilotsPerBlock: number, blocks: number): number {
  return 3 * 12 * pilotsPerBlock * Math.min(WINDOW_BLOCKS, blocks) + ROOM;
}

/**
 * From despread pilots to the channel at every subcarrier: each resource block is a real linear combination of the
 * pilots of the window around it (at the edges: beside it), then takes the delay's phase ramp back on. Arguments: the
 * row of pilots, coefficients of `filterLength`, the rotation's planes, and the row to be written: real parts, then
 * imaginary ones; resource blocks, and how far apart planes of pilots and of subcarriers are. Lanes are subcarriers.
 * @param windowBlocks the lesser of {@link WINDOW_BLOCKS} and the resource blocks
 */
export const frequencyFilterKernel = kernelBuilder(
  import.meta.url,
  "frequencyFilterKernel",
  (pilotsPerBlock: number, windowBlocks: number, lanes: number): Kernel => {
    const taps = pilotsPerBlock * windowBlocks;
    const firsts = Array.from({ length: Math.ceil(12 / lanes) }, (_, part) => lanes * part);
    return kernel(
      `frequency_filter_${pilotsPerBlock}_window${windowBlocks}_v${lanes}`,
      {
        pilots: buffer("f32", MOST_PILOTS),
        coefficients: buffer("f32", filterLength(pilotsPerBlock, windowBlocks)),
        rotation: buffer("f32", MOST_SUBCARRIERS),
        out: buffer("f32", MOST_SUBCARRIERS),
        blocks: argument("index"),
        stride: argument("index"),
        outStride: argument("index"),
      },
      ({ pilots, coefficients, rotation, out, blocks, stride, outStride }) => {
        const weightsOf = (variant: number, tap: number): Value[] =>
          firsts.map((first) => vector.load(coefficients, 12 * (variant * taps + tap) + first, lanes));
        const filter = (weights: (tap: number) => Value[], window: Value, block: Value): void => {
          const start = arith.muli(window, pilotsPerBlock);
          const startIm = arith.addi(start, stride);
          const sums: [Value, Value][] = [];
          for (let tap = 0; tap < taps; tap++) {
            const re = vector.broadcast(memref.load(pilots, indexSum(start, tap)), lanes);
            const im = vector.broadcast(memref.load(pilots, indexSum(startIm, tap)), lanes);
            weights(tap).forEach((weight, part) => {
              const sum = sums[part];
              sums[part] = sum
                ? [arith.addf(sum[0], arith.mulf(weight, re)), arith.addf(sum[1], arith.mulf(weight, im))]
                : [arith.mulf(weight, re), arith.mulf(weight, im)];
            });
          }
          const first = arith.muli(block, 12);
          sums.forEach(([re, im], part) => {
            const at = indexSum(first, firsts[part]!);
            const atIm = arith.addi(at, outStride);
            const turnRe = vector.load(rotation, at, lanes);
            const turnIm = vector.load(rotation, atIm, lanes);
            vector.store(arith.subf(arith.mulf(re, turnRe), arith.mulf(im, turnIm)), out, at);
            vector.store(arith.addf(arith.mulf(re, turnIm), arith.mulf(im, turnRe)), out, atIm);
          });
        };
        const last = arith.subi(blocks, 1);
        filter((tap) => weightsOf(0, tap), indexSum(0, 0), indexSum(0, 0));
        // Where one vector takes a whole resource block, all weights have registers.
        const inner = firsts.length === 1 ? Array.from({ length: taps }, (_, tap) => weightsOf(1, tap)) : [];
        const innerWeights = (tap: number): Value[] => inner[tap] ?? weightsOf(1, tap);
        scf.for(1, last, 1, (block) => filter(innerWeights, arith.subi(block, 1), block));
        if (windowBlocks > 1) filter((tap) => weightsOf(2, tap), arith.subi(blocks, windowBlocks), last);
      },
    );
  },
);

/**
 * Energy of the pilots in a subspace: `Σ |u·x|²` over windows of `windowBlocks` resource blocks, the last of which ends
 * with the allocation. Arguments: the row of pilots, the subspace's vectors `[pilot][vector]` (their number a multiple of
 * the lanes: fill with zeros), the f32 that is written, resource blocks, and how far apart planes of pilots are.
 */
export const subspaceEnergyKernel = kernelBuilder(
  import.meta.url,
  "subspaceEnergyKernel",
  (pilotsPerBlock: number, windowBlocks: number, vectors: number, lanes: number): Kernel => {
    const taps = pilotsPerBlock * windowBlocks;
    return kernel(
      `subspace_energy_${pilotsPerBlock}_window${windowBlocks}_${vectors}_v${lanes}`,
      {
        pilots: buffer("f32", MOST_PILOTS),
        basis: buffer("f32", taps * vectors),
        energy: buffer("f32", 1),
        blocks: argument("index"),
        stride: argument("index"),
      },
      ({ pilots, basis, energy, blocks, stride }) => {
        const zero = arith.constant(vectorOf("f32", lanes), 0);
        const add = (first: Value, before: Value): Value => {
          let total = before;
          const firstIm = arith.addi(first, stride);
          for (let part = 0; part < vectors; part += lanes) {
            let [sumRe, sumIm] = [zero, zero];
            for (let tap = 0; tap < taps; tap++) {
              const weight = vector.load(basis, tap * vectors + part, lanes);
              const re = vector.broadcast(memref.load(pilots, indexSum(first, tap)), lanes);
              const im = vector.broadcast(memref.load(pilots, indexSum(firstIm, tap)), lanes);
              sumRe = arith.addf(sumRe, arith.mulf(weight, re));
              sumIm = arith.addf(sumIm, arith.mulf(weight, im));
            }
            total = arith.addf(total, arith.addf(arith.mulf(sumRe, sumRe), arith.mulf(sumIm, sumIm)));
          }
          return total;
        };
        const rest = arith.remui(blocks, windowBlocks);
        const whole = arith.muli(arith.subi(blocks, rest), pilotsPerBlock);
        const [sum] = scf.for(0, whole, taps, [zero], (first, carried) => [add(first, carried[0]!)]);
        const [all] = scf.if(
          arith.cmpi("eq", rest, 0),
          () => [sum!],
          () => [add(arith.muli(arith.subi(blocks, windowBlocks), pilotsPerBlock), sum!)],
        );
        memref.store(treeReduce(all!, arith.addf), energy, 0);
      },
    );
  },
);
