import {
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  memref,
  scf,
  treeReduce,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { subcarrierStride } from "./delay-rotation-kernel.js";
import { pilotStride } from "./pilots-kernel.js";

const LANES = 4;

/** Resource blocks whose pilots go into the estimate of one resource block: itself and its neighbours. */
export const WINDOW_BLOCKS = 3;

/** Coefficients of one filter: those of the first, an inner and the last resource block, `[pilot][12 subcarriers]`. */
export function filterLength(pilotsPerBlock: number, blocks: number): number {
  return 3 * 12 * pilotsPerBlock * Math.min(WINDOW_BLOCKS, blocks);
}

/**
 * From despread pilots to the channel at every subcarrier: each resource block is a real linear combination of the
 * pilots of the window around it (at the edges: beside it), then takes the delay's phase ramp back on. Arguments: the
 * row of pilots, coefficients of `filterLength`, the rotation's planes, and the row to be written: real parts, then
 * imaginary ones, `subcarrierStride` apart. Lanes are subcarriers.
 */
export function frequencyFilterKernel(pilotsPerBlock: number, blocks: number): Kernel {
  const stride = pilotStride(pilotsPerBlock * blocks);
  const outStride = subcarrierStride(blocks);
  const windowBlocks = Math.min(WINDOW_BLOCKS, blocks);
  const taps = pilotsPerBlock * windowBlocks;
  return kernel(
    `frequency_filter_${pilotsPerBlock}_${blocks}`,
    {
      pilots: buffer("f32", 2 * stride),
      coefficients: buffer("f32", filterLength(pilotsPerBlock, blocks)),
      rotation: buffer("f32", 2 * outStride),
      out: buffer("f32", 2 * outStride),
    },
    ({ pilots, coefficients, rotation, out }) => {
      const filter = (variant: number, window: Value, block: Value): void => {
        const start = arith.muli(window, pilotsPerBlock);
        const sums: [Value, Value][] = [];
        for (let tap = 0; tap < taps; tap++) {
          const re = vector.broadcast(memref.load(pilots, indexSum(start, tap)), LANES);
          const im = vector.broadcast(memref.load(pilots, indexSum(start, stride + tap)), LANES);
          for (let part = 0; part < 3; part++) {
            const weight = vector.load(coefficients, 12 * (variant * taps + tap) + LANES * part, LANES);
            const sum = sums[part];
            sums[part] = sum
              ? [arith.addf(sum[0], arith.mulf(weight, re)), arith.addf(sum[1], arith.mulf(weight, im))]
              : [arith.mulf(weight, re), arith.mulf(weight, im)];
          }
        }
        const first = arith.muli(block, 12);
        sums.forEach(([re, im], part) => {
          const at = indexSum(first, LANES * part);
          const turnRe = vector.load(rotation, at, LANES);
          const turnIm = vector.load(rotation, indexSum(at, outStride), LANES);
          vector.store(arith.subf(arith.mulf(re, turnRe), arith.mulf(im, turnIm)), out, at);
          vector.store(
            arith.addf(arith.mulf(re, turnIm), arith.mulf(im, turnRe)),
            out,
            indexSum(at, outStride),
          );
        });
      };
      filter(0, indexSum(0, 0), indexSum(0, 0));
      if (blocks > 2) scf.for(1, blocks - 1, 1, (block) => filter(1, arith.subi(block, 1), block));
      if (blocks > 1) filter(2, indexSum(blocks - windowBlocks, 0), indexSum(blocks - 1, 0));
    },
  );
}

/**
 * Energy of the pilots in a subspace: `Σ |u·x|²` over windows of `windowBlocks` resource blocks, the last of which ends
 * with the allocation. Arguments: the row of pilots, the subspace's vectors `[pilot][vector]` (their number a multiple of
 * 4: fill with zeros). Returns an f32.
 */
export function subspaceEnergyKernel(
  pilotsPerBlock: number,
  blocks: number,
  windowBlocks: number,
  vectors: number,
): Kernel {
  const stride = pilotStride(pilotsPerBlock * blocks);
  const taps = pilotsPerBlock * windowBlocks;
  return kernel(
    `subspace_energy_${pilotsPerBlock}_${blocks}_${windowBlocks}_${vectors}`,
    { pilots: buffer("f32", 2 * stride), basis: buffer("f32", taps * vectors) },
    ({ pilots, basis }) => {
      const zero = arith.constant(vectorOf("f32", LANES), 0);
      const add = (first: Value, energy: Value): Value => {
        let total = energy;
        for (let part = 0; part < vectors; part += LANES) {
          let [sumRe, sumIm] = [zero, zero];
          for (let tap = 0; tap < taps; tap++) {
            const weight = vector.load(basis, tap * vectors + part, LANES);
            const re = vector.broadcast(memref.load(pilots, indexSum(first, tap)), LANES);
            const im = vector.broadcast(memref.load(pilots, indexSum(first, stride + tap)), LANES);
            sumRe = arith.addf(sumRe, arith.mulf(weight, re));
            sumIm = arith.addf(sumIm, arith.mulf(weight, im));
          }
          total = arith.addf(total, arith.addf(arith.mulf(sumRe, sumRe), arith.mulf(sumIm, sumIm)));
        }
        return total;
      };
      const whole = Math.floor(blocks / windowBlocks) * windowBlocks;
      const [energy] = scf.for(0, pilotsPerBlock * whole, taps, [zero], (first, carried) => [
        add(first, carried[0]!),
      ]);
      const last = indexSum(pilotsPerBlock * (blocks - windowBlocks), 0);
      return treeReduce(whole === blocks ? energy! : add(last, energy!), arith.addf);
    },
  );
}
