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
import type { DmrsConfigType } from "../pusch/dmrs-ports.js";
import { subcarrierStride } from "./delay-rotation-kernel.js";
import { pilotStride } from "./pilots-kernel.js";

const LANES = 4;

/**
 * Despreads one position of DM-RS in time and takes the delay's phase ramp off: `(Σ factor_l'·z_l')·conj(rotation)`
 * over its one or two symbols. Arguments: the rows of pilots of the symbols (the first again where there is one only),
 * factors (interleaved, one a symbol: weight w_t, de-rotation of the carrier, mean), the rotation's planes from the CDM
 * group's first subcarrier on, and the row to be written.
 */
export function despreadingKernel(configType: DmrsConfigType, pilots: number, length: 1 | 2): Kernel {
  const stride = pilotStride(pilots);
  const spacing = configType === 1 ? 2 : 3;
  const rotationStride = subcarrierStride((pilots * spacing) / 12);
  return kernel(
    `despreading_type${configType}_${pilots}_${length}`,
    {
      first: buffer("f32", 2 * stride),
      second: buffer("f32", 2 * stride),
      factors: buffer("f32", 2 * length),
      rotation: buffer("f32", 2 * rotationStride),
      out: buffer("f32", 2 * stride),
    },
    ({ first, second, factors, rotation, out }) => {
      const rows = length === 1 ? [first] : [first, second];
      const weights = rows.map((_, symbol) => [
        vector.broadcast(memref.load(factors, 2 * symbol), LANES),
        vector.broadcast(memref.load(factors, 2 * symbol + 1), LANES),
      ]);
      const rotationAt = (at: Value, plane: number): Value => {
        const load = (subcarrier: number) =>
          vector.load(rotation, indexSum(at, plane * rotationStride + subcarrier), LANES);
        return configType === 1
          ? vector.shuffle(load(0), load(4), [0, 2, 4, 6])
          : vector.shuffle(load(0), load(6), [0, 1, 4, 5]);
      };
      scf.for(0, pilots, LANES, (pilot) => {
        let [sumRe, sumIm]: [Value | undefined, Value | undefined] = [undefined, undefined];
        rows.forEach((row, symbol) => {
          const [weightRe, weightIm] = weights[symbol]!;
          const re = vector.load(row, pilot, LANES);
          const im = vector.load(row, indexSum(pilot, stride), LANES);
          const termRe = arith.subf(arith.mulf(re, weightRe!), arith.mulf(im, weightIm!));
          const termIm = arith.addf(arith.mulf(re, weightIm!), arith.mulf(im, weightRe!));
          sumRe = sumRe ? arith.addf(sumRe, termRe) : termRe;
          sumIm = sumIm ? arith.addf(sumIm, termIm) : termIm;
        });
        const at = arith.muli(pilot, spacing);
        const [turnRe, turnIm] = [rotationAt(at, 0), rotationAt(at, 1)];
        const outRe = arith.addf(arith.mulf(sumRe!, turnRe), arith.mulf(sumIm!, turnIm));
        const outIm = arith.subf(arith.mulf(sumIm!, turnRe), arith.mulf(sumRe!, turnIm));
        vector.store(outRe, out, pilot);
        vector.store(outIm, out, indexSum(pilot, stride));
      });
    },
  );
}
