import { describe, expect, it } from "vitest";
import { sourceOfBytes } from "../radio/byte-source.js";
import { recordingOf } from "../radio/recording.js";
import { parseCarrier, parseGrant } from "../transceiver/pusch/index.js";
import { readSlot, slotPositions } from "./slot-source.js";

const shape = { physCellId: 1, rnti: 1, rbStart: 0, rbSize: 4, mcsIndex: 0 };

describe("slotPositions", () => {
  it("counts samples of TS 38.211 5.3.1 between slots, and goes on into the next frame", () => {
    const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 24 });
    const grants = [7, 7, 9, 3].map((slot) => parseGrant({ ...shape, slot }, carrier));
    const slot = carrier.sampleRate / 2000;
    expect(slotPositions(carrier, grants, 100)).toEqual([100, 100, 100 + 2 * slot, 100 + 16 * slot]);
  });

  it("knows that slots at 60 kHz differ in length", () => {
    const carrier = parseCarrier({ subcarrierSpacing: 60, carrierPrbs: 11, sampleRate: 30.72e6 });
    const grants = [0, 1, 2, 3, 4].map((slot) => parseGrant({ ...shape, slot }, carrier));
    // Symbols of 512 + 36 samples, the first and the 28th of the subframe with a prefix 16 samples longer.
    expect(slotPositions(carrier, grants, 0)).toEqual([0, 7688, 15360, 23048, 30720]);
  });
});

describe("readSlot", () => {
  const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 11 });
  const slot = carrier.sampleRate / 2000;
  const count = slot + 20;
  const values = Float32Array.from({ length: 2 * 2 * count }, (_, i) => i + 1);
  const recording = recordingOf(sourceOfBytes(new Uint8Array(values.buffer), "memory"), {
    format: "cf32_le",
    sampleRate: carrier.sampleRate,
    carrierFrequency: 0,
    channels: 2,
    describedSamples: 0,
  });

  it("puts the slot behind its guard, channel by channel, zeros outside the recording", () => {
    const guard = 30;
    const length = slot + 2 * guard;
    const samples = readSlot(recording, carrier, 0, 10, guard, length);
    expect(samples).toHaveLength(2 * 2 * length);
    for (const channel of [0, 1]) {
      for (let i = 0; i < length; i++) {
        const sample = i - guard + 10;
        const inside = sample >= 0 && sample < count;
        const at = 2 * (channel * length + i);
        expect(samples[at]).toBe(inside ? 4 * sample + 2 * channel + 1 : 0);
        expect(samples[at + 1]).toBe(inside ? 4 * sample + 2 * channel + 2 : 0);
      }
    }
  });

  it("refuses a slot that is not all there", () => {
    for (const start of [-1, 21]) {
      expect(() => readSlot(recording, carrier, 0, start, 0, slot)).toThrow(/^slot 0: .*the recording has/);
    }
  });
});
