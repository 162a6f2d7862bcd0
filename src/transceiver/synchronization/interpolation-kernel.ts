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

/** Vectors that one iteration gives: each factor is then loaded once for all of them. */
const UNROLLED = 4;

/**
 * Filters complex samples with real factors: `run(from, factors, to, count)` gives
 * `to[n] = Σ factors[t]·from[n + t]` for `count` samples, interleaved; it reads `taps - 1` samples more.
 */
export const interpolationKernel = kernelBuilder(
  import.meta.url,
  "interpolationKernel",
  (taps: number, samples: number, lanes: number): Kernel => {
    const shapes = {
      from: buffer("f32", 2 * (samples + taps - 1)),
      factors: buffer("f32", taps),
      to: buffer("f32", 2 * samples),
      count: argument("index"),
    };
    return kernel(`interpolation_${taps}_${samples}_${lanes}`, shapes, ({ from, factors, to, count }) => {
      const filter = (at: Value, vectors: number): Value[] => {
        let sums: Value[] = [];
        for (let tap = 0; tap < taps; tap++) {
          const factor = vector.broadcast(memref.load(factors, tap), lanes);
          const terms = Array.from({ length: vectors }, (_, k) =>
            arith.mulf(vector.load(from, indexSum(at, 2 * tap + k * lanes), lanes), factor),
          );
          sums = tap === 0 ? terms : terms.map((term, k) => arith.addf(sums[k]!, term));
        }
        return sums;
      };
      const numbers = arith.muli(count, 2);
      const step = UNROLLED * lanes;
      const whole = arith.subi(numbers, arith.remui(numbers, step));
      scf.for(0, whole, step, (at) => {
        filter(at, UNROLLED).forEach((sum, k) => {
          vector.store(sum, to, indexSum(at, k * lanes));
        });
      });
      scf.for(whole, numbers, lanes, (at) => {
        const mask = vector.createMask(arith.subi(numbers, at), lanes);
        vector.maskedStore(filter(at, 1)[0]!, to, at, mask);
      });
    });
  },
);
