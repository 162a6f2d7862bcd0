import {
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
} from "../../compiler/index.js";
import type { ResamplingPlan } from "./resampling.js";

/**
 * Converts complex samples from one rate to another: `run(from, factors, starts, to)` gives, for output n,
 * `to[n] = Σ factors[phase of n][t]·from[starts[phase of n] + input·(n div phases) + t]`, interleaved, where
 * `input` samples come in for `phases` that go out. The tables are those of `resamplingTables`, `from` is padded as
 * they say.
 */
export const resamplingKernel = kernelBuilder(
  import.meta.url,
  "resamplingKernel",
  (plan: ResamplingPlan, outputs: number, lanes: number): Kernel => {
    const { phases, inputs, taps, padded } = plan;
    const periods = Math.ceil(outputs / phases);
    const shapes = {
      from: buffer("f32", 2 * padded),
      factors: buffer("f32", phases * 2 * taps),
      starts: buffer("i32", phases),
      to: buffer("f32", 2 * outputs),
    };
    const name = `resampling_${phases}_${inputs}_${taps}_${outputs}_${lanes}`;
    return kernel(name, shapes, ({ from, factors, starts, to }) => {
      const output = (period: Value, phase: Value): void => {
        const start = arith.indexCast(memref.load(starts, phase), "index");
        const at = arith.muli(indexSum(start, arith.muli(period, inputs)), 2);
        const table = arith.muli(phase, 2 * taps);
        // Two sums, so that an addition need not wait for the one before.
        const zero = arith.constant(vectorOf("f32", lanes), 0);
        const sums = [zero, zero];
        for (let tap = 0; tap < 2 * taps; tap += lanes) {
          const term = arith.mulf(
            vector.load(from, indexSum(at, tap), lanes),
            vector.load(factors, indexSum(table, tap), lanes),
          );
          const which = (tap / lanes) & 1;
          sums[which] = arith.addf(sums[which]!, term);
        }
        let sum = arith.addf(sums[0]!, sums[1]!);
        while (sum.type.lanes > 2) {
          const half = sum.type.lanes / 2;
          const lower = Array.from({ length: half }, (_, lane) => lane);
          sum = arith.addf(
            vector.shuffle(sum, sum, lower),
            vector.shuffle(
              sum,
              sum,
              lower.map((lane) => lane + half),
            ),
          );
        }
        const target = arith.muli(indexSum(arith.muli(period, phases), phase), 2);
        memref.store(vector.extract(sum, 0), to, target);
        memref.store(vector.extract(sum, 1), to, arith.addi(target, 1));
      };
      const whole = Math.floor(outputs / phases);
      scf.for(0, whole, 1, (period) => {
        scf.for(0, phases, 1, (phase) => output(period, phase));
      });
      if (whole < periods)
        scf.for(whole, periods, 1, (period) => {
          scf.for(0, outputs - whole * phases, 1, (phase) => output(period, phase));
        });
    });
  },
);
