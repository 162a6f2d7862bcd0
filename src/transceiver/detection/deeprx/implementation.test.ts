/** DeepRx in the slot path, with an untrained network: what it computes is what the interpreter computes. */
import { afterAll, describe, expect, it } from "vitest";
import { openTarget } from "../../../compiler/index.js";
import { readAttemptCounts } from "../../../functions/attempt.js";
import { createArena, createFlowInstance } from "../../../functions/index.js";
import { interpret } from "../../../neural/interpreter/interpret.js";
import { numeric } from "../../../neural/operators/numeric.js";
import type { NumericTensor } from "../../../neural/operators/operator.js";
import { createRandom } from "../../../system/index.js";
import { harqProcessKey } from "../../coding/soft-buffers.js";
import { qualityFieldIndex } from "../../estimation/function.js";
import { prepareScramble } from "../../mapping/scramble.js";
import { grantFieldIndex, writeGrantMessage } from "../../pusch/grant-message.js";
import { type PuschConfiguration, parseCarrier, parseGrant, puschConfiguration } from "../../pusch/index.js";
import { uplinkFromGrid } from "../../uplink.js";
import { uplinkConfiguration, uplinkStateDimensions } from "../../uplink-configuration.js";
import { type ChannelDraws, createEvaluationLink, prepareDetection } from "../evaluation-link.js";
import { detection } from "../function.js";
import { evaluationConfiguration } from "./evaluation.js";
import { deeprxNetwork } from "./network.js";

const network = deeprxNetwork(createRandom(3), { channels: 8, filterTaps: [5, 5], iterations: 2 });
detection.implement("untrained", { kind: "neural", model: network });

const still: ChannelDraws = {
  profiles: ["TDL-A"],
  delaySpread_s: [30e-9, 30e-9],
  maximumDoppler_hz: [10, 10],
  timing_s: 20e-9,
  frequency_hz: 5,
};

const releases: (() => void)[] = [];
afterAll(() => {
  for (const release of releases) release();
});

/** The uplink from a grid, whose detection is done so. */
function receiverOf(configuration: PuschConfiguration, implementation: string, receiveAntennas = 2) {
  const instance = createFlowInstance(uplinkFromGrid, {
    arena: createArena({ bytes: 256 * 2 ** 20 }),
    target: openTarget(),
    implementations: {
      detection: implementation,
      ...(implementation === "blocks" ? { estimation: "ls" } : {}),
    },
    stateDimensions: uplinkStateDimensions(configuration.carrier, receiveAntennas),
  });
  releases.push(() => instance.close());
  instance.choose(harqProcessKey, 0);
  const variant = instance.prepare(uplinkConfiguration(configuration, { receiveAntennas, guard: 0 }, false));
  const receive = (grid: Float32Array, valid = true) => {
    variant.inputs.grid.view.set(grid);
    writeGrantMessage(configuration, variant.inputs.grant.view);
    if (!valid) variant.inputs.grant.view[grantFieldIndex.valid] = 0;
    variant.process();
    return variant.outputs;
  };
  const counts = () => readAttemptCounts(instance.attemptTensors.counts, instance.attempts)[0];
  return { receive, counts };
}

/** The network's inputs, from their definition, for one DM-RS symbol of configuration type 1 without data beside it. */
function expectedInputs(
  grid: Float32Array,
  references: Float32Array,
  subcarriers: number,
  dmrsSymbol: number,
): Record<string, NumericTensor> {
  const size = 14 * subcarriers;
  const planes = numeric("float32", [1, 4, 14, subcarriers]);
  const elements = numeric("float32", [1, 3, 14, subcarriers]);
  let energy = 0;
  for (let antenna = 0; antenna < 2; antenna++)
    for (let at = 0; at < size; at++) {
      let [re, im] = [grid[2 * (antenna * size + at)]!, grid[2 * (antenna * size + at) + 1]!];
      const [symbol, subcarrier] = [Math.floor(at / subcarriers), at % subcarriers];
      if (symbol === dmrsSymbol && subcarrier % 2 === 0) {
        const [x, y] = [references[2 * subcarrier]!, references[2 * subcarrier + 1]!];
        [re, im] = [(re * x + im * y) / (x * x + y * y), (im * x - re * y) / (x * x + y * y)];
        energy += re * re + im * im;
        elements.data[at] = 1;
      }
      if (symbol !== dmrsSymbol) elements.data[size + at] = elements.data[2 * size + at] = 1;
      planes.data[antenna * size + at] = re;
      planes.data[(2 + antenna) * size + at] = im;
    }
  const scale = 1 / Math.sqrt(energy / subcarriers);
  planes.data.forEach((value, at) => {
    planes.data[at] = scale * value;
  });
  return { grid: planes, elements };
}

