import {
  argument,
  arith,
  type Buffer,
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
import { broadcast, type Complex, multiply, split } from "../complex-lanes.js";

/** Consecutive subcarriers of a row that lie in consecutive bins of the transform. */
export interface SubcarrierRun {
  /** First subcarrier, counted in the row. */
  readonly subcarrier: number;
  readonly bin: number;
  readonly length: number;
}

/**
 * Where a row of subcarriers lies in a transform's bins: in one piece, or two where it reaches across bin 0.
 * @param first of the row's subcarriers, counted from the one in bin 0; negative below.
 */
export function subcarrierRuns(first: number, count: number, size: number): SubcarrierRun[] {
  const below = Math.min(count, Math.max(0, -first));
  const runs = [
    { subcarrier: 0, bin: size + first, length: below },
    { subcarrier: below, bin: Math.max(0, first), length: count - below },
  ];
  return runs.filter((run) => run.length > 0);
}

/** Bound of the numbers that the kernels' memory holds. */
const MOST = 2 ** 16;

/**
 * Takes a run of subcarriers out of a spectrum: `run(spectrum, factors, phase, to, count, spectrumStride, factorStride)`
 * gives `to[k] = spectrum[k]·factors[k]·phase`; spectrum and factors in planes so far apart, `phase` one complex number,
 * `to` interleaved.
 */
export const takeSubcarriersKernel = kernelBuilder(
  import.meta.url,
  "takeSubcarriersKernel",
  (lanes: number): Kernel => {
    const shapes = {
      spectrum: buffer("f32", MOST),
      factors: buffer("f32", MOST),
      phase: buffer("f32", 2),
      to: buffer("f32", MOST),
      count: argument("index"),
      spectrumStride: argument("index"),
      factorStride: argument("index"),
    };
    return kernel(`take_subcarriers_v${lanes}`, shapes, (given) => {
      const { spectrum, factors, phase, to, count, spectrumStride, factorStride } = given;
      const common = broadcast(memref.load(phase, 0), memref.load(phase, 1), lanes);
      const planes = (from: Buffer, k: Value, stride: Value): Complex => ({
        re: vector.load(from, k, lanes),
        im: vector.load(from, arith.addi(k, stride), lanes),
      });
      const value = (k: Value): Value => {
        const { re, im } = multiply(
          multiply(planes(spectrum, k, spectrumStride), common),
          planes(factors, k, factorStride),
        );
        return vector.interleave(re, im);
      };
      const rest = arith.remui(count, lanes);
      const whole = arith.subi(count, rest);
      scf.for(0, whole, lanes, (k) => vector.store(value(k), to, arith.muli(k, 2)));
      scf.if(arith.cmpi("ne", rest, 0), () => {
        const mask = vector.createMask(arith.muli(rest, 2), 2 * lanes);
        vector.maskedStore(value(whole), to, arith.muli(whole, 2), mask);
      });
    });
  },
);

/**
 * Puts a run of subcarriers into a spectrum: `run(from, phase, spectrum, count, spectrumStride)` gives
 * `spectrum[k] = from[k]·phase`; `from` and `phase`, one complex number, interleaved, the spectrum in planes so far apart.
 */
export const putSubcarriersKernel = kernelBuilder(
  import.meta.url,
  "putSubcarriersKernel",
  (lanes: number): Kernel => {
    const shapes = {
      from: buffer("f32", MOST),
      phase: buffer("f32", 2),
      spectrum: buffer("f32", MOST),
      count: argument("index"),
      spectrumStride: argument("index"),
    };
    return kernel(`put_subcarriers_v${lanes}`, shapes, ({ from, phase, spectrum, count, spectrumStride }) => {
      const common = broadcast(memref.load(phase, 0), memref.load(phase, 1), lanes);
      const value = (k: Value): Complex => {
        const at = arith.muli(k, 2);
        return multiply(
          split(vector.load(from, at, lanes), vector.load(from, indexSum(at, lanes), lanes)),
          common,
        );
      };
      const rest = arith.remui(count, lanes);
      const whole = arith.subi(count, rest);
      scf.for(0, whole, lanes, (k) => {
        const { re, im } = value(k);
        vector.store(re, spectrum, k);
        vector.store(im, spectrum, arith.addi(k, spectrumStride));
      });
      scf.if(arith.cmpi("ne", rest, 0), () => {
        const { re, im } = value(whole);
        const mask = vector.createMask(rest, lanes);
        vector.maskedStore(re, spectrum, whole, mask);
        vector.maskedStore(im, spectrum, arith.addi(whole, spectrumStride), mask);
      });
    });
  },
);
