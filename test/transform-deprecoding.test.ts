import { describe, expect, it } from "vitest";
import { runFunction } from "../src/functions/index.js";
import { createRandom, type Random } from "../src/radio/index.js";
import { ERASURE_NOISE } from "../src/transceiver/equalization/equalization-kernel.js";
import { equalization } from "../src/transceiver/equalization/function.js";
import { equalize, type Matrix } from "./independent/channel-equalization.js";
import { type Complex, complex, multiply, scale, unit } from "./independent/complex.js";
import { testTargets } from "./targets.js";

const seed = 38_211_634;
const methods = ["zero-forcing", "mmse"] as const;

interface Inputs {
  readonly grid: Float32Array;
  readonly channel: Float32Array;
  readonly noise: Float32Array;
}

/** Independent responses from subcarrier to subcarrier, a few deep in a fade, and whatever is received. */
function randomInputs(random: Random, antennas: number, subcarriers: number, symbols: number): Inputs {
  const elements = 2 * antennas * symbols * subcarriers;
  const fade = Float32Array.from({ length: symbols * subcarriers }, () => (random.next() < 0.2 ? 0.02 : 1));
  return {
    grid: Float32Array.from({ length: elements }, () => random.gaussian()),
    channel: Float32Array.from(
      { length: elements },
      (_, k) => random.gaussian() * fade[(k >> 1) % fade.length]!,
    ),
    noise: Float32Array.from({ length: antennas }, () => 10 ** (-3 * random.next())),
  };
}

function run(
  method: (typeof methods)[number],
  target: (typeof testTargets)[number],
  { antennas, subcarriers, symbols }: { antennas: number; subcarriers: number; symbols: number },
  inputs: Inputs,
) {
  return runFunction(equalization, method, {
    target,
    dimensions: {
      antenna: antennas,
      layer: 1,
      symbol: symbols,
      subcarrier: subcarriers,
      re: (symbols - 1) * subcarriers,
    },
    parameters: {
      signalType: {
        startSymbolIndex: 0,
        dmrsConfigType: 1,
        dmrsSymbPos: [1],
        numDmrsCdmGrpsNoData: 2,
        transformPrecoding: true,
      },
    },
    inputs,
  }).outputs;
}

/**
 * The same by one linear equalizer for all symbols of an OFDM symbol at once: each is a layer, each subcarrier at each
 * antenna a receive antenna, whitened.
 */
function reference(
  method: (typeof methods)[number],
  { grid, channel, noise }: Inputs,
  { subcarriers, symbols }: { subcarriers: number; symbols: number },
  symbol: number,
) {
  const h: Matrix = [];
  const y: Complex[] = [];
  noise.forEach((variance, antenna) => {
    for (let k = 0; k < subcarriers; k++) {
      const at = 2 * ((antenna * symbols + symbol) * subcarriers + k);
      const of = (values: Float32Array) => scale(complex(values[at]!, values[at + 1]!), variance ** -0.5);
      const spread = (n: number) =>
        scale(unit((-2 * Math.PI * n * k) / subcarriers), 1 / Math.sqrt(subcarriers));
      h.push(Array.from({ length: subcarriers }, (_, n) => multiply(of(channel), spread(n))));
      y.push(of(grid));
    }
  });
  return equalize(h, y, 1, method);
}

describe.each(testTargets)("equalization with transform precoding on $name", (target) => {
  for (const method of methods)
    it.each([
      { antennas: 1, subcarriers: 12, symbols: 3 },
      { antennas: 2, subcarriers: 24, symbols: 2 },
      { antennas: 4, subcarriers: 36, symbols: 2 },
    ])(`is ${method} of all symbols of an OFDM symbol together: %o`, (sizes) => {
      const random = createRandom(seed);
      const { antennas, subcarriers, symbols } = sizes;
      const inputs = randomInputs(random, antennas, subcarriers, symbols);
      const { symbols: found, noise } = run(method, target, sizes, inputs);
      const dataSymbols = Array.from({ length: symbols }, (_, l) => l).filter((l) => l !== 1);
      dataSymbols.forEach((symbol, ordinal) => {
        const wanted = reference(method, inputs, sizes, symbol);
        const size = Math.max(...wanted.symbols.map(({ re, im }) => Math.hypot(re, im)));
        wanted.symbols.forEach(({ re, im }, n) => {
          const at = ordinal * subcarriers + n;
          expect(Math.hypot(found[2 * at]! - re, found[2 * at + 1]! - im) / size).toBeLessThan(1e-4);
          expect(noise[at]! / wanted.noise[n]!).toBeCloseTo(1, 4);
        });
      });
    });

  it("keeps a variance far below the float's precision", () => {
    const sizes = { antennas: 1, subcarriers: 12, symbols: 2 };
    const inputs = {
      grid: new Float32Array(48).fill(1),
      channel: Float32Array.from({ length: 48 }, (_, k) => 1 - (k & 1)),
      noise: Float32Array.of(1e-9),
    };
    for (const method of methods)
      for (const variance of run(method, target, sizes, inputs).noise)
        expect(variance / 1e-9).toBeCloseTo(1, 5);
  });

  it("loses what faded subcarriers carry, not the symbols, and erases symbols of a dead channel", () => {
    const sizes = { antennas: 1, subcarriers: 24, symbols: 2 };
    const random = createRandom(seed);
    const inputs = randomInputs(random, 1, 24, 2);
    inputs.channel.fill(0, 0, 24);
    const half = run("mmse", target, sizes, inputs);
    // Half of the subcarriers have no gain: at most half of the power is left as signal.
    for (const variance of half.noise) {
      expect(variance).toBeGreaterThan(0.99);
      expect(variance).toBeLessThan(20);
    }
    inputs.channel.fill(0);
    for (const method of methods) {
      const dead = run(method, target, sizes, inputs);
      expect(dead.symbols.every((value) => value === 0)).toBe(true);
      for (const variance of dead.noise) expect(variance / ERASURE_NOISE).toBeCloseTo(1, 5);
    }
  });

  it("refuses layers and data beside DM-RS", () => {
    const attempt = (layer: number, numDmrsCdmGrpsNoData: number, re: number) => () =>
      runFunction(equalization, "mmse", {
        target,
        dimensions: { antenna: 2, layer, symbol: 2, subcarrier: 24, re },
        parameters: {
          signalType: {
            startSymbolIndex: 0,
            dmrsConfigType: 1,
            dmrsSymbPos: [1],
            numDmrsCdmGrpsNoData,
            transformPrecoding: true,
          },
        },
        inputs: {},
      });
    expect(attempt(2, 2, 24)).toThrow(/layer is 2 and must be 1/);
    expect(attempt(1, 1, 36)).toThrow(/re is 36 and must be a multiple of 24/);
  });
});
