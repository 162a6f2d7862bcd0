import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Target } from "../src/compiler/index.js";
import { runFunction } from "../src/functions/index.js";
import { createRandom, type Random } from "../src/radio/index.js";
import { ERASURE_NOISE } from "../src/transceiver/equalization/equalization-kernel.js";
import { equalization } from "../src/transceiver/equalization/function.js";
import { equalize, hermitian, inverse, type Matrix, product } from "./independent/channel-equalization.js";
import { type Complex, complex, scale } from "./independent/complex.js";
import { dataElements } from "./independent/resource-mapping.js";
import { testTargets } from "./targets.js";

const methods = ["zero-forcing", "mmse"] as const;
const allMethods = [...methods, "mmse-sic"] as const;
const seed = 38_214_501;

interface Scenario {
  readonly layers: number;
  readonly antennas: number;
  readonly symbols: number;
  readonly blocks: number;
  readonly startSymbolIndex: number;
  readonly dmrsConfigType: 1 | 2;
  readonly dmrsSymbPos: readonly number[];
  readonly numDmrsCdmGrpsNoData: number;
}

const single = { symbols: 1, blocks: 1, startSymbolIndex: 0, dmrsConfigType: 1, dmrsSymbPos: [] } as const;

function elementsOf(scenario: Scenario) {
  const { blocks, symbols } = scenario;
  const allocation = { ...scenario, bwpStart: 0, rbStart: 0, rbSize: blocks, nrOfSymbols: symbols };
  const dmrs = scenario.dmrsSymbPos.map((symbol) => ({ symbol, lPrime: 0 as const }));
  return dataElements({ ...allocation, numDmrsCdmGrpsNoData: scenario.numDmrsCdmGrpsNoData }, dmrs);
}

interface Inputs {
  readonly grid: Float32Array;
  readonly channel: Float32Array;
  readonly noise: Float32Array;
}

function randomInputs({ layers, antennas, symbols, blocks }: Scenario, random: Random): Inputs {
  const size = 24 * symbols * blocks;
  return {
    grid: Float32Array.from({ length: antennas * size }, () => random.gaussian()),
    channel: Float32Array.from({ length: layers * antennas * size }, () => random.gaussian()),
    noise: Float32Array.from({ length: antennas }, () => 10 ** (-4 * random.next())),
  };
}

function run(target: Target, method: (typeof allMethods)[number], scenario: Scenario, inputs: Inputs) {
  const { layers, antennas, symbols, blocks, startSymbolIndex } = scenario;
  const { dmrsConfigType, dmrsSymbPos, numDmrsCdmGrpsNoData } = scenario;
  return runFunction(equalization, method, {
    target,
    dimensions: {
      antenna: antennas,
      layer: layers,
      symbol: symbols,
      subcarrier: 12 * blocks,
      re: elementsOf(scenario).length,
    },
    parameters: {
      signalType: { startSymbolIndex, dmrsConfigType, dmrsSymbPos, numDmrsCdmGrpsNoData },
      modulationOrder: 4,
    },
    inputs,
  }).outputs;
}

/** Channel `[antenna][layer]` and signal of a resource element, whitened. */
function whitened({ layers, antennas, symbols, blocks }: Scenario, inputs: Inputs, element: number) {
  const elements = 12 * symbols * blocks;
  const at = (values: Float32Array, row: number, by: number): Complex =>
    scale(
      complex(values[2 * (row * elements + element)]!, values[2 * (row * elements + element) + 1]!),
      1 / Math.sqrt(by),
    );
  const h: Matrix = [];
  const y: Complex[] = [];
  for (let antenna = 0; antenna < antennas; antenna++) {
    const variance = inputs.noise[antenna]!;
    h.push(Array.from({ length: layers }, (_, l) => at(inputs.channel, l * antennas + antenna, variance)));
    y.push(at(inputs.grid, antenna, variance));
  }
  return { h, y };
}

/**
 * Largest error against double precision, in units of the roundoff 2^-24 times the noise enhancement (HᴴH)ₗₗ·(HᴴH)⁻¹ₗₗ of
 * the worst layer (with the identity added for MMSE): how ill the resource element is conditioned.
 */
