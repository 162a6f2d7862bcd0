/** DeepRx in the slot path, with an untrained network: what it computes is what ONNX Runtime computes outside of it. */
import { afterAll, describe, expect, it } from "vitest";
import { openTarget } from "../../../compiler/index.js";
import { readAttemptCounts } from "../../../functions/attempt.js";
import { createArena, createFlowInstance } from "../../../functions/index.js";
import { createRandom } from "../../../system/index.js";
import { harqProcessKey } from "../../coding/soft-buffers.js";
import { qualityFieldIndex } from "../../estimation/function.js";
import { grantFieldIndex, writeGrantMessage } from "../../pusch/grant-message.js";
import { type PuschConfiguration, parseCarrier, parseGrant, puschConfiguration } from "../../pusch/index.js";
import { uplinkFromGrid } from "../../uplink.js";
import { uplinkConfiguration, uplinkStateDimensions } from "../../uplink-configuration.js";
import { type ChannelDraws, createEvaluationLink } from "../evaluation-link.js";
import { detection } from "../function.js";
import { evaluationConfiguration, openDeeprxReceiver } from "./evaluation.js";
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

  it("gives the soft bits of the network outside of the slot path, on any width", async () => {
    for (const blocks of [1, 5]) {
      const configuration = evaluationConfiguration([3], blocks);
      const link = createEvaluationLink(configuration, 2, still);
      const outside = await openDeeprxReceiver(network, link, 1);
      const slot = link.next(createRandom(blocks));
      const grid = noisy(slot.clean, 5, 10);
      const { prepareDetection } = await import("../evaluation-link.js");
      const inside = Array.from(prepareDetection(link, { detection: "untrained" })(grid));
      let compared = 0;
      await outside.receive(slot, [grid], [0.1], (_, llrs) => {
        expect(inside.length).toBe(configuration.codewordBits);
        llrs.forEach((llr, bit) => {
          // Rounding halves may differ.
          expect(Math.abs(llr - inside[bit]!)).toBeLessThanOrEqual(1);
          compared++;
        });
      });
      expect(compared).toBe(configuration.codewordBits);
      expect(inside.filter((llr) => llr !== 0).length).toBeGreaterThan(compared / 2);
      await outside.release();
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
