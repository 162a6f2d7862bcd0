import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import {
  type CyclicPrefix,
  type SubcarrierSpacing,
  slotSamples,
  slotStart,
  slotsPerFrame,
  symbolPhases,
  symbolTimings,
  transformSize,
} from "./numerology.js";

const timing = (
  subcarrierSpacing: SubcarrierSpacing,
  sampleRate: number,
  cyclicPrefix: CyclicPrefix = "normal",
) => ({
  subcarrierSpacing,
  sampleRate,
  cyclicPrefix,
});

describe("transform size", () => {
  it("is the sample rate over the subcarrier spacing", () => {
    expect(transformSize(23.04e6, 30, 51)).toBe(768);
    expect(transformSize(122.88e6, 30, 273)).toBe(4096);
    expect(transformSize(30.72e6, 15, 106)).toBe(2048);
    expect(transformSize(30.72e6, 60, 24)).toBe(512);
    expect(transformSize(15 * 1500 * 1000, 15, 106)).toBe(1500);
  });

  it.each([
    [23.05e6, "multiple"],
    [Number.NaN, "multiple"],
    [Number.POSITIVE_INFINITY, "multiple"],
    [-23.04e6, "multiple"],
    [0, "multiple"],
    [30e3 * 700, "factors 2, 3 and 5"],
    [30e3 * 608, "need at least 18360000"],
  ])("refuses %d Hz at 30 kHz and 51 PRBs", (sampleRate, remedy) => {
    expect(() => transformSize(sampleRate, 30, 51)).toThrow(InputError);
    expect(() => transformSize(sampleRate, 30, 51)).toThrow(remedy);
  });
});

describe("symbol timing, TS 38.211 5.3.1", () => {
  it("has long prefixes at the start of each half subframe", () => {
    const symbols = symbolTimings(timing(30, 23.04e6));
    expect(symbols).toHaveLength(28);
    expect(symbols.map(({ prefix }) => prefix)).toEqual(
      Array.from({ length: 28 }, (_, symbol) => (symbol === 0 || symbol === 14 ? 66 : 54)),
    );
    expect(symbols[1]).toEqual({ start: 66 + 768, prefix: 54 });
  });

  it("is that of LTE at 15 kHz and 30.72 Msample/s", () => {
    const symbols = symbolTimings(timing(15, 30.72e6));
    expect(symbols.map(({ prefix }) => prefix)).toEqual([
      160,
      ...Array(6).fill(144),
      160,
      ...Array(6).fill(144),
    ]);
    expect(symbols[7]!.start).toBe(15360);
  });

  it("has extended prefixes of a quarter symbol at 60 kHz", () => {
    const symbols = symbolTimings(timing(60, 30.72e6, "extended"));
    expect(symbols).toHaveLength(48);
    expect(symbols.every(({ prefix, start }, symbol) => prefix === 128 && start === symbol * 640)).toBe(true);
  });

  it.each([
    [15, 7.68e6, "normal"],
    [15, 30.72e6, "normal"],
    [30, 11.52e6, "normal"],
    [30, 122.88e6, "normal"],
    [60, 61.44e6, "normal"],
    [60, 30.72e6, "extended"],
  ] as const)("fills the subframe at %d kHz and %d Hz", (spacing, rate, prefix) => {
    const symbols = symbolTimings(timing(spacing, rate, prefix));
    const last = symbols.at(-1)!;
    expect(last.start + last.prefix + rate / (1000 * spacing)).toBe(rate / 1000);
    const slots = Array.from({ length: spacing / 15 }, (_, slot) =>
      slotSamples(timing(spacing, rate, prefix), slot),
    );
    expect(slots.reduce((sum, samples) => sum + samples, 0)).toBe(rate / 1000);
  });

  it("gives slots of 60 kHz two lengths and counts slots of a frame modulo the subframe", () => {
    const carrier = timing(60, 30.72e6);
    expect([0, 1, 2, 3].map((slot) => slotSamples(carrier, slot))).toEqual([7688, 7672, 7688, 7672]);
    expect([0, 1, 2, 3].map((slot) => slotStart(carrier, slot + 8))).toEqual([0, 7688, 15360, 23048]);
    expect([15, 30, 60].map((spacing) => slotsPerFrame(spacing as SubcarrierSpacing))).toEqual([10, 20, 40]);
  });

  it("refuses a rate at which a prefix is no whole number of samples", () => {
    expect(() => symbolTimings(timing(30, 30e3 * 750))).toThrow(/sampleRate: 22500000.*whole number/);
  });
});

describe("phase of up-conversion, TS 38.211 5.4", () => {
  it.each([
    [30, "normal", 3_427_500_000],
    [15, "normal", 5_999_999_999],
    [60, "extended", 7_124_990_001],
  ] as const)("at %d kHz, %s prefix, %d Hz is that of exact arithmetic", (spacing, prefix, frequency) => {
    const slots = spacing / 15;
    const phases = symbolPhases(spacing, prefix, frequency);
    let start = 0n;
    const symbols = prefix === "normal" ? 14 : 12;
    expect(phases).toHaveLength(2 * slots * symbols);
    for (let symbol = 0; symbol < slots * symbols; symbol++) {
      // Lengths in units of T_c = 1 / (480000 · 4096) s.
      const long = prefix === "normal" && (symbol === 0 || symbol === 7 * slots);
      const cyclic = BigInt((prefix === "normal" ? 144 : 512) * 64) / BigInt(slots) + (long ? 16n * 64n : 0n);
      const rate = 480_000n * 4096n;
      const turns = Number((BigInt(frequency) * (start + cyclic)) % rate) / Number(rate);
      expect(phases[2 * symbol]).toBeCloseTo(Math.cos(2 * Math.PI * turns), 12);
      expect(phases[2 * symbol + 1]).toBeCloseTo(-Math.sin(2 * Math.PI * turns), 12);
      start += cyclic + (2048n * 64n) / BigInt(slots);
    }
  });

  it("is one without a carrier frequency", () => {
    const phases = symbolPhases(30, "normal", 0);
    expect(phases.every((value, index) => Math.abs(value) === (index % 2 === 0 ? 1 : 0))).toBe(true);
  });
});