function compare(target: Target, method: (typeof methods)[number], scenario: Scenario, inputs: Inputs) {
  const outputs = run(target, method, scenario, inputs);
  const elements = elementsOf(scenario);
  let [symbolError, noiseError] = [0, 0];
  elements.forEach(({ symbol, subcarrier }, index) => {
    const element = (symbol - scenario.startSymbolIndex) * 12 * scenario.blocks + subcarrier;
    const { h, y } = whitened(scenario, inputs, element);
    const wanted = equalize(h, y, 1, method);
    const gram = product(hermitian(h), h).map((row, r) =>
      row.map((v, c) => (r === c && method === "mmse" ? complex(v.re + 1, v.im) : v)),
    );
    const inverted = inverse(gram);
    const condition = Math.max(...gram.map((row, layer) => row[layer]!.re * inverted[layer]![layer]!.re));
    // Symbols of other layers leak by as much as they are large.
    const size = Math.max(...wanted.symbols.map(({ re, im }) => Math.hypot(re, im)), 1);
    for (let layer = 0; layer < scenario.layers; layer++) {
      const to = layer * elements.length + index;
      const { re, im } = wanted.symbols[layer]!;
      const unit = 2 ** -24 * condition;
      const bias = method === "mmse" ? 1 + wanted.noise[layer]! : 1;
      const difference = Math.hypot(outputs.symbols[2 * to]! - re, outputs.symbols[2 * to + 1]! - im);
      symbolError = Math.max(symbolError, difference / (unit * size * bias));
      const relative = Math.abs(outputs.noise[to]! / wanted.noise[layer]! - 1);
      noiseError = Math.max(noiseError, relative / (unit * bias));
    }
  });
  return { symbolError, noiseError };
}

describe.each(testTargets)("on $name", (target) => {
  describe.each(methods)("equalization, %s", (method) => {
    it("is within 128 roundoffs times the condition of double precision for 1-4 layers and 1-8 antennas", () => {
      const random = createRandom(seed);
      const worst = { symbolError: 0, noiseError: 0 };
      for (let layers = 1; layers <= 4; layers++)
        for (let antennas = layers; antennas <= 8; antennas++) {
          const scenario = { ...single, layers, antennas, blocks: 8, numDmrsCdmGrpsNoData: 1 };
          const found = compare(target, method, scenario, randomInputs(scenario, random));
          worst.symbolError = Math.max(worst.symbolError, found.symbolError);
          worst.noiseError = Math.max(worst.noiseError, found.noiseError);
        }
      console.log(`${method} on ${target.name}: errors in units of 2^-24 times the condition`, worst);
      expect(worst.symbolError).toBeLessThan(128);
      expect(worst.noiseError).toBeLessThan(128);
    });

    it("takes data resource elements in the order of mapping, beside DM-RS too", () => {
      const scenarios = fc.record({
        layers: fc.integer({ min: 1, max: 2 }),
        antennas: fc.integer({ min: 2, max: 3 }),
        symbols: fc.integer({ min: 1, max: 6 }),
        blocks: fc.integer({ min: 1, max: 3 }),
        startSymbolIndex: fc.integer({ min: 0, max: 8 }),
        dmrsConfigType: fc.constantFrom(1 as const, 2 as const),
        dmrsSymbPos: fc.uniqueArray(fc.integer({ min: 0, max: 13 }), { minLength: 1, maxLength: 4 }),
        numDmrsCdmGrpsNoData: fc.integer({ min: 1, max: 3 }),
      });
      fc.assert(
        fc.property(scenarios, fc.integer({ min: 0, max: 1e6 }), (scenario, own) => {
          fc.pre(scenario.dmrsConfigType === 2 || scenario.numDmrsCdmGrpsNoData < 3);
          fc.pre(elementsOf(scenario).length > 0);
          const { symbolError, noiseError } = compare(
            target,
            method,
            scenario,
            randomInputs(scenario, createRandom(own)),
          );
          expect(symbolError).toBeLessThan(128);
          expect(noiseError).toBeLessThan(128);
        }),
        { numRuns: 60, seed },
      );
    });

    it("gives unbiased symbols whose errors have the variance that it says", () => {
      const scenario = { ...single, layers: 2, antennas: 4, blocks: 200, numDmrsCdmGrpsNoData: 1 };
      const random = createRandom(seed);
      const inputs = randomInputs(scenario, random);
      inputs.noise.set([0.1, 0.4, 0.2, 1]);
      const count = 12 * scenario.blocks;
      const sent = Float32Array.from(
        { length: 4 * count },
        () => Math.SQRT1_2 * Math.sign(random.gaussian()),
      );
      for (let antenna = 0; antenna < 4; antenna++)
        for (let k = 0; k < count; k++)
          for (const part of [0, 1]) {
            const at = 2 * (antenna * count + k);
            inputs.grid[at + part] = Math.sqrt(inputs.noise[antenna]! / 2) * random.gaussian();
            for (let layer = 0; layer < 2; layer++) {
              const h = 2 * ((layer * 4 + antenna) * count + k);
              const x = 2 * (layer * count + k);
              inputs.grid[at + part]! +=
                part === 0
                  ? inputs.channel[h]! * sent[x]! - inputs.channel[h + 1]! * sent[x + 1]!
                  : inputs.channel[h]! * sent[x + 1]! + inputs.channel[h + 1]! * sent[x]!;
            }
          }
      const { symbols, noise } = run(target, method, scenario, inputs);
      let [normalized, gain] = [0, 0];
      for (let k = 0; k < 2 * count; k++) {
        const re = symbols[2 * k]! - sent[2 * k]!;
        const im = symbols[2 * k + 1]! - sent[2 * k + 1]!;
        normalized += (re * re + im * im) / noise[k]! / (2 * count);
        gain += (symbols[2 * k]! * sent[2 * k]! + symbols[2 * k + 1]! * sent[2 * k + 1]!) / (2 * count);
      }
      expect(normalized).toBeGreaterThan(0.95);
      expect(normalized).toBeLessThan(1.05);
      expect(Math.abs(gain - 1)).toBeLessThan(0.03);
    });
  });
});

