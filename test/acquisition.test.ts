import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { runFunction } from "../src/functions/index.js";
import { addNoise, applyFrequencyOffset, createRandom } from "../src/radio/index.js";
import { extraction, extractionParameters } from "../src/transceiver/extraction/function.js";
import {
  type CarrierInput,
  GRANT_FIELDS,
  type PuschConfiguration,
  type PuschGrantInput,
  parseCarrier,
  parseGrant,
  puschConfiguration,
  slotSamples,
  writeGrantMessage,
} from "../src/transceiver/pusch/index.js";
import { acquireSlot } from "../src/transceiver/synchronization/acquisition.js";
import { synchronization, synchronizationParameters } from "../src/transceiver/synchronization/function.js";
import { OFFSET_FIELDS, offsetFieldIndex } from "../src/transceiver/synchronization/offsets.js";
import { dmrsInitialization, dmrsSequence } from "./independent/dmrs.js";
import { modulateSlot } from "./independent/ofdm.js";
import { dataFolder, hasData } from "./independent/reference-data.js";
import { testTargets } from "./targets.js";
import { transmittedGrid } from "./transmitted-grid.js";

function configure(carrierInput: CarrierInput, grant: Partial<PuschGrantInput>): PuschConfiguration {
  const carrier = parseCarrier(carrierInput);
  const common = { slot: 0, physCellId: 1, rnti: 17921, mcsIndex: 9, rbStart: 0, rbSize: 1 };
  return puschConfiguration(carrier, parseGrant({ ...common, ...grant }, carrier));
}

const simulated: Record<string, PuschConfiguration> = {
  "15 kHz, 4 PRBs, one DM-RS symbol": configure(
    { subcarrierSpacing: 15, carrierPrbs: 10, carrierFrequency: 1_842_567_891 },
    { slot: 4, rbStart: 5, rbSize: 4, dmrsSymbPos: [2] },
  ),
  "30 kHz, 384 points, one layer": configure(
    { subcarrierSpacing: 30, carrierPrbs: 25, sampleRate: 11_520_000, carrierFrequency: 3_427_500_000 },
    { slot: 7, rbStart: 3, rbSize: 12 },
  ),
  "30 kHz, two layers, DM-RS type 2 beside data": configure(
    { subcarrierSpacing: 30, carrierPrbs: 20, carrierFrequency: 3_427_500_000 },
    { slot: 12, rbStart: 0, rbSize: 20, nrOfLayers: 2, dmrsConfigType: 2, numDmrsCdmGrpsNoData: 1 },
  ),
  "60 kHz, the slot without the long prefix": configure(
    { subcarrierSpacing: 60, carrierPrbs: 18, carrierFrequency: 3_427_500_000 },
    { slot: 5, rbStart: 2, rbSize: 16 },
  ),
};

/** The slot's samples of every port, summed with phases into one antenna; mean power 1. */
function transmitted(configuration: PuschConfiguration): Float32Array {
  const { carrier, grant, allocation, antennaPorts } = configuration;
  const elements = allocation.slotSymbols * allocation.gridSubcarriers;
  const grid = transmittedGrid(configuration, new Uint8Array(20_000).fill(0x5a));
  const rows = Array.from({ length: allocation.slotSymbols }, (_, symbol) =>
    Array.from({ length: allocation.gridSubcarriers }, (_, k) => {
      let [re, im] = [0, 0];
      for (let port = 0; port < antennaPorts; port++) {
        const at = 2 * (port * elements + symbol * allocation.gridSubcarriers + k);
        const [a, b] = [grid[at]!, grid[at + 1]!];
        re += port % 2 ? -b : a;
        im += port % 2 ? a : b;
      }
      return { re, im };
    }),
  );
  const wave = modulateSlot(rows, { ...carrier, slot: grant.slot }).flatMap(({ re, im }) => [re, im]);
  const power = wave.reduce((sum, value) => sum + value * value, 0) / (wave.length / 2);
  return Float32Array.from(wave, (value) => value / Math.sqrt(power));
}

describe.each(testTargets)("on $name", (target) => {
  describe.each(Object.entries(simulated))("acquisition of %s", (_, configuration) => {
    const { carrier, grant } = configuration;
    const slot = slotSamples(carrier, grant.slot);
    const wave = transmitted(configuration);

    it("finds start and frequency at random offsets, 3 dB above the noise", () => {
      const random = createRandom(31);
      for (let trial = 0; trial < 5; trial++) {
        const total = slot + 3000 + random.integer(3000);
        const start = trial === 0 ? 0 : trial === 1 ? total - slot : random.integer(total - slot + 1);
        const offset = (random.next() - 0.5) * 0.98 * carrier.subcarrierSpacing * 1000;
        const samples = new Float32Array(2 * total);
        samples.set(wave, 2 * start);
        applyFrequencyOffset(samples, offset, carrier.sampleRate);
        addNoise(samples, 0.5, random);
        samples[2 * ((start + slot + 100) % total)] = Number.NaN;
        const found = acquireSlot(samples, configuration, target);
        expect(Math.abs(found!.start - start), `start ${start}, offset ${offset}`).toBeLessThanOrEqual(2);
        expect(Math.abs(found!.frequency - offset)).toBeLessThan(0.04 * carrier.subcarrierSpacing * 1000);
        expect(found!.falseAlarm).toBeLessThan(1e-4);
      }
    });

    it("uses all antennas", () => {
      const random = createRandom(32);
      const [antennas, total, start] = [4, slot + 2000, 1234];
      const samples = new Float32Array(2 * antennas * total);
      for (let antenna = 0; antenna < antennas; antenna++) samples.set(wave, 2 * (antenna * total + start));
      applyFrequencyOffset(samples, 1000, carrier.sampleRate, antennas);
      addNoise(samples, 1.5, random);
      const found = acquireSlot(samples, configuration, target, antennas);
      expect(Math.abs(found!.start - start)).toBeLessThanOrEqual(2);
    });

    it("finds nothing in noise, silence, numbers that are none, and another cell's slot", () => {
      const random = createRandom(33);
      const samples = new Float32Array(2 * (slot + 2000));
      expect(acquireSlot(samples, configuration, target)).toBeUndefined();
      expect(acquireSlot(samples.fill(Number.NaN), configuration, target)).toBeUndefined();
      samples.fill(0);
      addNoise(samples, 1, random);
      expect(acquireSlot(samples, configuration, target)).toBeUndefined();
      const other = puschConfiguration(carrier, { ...grant, dmrsScramblingId: grant.dmrsScramblingId + 100 });
      samples.set(wave, 2000);
      expect(acquireSlot(samples, other, target)).toBeUndefined();
    });

    it("refuses samples that are shorter than a slot", () => {
      expect(() => acquireSlot(new Float32Array(2 * slot - 2), configuration, target)).toThrow(
        /at least a slot/,
      );
      expect(() => acquireSlot(new Float32Array(0), configuration, target)).toThrow(/at least a slot/);
    });
  });
});

