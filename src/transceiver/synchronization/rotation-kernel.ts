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
import { broadcast, multiply, split } from "../complex-lanes.js";

/** Samples of one block: those that one table of phasors turns. */
export const ROTATION_BLOCK = 64;

/** Numbers of the table of phasors: {@link ROTATION_BLOCK} real parts, as many imaginary ones. */
export const ROTATION_TABLE_LENGTH = 2 * ROTATION_BLOCK;

/** Numbers of a turn: the phasor of the first block and that from one block to the next. */
export const ROTATION_TURN_LENGTH = 4;

/**
 * Turns samples by a phase that grows evenly: `run(from, phasors, turn, to, count)` gives
 * `to[n] = from[n]·phasors[n mod 64]·start·step^(n div 64)` for `count` samples, `turn` being real and imaginary part of
 * `start`, then of `step`.
 *
 * A recurrence from sample to sample in single precision would drift by the rounding of its step; here only blocks
 * follow each other, in double precision, so that the phase stays right over any number of samples.
 */
export const rotationKernel = kernelBuilder(
  import.meta.url,
  "rotationKernel",
  (samples: number, lanes: number): Kernel => {
    const shapes = {
      from: buffer("f32", 2 * samples),
      phasors: buffer("f32", ROTATION_TABLE_LENGTH),
      turn: buffer("f64", ROTATION_TURN_LENGTH),
      to: buffer("f32", 2 * samples),
      count: argument("index"),
    };
    return kernel(`rotation_${samples}_${lanes}`, shapes, ({ from, phasors, turn, to, count }) => {
      const [startRe, startIm] = [memref.load(turn, 0), memref.load(turn, 1)];
      const [stepRe, stepIm] = [memref.load(turn, 2), memref.load(turn, 3)];
      const turned = (n: Value, within: Value | number, re: Value, im: Value): Value => {
        const at = arith.muli(n, 2);
        const block = broadcast(arith.truncf(re, "f32"), arith.truncf(im, "f32"), lanes);
        const phasor = {
          re: vector.load(phasors, within, lanes),
          im: vector.load(phasors, indexSum(within, ROTATION_BLOCK), lanes),
        };
        const value = split(vector.load(from, at, lanes), vector.load(from, indexSum(at, lanes), lanes));
        const result = multiply(value, multiply(block, phasor));
        return vector.interleave(result.re, result.im);
      };
      const whole = arith.subi(count, arith.remui(count, ROTATION_BLOCK));
      const [re, im] = scf.for(0, whole, ROTATION_BLOCK, [startRe, startIm], (n, [re, im]) => {
        for (let within = 0; within < ROTATION_BLOCK; within += lanes) {
          const at = indexSum(n, within);
          vector.store(turned(at, within, re!, im!), to, arith.muli(at, 2));
        }
        return [
          arith.subf(arith.mulf(re!, stepRe), arith.mulf(im!, stepIm)),
          arith.addf(arith.mulf(re!, stepIm), arith.mulf(im!, stepRe)),
        ];
      });
      scf.for(whole, count, lanes, (n) => {
        const mask = vector.createMask(arith.muli(arith.subi(count, n), 2), 2 * lanes);
        vector.maskedStore(turned(n, arith.subi(n, whole), re!, im!), to, arith.muli(n, 2), mask);
      });
    });
  },
);

/**
 * Fills a table of phasors exp(j·2π·turns·n) for {@link rotationKernel}. Allocates nothing.
 * @param turns `[0]`: turns of phase from one sample to the next.
 */
export function fillPhasors(turns: Float64Array, phasors: Float32Array): void {
  for (let n = 0; n < ROTATION_BLOCK; n++) {
    const angle = 2 * Math.PI * ((turns[0]! * n) % 1);
    phasors[n] = Math.cos(angle);
    phasors[ROTATION_BLOCK + n] = Math.sin(angle);
  }
}
