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
} from "../../compiler/index.js";
import type { DmrsConfigType } from "../pusch/dmrs-ports.js";
import { MOST_SUBCARRIERS } from "./delay-rotation-kernel.js";
import { MOST_PILOTS } from "./pilots-kernel.js";

/**
 * Despreads one position of DM-RS in time and takes the delay's phase ramp off: `(Σ factor_l'·z_l')·conj(rotation)`
 * over its one or two symbols. Arguments: the rows of pilots of the symbols (the first again where there is one only),
 * factors (interleaved, one a symbol: weight w_t, de-rotation of the carrier, mean), the rotation's planes from the CDM
 * group's first subcarrier on, and the row to be written; pilots, and how far apart planes of pilots and of the rotation
 * are.
 * @param lanes 4 to 16
 */
export const despreadingKernel = kernelBuilder(
  import.meta.url,
  "despreadingKernel",
  (configType: DmrsConfigType, length: 1 | 2, lanes: number): Kernel => {
    const spacing = configType === 1 ? 2 : 3;
    return kernel(
      `despreading_type${configType}_length${length}_v${lanes}`,
      {
        first: buffer("f32", MOST_PILOTS),
        second: buffer("f32", MOST_PILOTS),
        factors: buffer("f32", 2 * length),
        rotation: buffer("f32", MOST_SUBCARRIERS),
        out: buffer("f32", MOST_PILOTS),
        pilots: argument("index"),
        stride: argument("index"),
        rotationStride: argument("index"),
      },
      ({ first, second, factors, rotation, out, pilots, stride, rotationStride }) => {
        const rows = length === 1 ? [first] : [first, second];
        const weights = rows.map((_, symbol) => [
          vector.broadcast(memref.load(factors, 2 * symbol), lanes),
          vector.broadcast(memref.load(factors, 2 * symbol + 1), lanes),
        ]);
        const rotationAt = (at: Value): Value => {
          const load = (subcarrier: number) => vector.load(rotation, indexSum(at, subcarrier), lanes);
          return configType === 1 ? everySecond(load(0), load(lanes)) : pairsOfSix(load, lanes);
        };
        scf.for(0, pilots, lanes, (pilot) => {
          const second = arith.addi(pilot, stride);
          let [sumRe, sumIm]: [Value | undefined, Value | undefined] = [undefined, undefined];
          rows.forEach((row, symbol) => {
            const [weightRe, weightIm] = weights[symbol]!;
            const re = vector.load(row, pilot, lanes);
            const im = vector.load(row, second, lanes);
            const termRe = arith.subf(arith.mulf(re, weightRe!), arith.mulf(im, weightIm!));
            const termIm = arith.addf(arith.mulf(re, weightIm!), arith.mulf(im, weightRe!));
            sumRe = sumRe ? arith.addf(sumRe, termRe) : termRe;
            sumIm = sumIm ? arith.addf(sumIm, termIm) : termIm;
          });
          const at = arith.muli(pilot, spacing);
          const [turnRe, turnIm] = [rotationAt(at), rotationAt(arith.addi(at, rotationStride))];
          const outRe = arith.addf(arith.mulf(sumRe!, turnRe), arith.mulf(sumIm!, turnIm));
          const outIm = arith.subf(arith.mulf(sumIm!, turnRe), arith.mulf(sumRe!, turnIm));
          vector.store(outRe, out, pilot);
          vector.store(outIm, out, second);
        });
      },
    );
  },
);

function everySecond(a: Value, b: Value): Value {
  return vector.shuffle(
    a,
    b,
    Array.from({ length: a.type.lanes }, (_, k) => 2 * k),
  );
}

/** The first two of every six subcarriers. */
function pairsOfSix(load: (subcarrier: number) => Value, lanes: number): Value {
  const wanted = Array.from({ length: lanes }, (_, k) => 6 * (k >> 1) + (k & 1));
  if (lanes === 4) return vector.shuffle(load(0), load(6), [0, 1, 4, 5]);
  // Three vectors hold them: what the first two hold is put together first.
  const front = wanted.map((subcarrier) => (subcarrier < 2 * lanes ? subcarrier : 0));
  const both = vector.shuffle(load(0), load(lanes), front);
  const rest = wanted.map((subcarrier, k) => (subcarrier < 2 * lanes ? k : subcarrier - lanes));
  return vector.shuffle(both, load(2 * lanes), rest);
}
