import { describe, expect, it } from "vitest";
import { carrier, receiveImpaired } from "./impaired-cell.js";

const seed = 1;
const spacing = 1000 * carrier.subcarrierSpacing;
const guard_s = 0.25 / spacing;
const narrow = { rbStart: 20, rbSize: 1 };

/** Numbers of the slots that were not received. */
function lost(results: readonly { right: boolean }[]): number[] {
  return results.flatMap(({ right }, slot) => (right ? [] : [slot]));
}

describe(`a receiver that tracks (seed ${seed})`, () => {
  it("follows timing and frequency that drift for 100 slots", () => {
    const cfo_hz = (slot: number) => 300 + 20 * slot;
    const timing_s = (slot: number) => 20e-9 * slot;
    const grant = { mcsIndex: 22 };
    const results = receiveImpaired({ slots: 100, snr_db: 25, grant, cfo_hz, timing_s, seed });
    expect(lost(results)).toEqual([]);
    results.forEach((result, slot) => {
      expect(Math.abs(result.cfo_hz - cfo_hz(slot))).toBeLessThan(20);
      expect(Math.abs(result.timing_s - timing_s(slot))).toBeLessThan(3e-9);
    });
  });

  it.each([-0.45, -0.3, -0.1, 0.1, 0.3, 0.45])("acquires an offset of %f spacings", (share) => {
    const results = receiveImpaired({ slots: 3, snr_db: 15, cfo_hz: () => share * spacing, seed });
    expect(lost(results)).toEqual([]);
    for (const result of results) expect(Math.abs(result.cfo_hz - share * spacing)).toBeLessThan(20);
  });

  it.each([-0.5, -0.2, -0.05, 0.05, 0.2, 0.5])("acquires a slot late by %f guards", (share) => {
    const results = receiveImpaired({ slots: 3, snr_db: 15, timing_s: () => share * guard_s, seed });
    expect(lost(results)).toEqual([]);
    for (const result of results)
      expect(Math.abs(result.timing_s - share * guard_s) * carrier.sampleRate).toBeLessThan(0.1);
  });

  it.each([narrow, { rbSize: 6 }, { rbSize: 51 }])(
    "keeps what it tracks where nothing is sent: %o",
    (grant) => {
      const silent = (slot: number) => slot === 0 || slot % 4 === 2;
      const [offset, delay] = [400, 5e-7];
      const air = { cfo_hz: () => offset, timing_s: () => delay, silent };
      const results = receiveImpaired({ slots: 80, snr_db: 20, grant, ...air, seed });
      expect(lost(results)).toEqual(results.flatMap((_, slot) => (silent(slot) ? [slot] : [])));
      expect(results.filter(({ crc, right }) => crc && !right)).toEqual([]);
    },
  );

  it("finds a frequency again that jumped by more than DM-RS can tell", () => {
    const cfo_hz = (slot: number) => [100, 4000, -3000][Math.floor(slot / 5)]!;
    for (const grant of [narrow, { rbSize: 51 }])
      expect(lost(receiveImpaired({ slots: 15, snr_db: 15, grant, cfo_hz, seed }))).toEqual([]);
  });

  it("is not led astray by prefixes of noise: one PRB of 51 at -1 dB", () => {
    const grant = { ...narrow, mcsIndex: 0 };
    const results = receiveImpaired({ slots: 150, snr_db: -1, antennas: 4, grant, seed });
    expect(lost(results)).toEqual([]);
  });

  it("withstands phase noise of 30 Hz linewidth 9 dB above the threshold", () => {
    expect(lost(receiveImpaired({ slots: 60, snr_db: 15, linewidth_hz: 30, seed }))).toEqual([]);
  });
});

describe(`a receiver of any level (seed ${seed})`, () => {
  const air = { slots: 3, snr_db: 15, cfo_hz: () => 700, timing_s: () => 3e-7, seed };
  const reference = receiveImpaired(air);

  it.each([1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9])("gives the same at %f times the amplitude", (scale) => {
    const alter = (samples: Float32Array) => {
      for (let k = 0; k < samples.length; k++) samples[k]! *= scale;
    };
    receiveImpaired({ ...air, alter }).forEach((result, slot) => {
      const { payload, iterations, snr_db, cfo_hz, timing_s } = reference[slot]!;
      expect(result).toMatchObject({ right: true, payload, iterations });
      expect(result.snr_db).toBeCloseTo(snr_db, 2);
      expect(result.cfo_hz).toBeCloseTo(cfo_hz, 0);
      expect(result.timing_s).toBeCloseTo(timing_s, 11);
    });
  });

  const spoilt: [string, (samples: Float32Array) => void][] = [
    ["zeros", (samples) => samples.fill(0)],
    ["a tone at DC", (samples) => samples.set(samples.map((_, k) => (k & 1 ? 0 : 1)))],
    ["NaN", (samples) => samples.fill(Number.NaN)],
    ["NaN in all symbols with DM-RS", (samples) => samples.fill(Number.NaN, 4000)],
    ["infinity", (samples) => samples.fill(Infinity)],
    ["samples that overflow", (samples) => samples.set(samples.map((value) => 1e38 * value))],
  ];
  it.each(spoilt)("passes no CRC on %s, and goes on after it", (_, spoil) => {
    const alter = (samples: Float32Array, slot: number) => {
      if (slot === 0 || slot === 2) spoil(samples);
    };
    const results = receiveImpaired({ slots: 5, snr_db: 15, alter, seed });
    expect(results.map(({ crc }) => crc)).toEqual([false, true, false, true, true]);
    for (const { cfo_hz, timing_s } of results)
      expect([Number.isFinite(cfo_hz), Number.isFinite(timing_s)]).toEqual([true, true]);
  });

  it.each([Number.NaN, Infinity])("loses one symbol of data to one sample of %f, and no block", (value) => {
    const alter = (samples: Float32Array) => samples.fill(value, 9000, 9001);
    expect(lost(receiveImpaired({ slots: 3, snr_db: 15, alter, seed }))).toEqual([]);
  });

  it.each([0, 13, 27])("passes no CRC on noise, MCS %i", (mcsIndex) => {
    for (const rbSize of [1, 51]) {
      const grant = { rbSize, mcsIndex };
      const results = receiveImpaired({ slots: 60, snr_db: 0, silent: () => true, grant, seed });
      expect(results.filter(({ crc }) => crc)).toEqual([]);
    }
  });
});