describe.each(testTargets)("on $name", (target) => {
  describe.each(allMethods)("equalization, %s", (method) => {
    it("never gives NaN or infinity, and erases what cannot be estimated", () => {
      const values = fc.constantFrom(0, 1, -1, 1e-30, 1e30, -3e38, NaN, Infinity, -Infinity);
      const sizes = fc.record({
        layers: fc.integer({ min: 1, max: 4 }),
        antennas: fc.integer({ min: 1, max: 5 }),
      });
      fc.assert(
        fc.property(sizes, fc.infiniteStream(values), (size, stream) => {
          const scenario = { ...single, ...size, numDmrsCdmGrpsNoData: 1 };
          const draw = (length: number) => Float32Array.from({ length }, () => stream.next().value);
          const { layers, antennas } = size;
          const inputs = {
            grid: draw(24 * antennas),
            channel: draw(24 * layers * antennas),
            noise: draw(antennas),
          };
          const { symbols, noise } = run(target, method, scenario, inputs);
          expect(symbols.every(Number.isFinite)).toBe(true);
          expect(noise.every((variance) => variance > 0 && variance <= Math.fround(ERASURE_NOISE))).toBe(
            true,
          );
          noise.forEach((variance, k) => {
            if (variance === Math.fround(ERASURE_NOISE))
              expect([symbols[2 * k], symbols[2 * k + 1]]).toEqual([0, 0]);
          });
        }),
        { numRuns: 300, seed },
      );
    });

    it("erases only what is spoilt: one resource element, or a layer without channel under MMSE", () => {
      const scenario = { ...single, layers: 2, antennas: 2, numDmrsCdmGrpsNoData: 1 };
      const inputs = randomInputs(scenario, createRandom(seed));
      inputs.grid[2 * 5] = NaN;
      // Resource element 7: layer 1 has no channel. Resource element 9: both layers have the same.
      const at = (layer: number, antenna: number, k: number) => 2 * ((layer * 2 + antenna) * 12 + k);
      for (const antenna of [0, 1])
        for (const part of [0, 1]) {
          inputs.channel[at(1, antenna, 7) + part] = 0;
          inputs.channel[at(1, antenna, 9) + part] = inputs.channel[at(0, antenna, 9) + part]!;
        }
      const { noise } = run(target, method, scenario, inputs);
      const erased = [...noise].flatMap((variance, k) =>
        variance === Math.fround(ERASURE_NOISE) ? [k] : [],
      );
      expect(erased).toEqual(method === "zero-forcing" ? [5, 7, 9, 17, 19, 21] : [5, 17, 19]);
    });

    it("leaves out an antenna of infinite noise and takes noise 0 for very little", () => {
      const scenario = { ...single, layers: 1, antennas: 2, numDmrsCdmGrpsNoData: 1 };
      const inputs = randomInputs(scenario, createRandom(seed));
      const one = { ...scenario, antennas: 1 };
      const alone = run(target, method, one, {
        grid: inputs.grid.slice(0, 24),
        channel: inputs.channel.slice(0, 24),
        noise: inputs.noise.slice(0, 1),
      });
      inputs.noise[1] = Infinity;
      expect(run(target, method, scenario, inputs)).toEqual(alone);
      inputs.noise.fill(0);
      const { noise } = run(target, method, scenario, inputs);
      expect(noise.every((variance) => variance > 0 && variance < 1e-9)).toBe(true);
    });
  });
});

describe("equalization", () => {
  const target = testTargets[0]!;
  it("refuses a number of data resource elements that is not the grid's", () => {
    const configuration = {
      target,
      dimensions: { antenna: 1, layer: 1, symbol: 2, subcarrier: 12, re: 24 },
      parameters: {
        signalType: { startSymbolIndex: 0, dmrsConfigType: 1, dmrsSymbPos: [1], numDmrsCdmGrpsNoData: 1 },
      },
      inputs: {},
    } as const;
    expect(() => runFunction(equalization, "mmse", configuration)).toThrow(/re is 24 and must be 18/);
  });
});
