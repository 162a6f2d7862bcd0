import { describe, expect, it } from "vitest";
import { runFunction } from "../src/functions/index.js";
import { demapping, mapping } from "../src/transceiver/mapping/function.js";
import { LLR_SCALE } from "../src/transceiver/mapping/llr-scale.js";
import { MAX_LOG_FACTORS } from "../src/transceiver/mapping/max-log.js";
import { GRANT_FIELDS, grantFieldIndex } from "../src/transceiver/pusch/grant-message.js";
import type { ModulationOrder } from "../src/transceiver/pusch/mcs.js";
import type { Complex } from "./independent/complex.js";
import { constellation, demap } from "./independent/demapping.js";
import { goldSequence } from "./independent/gold.js";
import { codebook, identity, mapToLayers, precode } from "./independent/layers-precoding.js";
import { modulate } from "./independent/modulation.js";
import { type RandomGenerator, randomGenerator } from "./independent/random-generator.js";
import { testTargets } from "./targets.js";

const seed = 3821163;

function grantMessage(modulationOrder: number, scramblingInit: number, tpmi: number): Int32Array {
  const grant = new Int32Array(GRANT_FIELDS);
  grant[grantFieldIndex.valid] = 1;
  grant[grantFieldIndex.modulationOrder] = modulationOrder;
  grant[grantFieldIndex.scramblingInit] = scramblingInit;
  grant[grantFieldIndex.tpmi] = tpmi;
  return grant;
}

/** A codeword and its modulation symbols by layer, scrambled, from the clauses. */
function codeword(random: RandomGenerator, order: ModulationOrder, layers: number, re: number) {
  const bits = random.bits(re * layers * order);
  const scramblingInit = random.integer(0, 2 ** 31 - 1);
  const c = goldSequence(scramblingInit, bits.length);
  const scrambled = bits.map((bit, at) => bit ^ c[at]!);
  return { bits, c, scramblingInit, layered: mapToLayers(modulate(scrambled, order), layers) };
}

const interleaved = (rows: readonly (readonly Complex[])[]) =>
  Float32Array.from(rows.flatMap((row) => row.flatMap(({ re, im }) => [re, im])));

describe(`mapping against the independent transmitter, seed ${seed}`, () => {
  it("scrambles, modulates, maps to layers and precodes alike", () => {
    const random = randomGenerator(seed);
    for (const order of [1, 2, 4, 6, 8] as const)
      for (const ports of [1, 2, 4])
        for (let layers = 1; layers <= ports; layers++) {
          const tables = ports === 1 ? [] : codebook(layers, ports);
          const choices = [...tables.map((w, tpmi) => ({ w, tpmi }))];
          if (layers === ports) choices.push({ w: identity(layers), tpmi: -1 });
          const { w, tpmi } = random.choose(choices);
          const re = random.integer(1, 40);
          const { bits, scramblingInit, layered } = codeword(random, order, layers, re);
          const { outputs } = runFunction(mapping, "plain", {
            dimensions: { codewordBit: bits.length, port: ports, re, grantField: GRANT_FIELDS },
            inputs: { bits: Uint8Array.from(bits), grant: grantMessage(order, scramblingInit, tpmi) },
          });
          const elements = Array.from({ length: re }, (_, at) =>
            precode(
              w,
              layered.map((row) => row[at]!),
            ),
          );
          const wanted = interleaved(
            Array.from({ length: ports }, (_, port) => elements.map((element) => element[port]!)),
          );
          outputs.symbols.forEach((value, at) => {
            expect(Math.abs(value - wanted[at]!)).toBeLessThan(1e-6);
          });
        }
  });
});

describe.each(testTargets)(`demapping on $name against all points, seed ${seed}`, (target) => {
  const methods = ["max-log", "log-map"] as const;

  it.each(methods)("%s gives the nearest soft bit for noisy symbols", (method) => {
    const random = randomGenerator(seed);
    for (const order of [1, 2, 4, 6, 8] as const)
      for (const layers of [1, 2, 3, 4]) {
        const re = random.integer(1, 37);
        const { bits, c, scramblingInit, layered } = codeword(random, order, layers, re);
        const variances = Float32Array.from(
          { length: layers * re },
          () => 10 ** (1 - 3.5 * random.uniform()),
        );
        const symbols = interleaved(layered).map(
          (value, at) => value + random.normal() * Math.sqrt(variances[at >> 1]! / 2),
        );
        const { outputs } = runFunction(demapping, method, {
          dimensions: { layer: layers, re, codewordBit: bits.length, grantField: GRANT_FIELDS },
          target,
          inputs: { symbols, noise: variances, grant: grantMessage(order, scramblingInit, -1) },
        });
        for (let at = 0; at < bits.length; at++) {
          const symbol = Math.floor(at / order);
          const element = (symbol % layers) * re + Math.floor(symbol / layers);
          const y = { re: symbols[2 * element]!, im: symbols[2 * element + 1]! };
          const exact = method === "log-map" ? "exact" : "max-log";
          const llr = demap(y, variances[element]!, order, exact, symbol)[at % order]! * LLR_SCALE;
          const wanted = Math.max(-127, Math.min(127, c[at] === 1 ? -llr : llr));
          expect(Math.abs(outputs.llrs[at]! - wanted)).toBeLessThan(0.51);
        }
      }
  });
});

describe("scaled max-log", () => {
  it.each([
    [4, 6],
    [6, 12],
    [8, 18],
  ] as const)("has the mean of the exact ratio for order %i at %i dB", (order, snr_db) => {
    const noise = 10 ** (-snr_db / 10);
    const deviation = Math.sqrt(noise / 2);
    // One axis, the other one at a point: both are alike and independent.
    const points = constellation(order).filter(({ bits }) =>
      bits.every((bit, at) => at % 2 === 0 || bit === 0),
    );
    const sums = MAX_LOG_FACTORS[order].map(() => ({ exact: 0, maxLog: 0 }));
    for (const { bits, point } of points)
      for (let step = -100; step <= 100; step++) {
        const normal = step / 20;
        const weight = Math.exp((-normal * normal) / 2);
        const y = { re: point.re + normal * deviation, im: point.im };
        const exact = demap(y, noise, order, "exact");
        const maxLog = demap(y, noise, order, "max-log");
        sums.forEach((sum, bit) => {
          const sign = weight * (1 - 2 * bits[2 * bit]!);
          sum.exact += sign * exact[2 * bit]!;
          sum.maxLog += sign * maxLog[2 * bit]!;
        });
      }
    sums.forEach(({ exact, maxLog }, bit) => {
      expect(Math.abs(exact / maxLog - MAX_LOG_FACTORS[order][bit]!)).toBeLessThan(0.002);
    });
  });
});