const captures = {
  pusch_3426: { slot: 7, rbStart: 3, rbSize: 24, mcsIndex: 9 },
  rach_msg3: { slot: 17, rbStart: 3, rbSize: 3, mcsIndex: 0 },
};

describe.each(testTargets)("on $name", (target) => {
  describe.skipIf(!hasData).each(Object.entries(captures))("the over-the-air capture %s", (file, given) => {
    const configuration = configure(
      { subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: 23_040_000, carrierFrequency: 3_427_500_000 },
      { ...given, dmrsSymbPos: [2, 7, 11], numDmrsCdmGrpsNoData: 2 },
    );
    const load = () => {
      const bytes = readFileSync(resolve(dataFolder, `ota/srsran-n78-20MHz_${file}.fc32`));
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    };

    it("is found where its slot starts, less the phone's timing error, within 200 Hz", () => {
      const found = acquireSlot(load(), configuration, target);
      expect(Math.abs(found!.start - 11052)).toBeLessThanOrEqual(13);
      expect(Math.abs(found!.frequency)).toBeLessThan(200);
      expect(found!.correlation).toBeGreaterThan(0.5);
    });

    it("shows its DM-RS after synchronization and extraction, alike in all symbols", () => {
      const { carrier, grant, allocation } = configuration;
      const guard = 32;
      const sample = slotSamples(carrier, grant.slot) + 2 * guard;
      const samples = load().slice(2 * (11052 - guard), 2 * (11052 - guard + sample));
      const { outputs: synchronized } = runFunction(synchronization, "cyclic-prefix", {
        dimensions: { antenna: 1, sample, offsetField: OFFSET_FIELDS },
        parameters: synchronizationParameters(configuration),
        inputs: { samples },
        target,
      });
      expect(Math.abs(synchronized.applied[offsetFieldIndex.frequency]!)).toBeLessThan(200);
      const message = new Int32Array(GRANT_FIELDS);
      writeGrantMessage(configuration, message);
      const { outputs } = runFunction(extraction, "fast-fourier", {
        dimensions: {
          antenna: 1,
          sample,
          symbol: 14,
          subcarrier: allocation.subcarriers,
          grantField: GRANT_FIELDS,
        },
        parameters: extractionParameters(configuration),
        inputs: { samples: synchronized.aligned, grant: message },
        target,
      });
      const estimates = grant.dmrsSymbPos.map((symbol) => {
        const initialization = dmrsInitialization(14, grant.slot, symbol, 1, 0);
        const sequence = dmrsSequence(initialization, 6 * (grant.rbStart + grant.rbSize)).slice(
          6 * grant.rbStart,
        );
        return sequence.map(({ re, im }, pilot) => {
          const at = 2 * (symbol * allocation.subcarriers + 2 * pilot);
          const [a, b] = [outputs.grid[at]!, outputs.grid[at + 1]!];
          return { re: a * re + b * im, im: b * re - a * im };
        });
      });
      // Neighbouring pilots of a symbol see nearly the same channel: their products add up, those of noise do not.
      const coherence = (pairs: [{ re: number; im: number }, { re: number; im: number }][]) => {
        let [re, im, energy] = [0, 0, 0];
        for (const [a, b] of pairs) {
          re += a.re * b.re + a.im * b.im;
          im += a.re * b.im - a.im * b.re;
          energy += (a.re ** 2 + a.im ** 2 + b.re ** 2 + b.im ** 2) / 2;
        }
        return { magnitude: Math.hypot(re, im) / energy, angle: Math.atan2(im, re) };
      };
      for (const row of estimates)
        expect(coherence(row.slice(1).map((value, k) => [row[k]!, value])).magnitude).toBeGreaterThan(0.9);
      // Without the phase of 5.4 undone, the symbols would turn against each other as at -2.5 kHz.
      for (const [first, second] of [
        [0, 1],
        [1, 2],
      ] as const) {
        const { magnitude, angle } = coherence(
          estimates[first]!.map((value, k) => [value, estimates[second]![k]!]),
        );
        expect(magnitude).toBeGreaterThan(0.9);
        expect(Math.abs(angle)).toBeLessThan(0.35);
      }
    });
  });
});