function noisy(clean: Float32Array, seed: number, snr_db: number): Float32Array {
  const random = createRandom(seed);
  const deviation = Math.sqrt(0.5 * 10 ** (-snr_db / 10));
  return clean.map((value) => value + deviation * random.gaussian());
}

describe("detection by DeepRx", () => {
  it("decodes, counts no fallback, and tracks and measures as estimation does", () => {
    const configuration = evaluationConfiguration([2, 11], 6);
    const link = createEvaluationLink(configuration, 2, still);
    const [learned, blocks] = [receiverOf(configuration, "untrained"), receiverOf(configuration, "blocks")];
    const random = createRandom(8);
    for (let slot = 0; slot < 4; slot++) {
      const { clean, payload } = link.next(random);
      const grid = noisy(clean, slot, 25);
      const expected = blocks.receive(grid);
      const outputs = learned.receive(grid);
      expect(outputs.crc.view[0]).toBe(1);
      expect(Array.from(outputs.block.view)).toEqual(Array.from(payload));
      expect(Array.from(outputs.tracking.view)).toEqual(Array.from(expected.tracking.view));
      expect(Array.from(outputs.quality.view)).toEqual(Array.from(expected.quality.view));
      expect(10 * Math.log10(outputs.quality.view[qualityFieldIndex.snr]!)).toBeGreaterThan(15);
    }
    expect(learned.counts()).toMatchObject({ calls: 4, fallenBack: 0 });
  });

  it("gives the soft bits of the network in double precision, on any width", () => {
    for (const blocks of [1, 3]) {
      const configuration = evaluationConfiguration([3], blocks);
      const link = createEvaluationLink(configuration, 2, still);
      const { clean, references } = link.next(createRandom(blocks));
      const grid = noisy(clean, 5, 10);
      const subcarriers = 12 * blocks;
      const inputs = expectedInputs(grid, references, subcarriers, 3);
      const soft = interpret(network, inputs).llrs!.data;
      const sequence = new Uint8Array(configuration.codewordBits);
      prepareScramble(sequence.length)(configuration.scramblingInit, sequence);
      const expected: number[] = [];
      for (let symbol = 0; symbol < 14; symbol++)
        for (let subcarrier = 0; subcarrier < (symbol === 3 ? 0 : subcarriers); subcarrier++)
          for (let bit = 0; bit < 4; bit++) {
            const ratio = soft[(bit * 14 + symbol) * subcarriers + subcarrier]!;
            const sign = sequence[expected.length] === 1 ? -1 : 1;
            expected.push(sign * Math.max(-127, Math.min(127, 4 * ratio)));
          }
      const llrs = prepareDetection(link, { detection: "untrained" })(grid);
      expect(llrs.length).toBe(expected.length);
      expected.forEach((value, bit) => {
        expect(Math.abs(llrs[bit]! - value)).toBeLessThan(0.6);
      });
      expect(expected.some((value) => Math.abs(value) > 10)).toBe(true);
    }
  });

  it("leaves configurations that it was not made for to the blocks", () => {
    const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 6 });
    const base = {
      slot: 0,
      physCellId: 1,
      rnti: 1,
      rbStart: 0,
      rbSize: 6,
      mcsIndex: 10,
      dmrsSymbPos: [2, 11],
    };
    for (const [other, antennas] of [
      [{ mcsIndex: 20 }, 2],
      [{ nrOfLayers: 2 }, 2],
      [{ nrOfSymbols: 13 }, 2],
      [{ dmrsConfigType: 2 }, 2],
      [{}, 1],
      [{}, 4],
    ] as const) {
      const configuration = puschConfiguration(carrier, parseGrant({ ...base, ...other }, carrier));
      const { receive, counts } = receiverOf(configuration, "untrained", antennas);
      const { subcarriers } = configuration.allocation;
      receive(new Float32Array(2 * antennas * configuration.grant.nrOfSymbols * subcarriers).fill(0.1));
      expect(counts()).toMatchObject({ unavailable: 1, fallenBack: 1 });
    }
  });

  it("is silent without a grant, and for grids without a number or a signal", () => {
    const configuration = evaluationConfiguration([2], 2);
    const size = 2 * 2 * 14 * configuration.allocation.subcarriers;
    const { receive, counts } = receiverOf(configuration, "untrained");
    for (const [grid, valid] of [
      [new Float32Array(size), true],
      [new Float32Array(size).fill(Number.NaN), true],
      [new Float32Array(size).fill(Number.POSITIVE_INFINITY), true],
      [new Float32Array(size).fill(3e38), true],
      [new Float32Array(size).fill(0.5), false],
    ] as const) {
      const { crc, tracking, quality } = receive(grid, valid);
      expect(crc.view[0]).toBe(0);
      expect(tracking.view.every(Number.isFinite)).toBe(true);
      expect(quality.view.every(Number.isFinite)).toBe(true);
    }
    expect(counts()!.notFinite).toBe(0);
  });
});
