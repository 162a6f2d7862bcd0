import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import type { Target } from "../../compiler/index.js";
import type { ModulationOrder } from "../pusch/mcs.js";
import { type DemappingMethod, demappingKernel, ROUND } from "./demapping-kernel.js";
import { LLR_SCALE } from "./llr-scale.js";
import { MAX_LOG_FACTORS } from "./max-log.js";
import { constellation } from "./modulate.js";

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
const [SYMBOLS, NOISE, SEQUENCE, LLRS, WORKSPACE] = [1024, 33792, 50176, 58368, 66560];

/** Sums or picks over all points, in double precision, from the constellation that the transmitter uses. */
function reference(
  method: DemappingMethod,
  order: ModulationOrder,
  index: number,
  re: number,
  im: number,
  noise: number,
) {
  const turned = order === 1 && index % 2 === 1;
  const points = constellation(order);
  const metrics = Array.from({ length: 1 << order }, (_, label) => {
    const [a, b] = [points[2 * label]!, points[2 * label + 1]!];
    const [pointRe, pointIm] = turned ? [-b, a] : [a, b];
    return -((re - pointRe) ** 2 + (im - pointIm) ** 2) / noise;
  });
  return Array.from({ length: order }, (_, bit) => {
    const side = (value: number) => {
      const chosen = metrics.filter((_, label) => ((label >> (order - 1 - bit)) & 1) === value);
      const largest = Math.max(...chosen);
      if (method !== "log-map") return largest;
      return largest + Math.log(chosen.reduce((sum, metric) => sum + Math.exp(metric - largest), 0));
    };
    const factor = method === "scaled-max-log" && order > 1 ? MAX_LOG_FACTORS[order as 2][bit >> 1]! : 1;
    return (side(0) - side(1)) * factor;
  });
}

/** The axis that a bit stands on is beyond use, or the whole symbol. */
function unusable(order: ModulationOrder, bit: number, re: number, im: number, noise: number): boolean {
  const amplitude = order === 1 ? re + im : bit % 2 === 0 ? re : im;
  return !Number.isFinite(amplitude) || !(noise >= 0) || noise === Number.POSITIVE_INFINITY;
}

const amplitude = fc.oneof(
  { weight: 12, arbitrary: fc.float({ min: -2.5, max: 2.5, noNaN: true }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, -0, 1e6, -1e6, Number.NaN, Number.POSITIVE_INFINITY, -Infinity),
  },
);
const variance = fc.oneof(
  { weight: 12, arbitrary: fc.double({ min: -3, max: 1, noNaN: true }).map((x) => Math.fround(10 ** x)) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1e30, 1e-30, -1, Number.NaN, Number.POSITIVE_INFINITY) },
);

/** Runs the kernel on what was drawn and compares each soft bit, what stands beside them too. */
function check(
  target: Target,
  method: DemappingMethod,
  order: ModulationOrder,
  layers: number,
  lanes: number,
  runs: number,
): void {
  const kernel = demappingKernel({ method, modulationOrder: order, layers, lanes });
  const run = target.compile(kernel, memory);
  const drawn = fc.integer({ min: 1, max: 3 }).chain((rounds) => {
    const stride = rounds * ROUND + 3;
    const count = layers * stride;
    const numbers = (of: fc.Arbitrary<number>, length: number) =>
      fc.array(of, { minLength: length, maxLength: length });
    return fc.record({
      rounds: fc.constant(rounds),
      symbols: numbers(amplitude, 2 * count),
      noise: numbers(variance, count),
      sequence: fc.uint8Array({ minLength: rounds * layers * order, maxLength: rounds * layers * order }),
    });
  });
  fc.assert(
    fc.property(drawn, ({ rounds, symbols, noise, sequence }) => {
      const stride = rounds * ROUND + 3;
      const bits = rounds * ROUND * layers * order;
      new Float32Array(memory.buffer, SYMBOLS, symbols.length).set(symbols);
      new Float32Array(memory.buffer, NOISE, noise.length).set(noise);
      new Uint8Array(memory.buffer, SEQUENCE, sequence.length).set(sequence);
      const llrs = new Int8Array(memory.buffer, LLRS, bits + 1);
      llrs[bits] = 77;
      run(SYMBOLS, NOISE, SEQUENCE, LLRS, WORKSPACE, rounds, stride);
      expect(llrs[bits]).toBe(77);
      let at = 0;
      for (let re = 0; re < rounds * ROUND; re++)
        for (let layer = 0; layer < layers; layer++) {
          const element = layer * stride + re;
          const [x, y] = [Math.fround(symbols[2 * element]!), Math.fround(symbols[2 * element + 1]!)];
          const variance = Math.fround(noise[element]!);
          // An axis that is not finite must leave the other one as it is.
          const finite = (v: number) => (Number.isFinite(v) ? v : 0);
          const floor = Math.max(variance, 1e-12);
          const exact = reference(method, order, re * layers + layer, finite(x), finite(y), floor);
          for (let bit = 0; bit < order; bit++, at++) {
            const flipped = (sequence[at >> 3]! >> (at & 7)) & 1;
            const sent = flipped === 1 ? 0 - llrs[at]! : llrs[at]!;
            if (unusable(order, bit, x, y, variance)) {
              expect(sent).toBe(0);
              continue;
            }
            const wanted = Math.max(-127, Math.min(127, exact[bit]! * LLR_SCALE));
            // Half a step of rounding; the rest is single precision, large where large numbers cancel.
            const slack =
              0.5 + 2e-3 + 1e-6 * (Math.abs(finite(x)) + Math.abs(finite(y)) + 1) * (LLR_SCALE / floor);
            const message = `${method} ${order} bit ${bit} of (${x}, ${y}), variance ${variance}: ${sent}, ${wanted}`;
            expect(Math.abs(sent - wanted) <= slack, message).toBe(true);
          }
        }
    }),
    { seed: 38211, numRuns: runs },
  );
}

describe.each(testTargets)("demapping kernel on $name", (target) => {
  describe.each(["max-log", "scaled-max-log", "log-map"] as const)("%s", (method) => {
    it.each([1, 2, 4, 6, 8] as const)("modulation order %i on 1 to 4 layers", (order) => {
      for (const layers of [1, 2, 3, 4]) check(target, method, order, layers, 4, 8);
    });

    it("with wider vectors", () => {
      for (const lanes of [8, 16])
        for (const order of [1, 2, 4, 6, 8] as const)
          for (const layers of [1, 2, 4]) check(target, method, order, layers, lanes, 4);
    });
  });
});
