import { describe, expect, it } from "vitest";
import type { Target } from "../src/compiler/index.js";
import { type PreparedFunction, prepareFunction } from "../src/functions/index.js";
import {
  addNoise,
  applyFrequencyOffset,
  applyTimingOffset,
  createRandom,
  type Random,
} from "../src/radio/index.js";
import { type CarrierInput, parseCarrier, slotSamples } from "../src/transceiver/pusch/index.js";
import { advance, synchronization } from "../src/transceiver/synchronization/function.js";
import { guardSamples, longestSlotSamples } from "../src/transceiver/synchronization/guard.js";
import { OFFSET_FIELDS, offsetFieldIndex } from "../src/transceiver/synchronization/offsets.js";
import type { Complex } from "./independent/complex.js";
import { modulateSlot, symbolsPerSlot } from "./independent/ofdm.js";
import { testTargets } from "./targets.js";

const GUARD = 24;

interface Cell {
  readonly carrier: CarrierInput;
  readonly slot: number;
  readonly antennas: number;
}

const cells: Record<string, Cell> = {
  "15 kHz": { carrier: { subcarrierSpacing: 15, carrierPrbs: 9 }, slot: 0, antennas: 1 },
  "30 kHz, two antennas": {
    carrier: { subcarrierSpacing: 30, carrierPrbs: 25, sampleRate: 11_520_000 },
    slot: 5,
    antennas: 2,
  },
  "60 kHz, long prefix": { carrier: { subcarrierSpacing: 60, carrierPrbs: 18 }, slot: 2, antennas: 1 },
  "60 kHz, no long prefix": { carrier: { subcarrierSpacing: 60, carrierPrbs: 18 }, slot: 1, antennas: 1 },
  "60 kHz, extended prefix": {
    carrier: { subcarrierSpacing: 60, cyclicPrefix: "extended", carrierPrbs: 18 },
    slot: 3,
    antennas: 1,
  },
};

/** Guards of noise about a slot of QPSK on every subcarrier, the same on all antennas; power about 1 a sample. */
function randomSlot({ carrier: given, slot, antennas }: Cell, random: Random) {
  const carrier = parseCarrier(given);
  const sign = () => (random.integer(2) ? Math.SQRT1_2 : -Math.SQRT1_2);
  const rows = Array.from({ length: symbolsPerSlot(carrier.cyclicPrefix) }, () =>
    Array.from({ length: 12 * carrier.carrierPrbs }, (): Complex => ({ re: sign(), im: sign() })),
  );
  const wave = modulateSlot(rows, { ...carrier, slot }).flatMap(({ re, im }) => [re, im]);
  const sample = longestSlotSamples(carrier) + 2 * GUARD;
  const samples = new Float32Array(2 * antennas * sample);
  const scale = 1 / Math.sqrt(12 * carrier.carrierPrbs);
  for (let antenna = 0; antenna < antennas; antenna++)
    samples.set(
      wave.map((value) => value * scale),
      2 * (antenna * sample + GUARD),
    );
  return { carrier, sample, samples, length: slotSamples(carrier, slot) };
}

type Synchronization = PreparedFunction<
  typeof synchronization.inputs,
  typeof synchronization.outputs,
  typeof synchronization.state
>;

function prepare(target: Target, given: Cell): Synchronization {
  const carrier = parseCarrier(given.carrier);
  return prepareFunction(synchronization, "cyclic-prefix", {
    dimensions: {
      antenna: given.antennas,
      sample: longestSlotSamples(carrier) + 2 * GUARD,
      offsetField: OFFSET_FIELDS,
    },
    parameters: { signalType: carrier },
    target,
  });
}

describe.each(testTargets)("on $name", (target) => {
  describe.each(Object.entries(cells))("synchronization at %s", (_, cell) => {
    const random = createRandom(20);
    const { carrier, sample, samples } = randomSlot(cell, random);
    const prepared = prepare(target, cell);
    const { timing, frequency, valid } = offsetFieldIndex;

    it("finds and removes timing and frequency from the cyclic prefixes where nothing is tracked", () => {
      // At 60 kHz with the normal prefix, the prefixes alone leave an ambiguity of 8 samples at this rate.
      const ambiguous = carrier.subcarrierSpacing === 60 && carrier.cyclicPrefix === "normal";
      const reach = ambiguous ? 3 : GUARD - 2;
      // Deviation of the phase of the sum of conj(x)·x' over all prefixes with noise of 3 %, in Hz.
      const prefix = carrier.cyclicPrefix === "normal" ? (9 / 128) * carrier.fftSize : carrier.fftSize / 4;
      const compared = prefix * symbolsPerSlot(carrier.cyclicPrefix) * cell.antennas;
      const deviation =
        (Math.sqrt((2 * 0.03 + 0.03 ** 2) / (2 * compared)) / (2 * Math.PI)) *
        carrier.subcarrierSpacing *
        1000;
      for (let trial = 0; trial < 12; trial++) {
        const delay = random.integer(2 * reach + 1) - reach;
        const offset = (random.next() - 0.5) * 0.96 * carrier.subcarrierSpacing * 1000;
        const received = samples.slice();
        applyTimingOffset(received, delay, cell.antennas);
        applyFrequencyOffset(
          received,
          offset,
          carrier.sampleRate,
          cell.antennas,
          -GUARD / carrier.sampleRate,
        );
        addNoise(received, 0.03, random);
        prepared.inputs.samples.view.set(received);
        prepared.inputs.tracking.view.fill(Number.NaN);
        prepared.inputs.tracking.view[valid] = trial & 1;
        prepared.process();
        const { applied, aligned } = prepared.outputs;
        expect(applied.view[valid]).toBe(1);
        expect(Math.abs(applied.view[frequency]! - offset)).toBeLessThan(5 * deviation);
        const found = Math.round(applied.view[timing]! * carrier.sampleRate);
        // A small delay may be left where it does not stand out.
        expect(Math.abs(found - delay)).toBeLessThanOrEqual(found === 0 ? 4 : 2);
        // What was applied is what the samples show: the phase is 0 at the slot's start.
        for (const n of [GUARD + 30, sample >> 1, sample - 2 * GUARD]) {
          const angle = (-2 * Math.PI * applied.view[frequency]! * (n - GUARD)) / carrier.sampleRate;
          const [re, im] = [received[2 * (n + found)]!, received[2 * (n + found) + 1]!];
          expect(aligned.view[2 * n]).toBeCloseTo(re * Math.cos(angle) - im * Math.sin(angle), 4);
          expect(aligned.view[2 * n + 1]).toBeCloseTo(re * Math.sin(angle) + im * Math.cos(angle), 4);
        }
      }
    });

    it("applies what is tracked, clamped to the guard, with zeros where nothing was received", () => {
      for (const shift of [-5, 0, 7, 1000, -1000]) {
        const received = Float32Array.from({ length: samples.length }, () => random.gaussian());
        prepared.inputs.samples.view.set(received);
        prepared.inputs.tracking.view.set([(shift + 0.3) / carrier.sampleRate, 250, 1, 0]);
        prepared.process();
        const moved = Math.max(-GUARD, Math.min(GUARD, shift));
        const { applied, aligned } = prepared.outputs;
        expect(applied.view[timing]).toBeCloseTo(moved / carrier.sampleRate, 10);
        expect(applied.view[frequency]).toBe(250);
        let worst = 0;
        for (let antenna = 0; antenna < cell.antennas; antenna++)
          for (let n = 0; n < sample; n++) {
            const inside = n + moved >= 0 && n + moved < sample;
            const from = 2 * (antenna * sample + n + moved);
            const [re, im] = inside ? [received[from]!, received[from + 1]!] : [0, 0];
            const angle = (-2 * Math.PI * 250 * (n - GUARD)) / carrier.sampleRate;
            const to = 2 * (antenna * sample + n);
            worst = Math.max(
              worst,
              Math.abs(aligned.view[to]! - (re * Math.cos(angle) - im * Math.sin(angle))),
              Math.abs(aligned.view[to + 1]! - (re * Math.sin(angle) + im * Math.cos(angle))),
            );
          }
        expect(worst).toBeLessThan(1e-5);
      }
    });

    it("leaves a slot of noise, of silence and of no numbers as it is", () => {
      let kept = 0;
      for (let trial = 0; trial < 20; trial++) {
        prepared.inputs.samples.view.fill(trial === 0 ? 0 : trial === 1 ? Number.NaN : 0);
        if (trial > 1) addNoise(prepared.inputs.samples.view, 1, random);
        prepared.inputs.tracking.view.fill(0);
        prepared.process();
        const [shift, offset] = prepared.outputs.applied.view;
        expect(Number.isFinite(shift) && Number.isFinite(offset)).toBe(true);
        if (shift === 0 && offset === 0) kept++;
      }
      expect(kept).toBe(20);
    });
  });
});

/** Sums of 60 tones up to 0.8 of half the sample rate; power about 1. */
function randomTones(ports: number, count: number, random: Random): Float32Array {
  const samples = new Float32Array(2 * ports * count);
  for (let port = 0; port < ports; port++)
    for (let tone = 0; tone < 60; tone++) {
      const [turns, start] = [0.8 * (random.next() - 0.5), random.next()];
      for (let n = 0; n < count; n++) {
        const angle = 2 * Math.PI * (turns * n + start);
        samples[2 * (port * count + n)]! += Math.cos(angle) / Math.sqrt(60);
        samples[2 * (port * count + n) + 1]! += Math.sin(angle) / Math.sqrt(60);
      }
    }
  return samples;
}

describe.each(testTargets)("advance on $name", (target) => {
  const cell = cells["30 kHz, two antennas"]!;
  const random = createRandom(21);
  const carrier = parseCarrier(cell.carrier);
  const length = slotSamples(carrier, cell.slot);
  const sample = length + 2 * GUARD;
  const samples = randomTones(2, sample, random);
  const prepared = prepareFunction(advance, "interpolation", {
    dimensions: { port: 2, sample, offsetField: OFFSET_FIELDS },
    parameters: { signalType: carrier },
    target,
  });
  const run = (timing: number, frequency: number, valid = 1): Float32Array => {
    prepared.inputs.samples.view.set(samples);
    prepared.inputs.offsets.view.set([timing, frequency, valid, 0]);
    prepared.process();
    return prepared.outputs.samples.view;
  };
  const distance = (a: Float32Array, b: Float32Array, margin: number): number => {
    let [error, power] = [0, 0];
    for (let port = 0; port < 2; port++)
      for (let n = GUARD + margin; n < GUARD + length - margin; n++)
        for (const at of [2 * (port * sample + n), 2 * (port * sample + n) + 1]) {
          error += (a[at]! - b[at]!) ** 2;
          power += b[at]! ** 2;
        }
    return Math.sqrt(error / power);
  };

  it("cancels the offsets that a channel adds", () => {
    for (const [delay, offset] of [
      [0, 0],
      [5, 0],
      [-3, 700],
      [2.37, -450],
      [-0.5, 12_000],
      [0.001, 1],
    ] as const) {
      const sent = run(delay / carrier.sampleRate, offset).slice();
      applyTimingOffset(sent, delay, 2);
      applyFrequencyOffset(sent, offset, carrier.sampleRate, 2, -GUARD / carrier.sampleRate);
      // Frequency came before time here: a delay turns the phase of an offset, by the same angle everywhere.
      const angle = (2 * Math.PI * offset * delay) / carrier.sampleRate;
      applyPhase(sent, -angle);
      expect(distance(sent, samples, 40), `${delay} samples, ${offset} Hz`).toBeLessThan(1e-3);
    }
  });

  it("passes samples through where nothing is to be done, exactly", () => {
    for (const [timing, frequency, valid] of [
      [0, 0, 1],
      [1e-6, 500, 0],
      [Number.NaN, Number.NaN, 1],
      [Infinity, Infinity, 1],
    ] as const)
      expect([...run(timing, frequency, valid)]).toEqual([...samples]);
  });

  it("sends nothing where the slot is moved out of it", () => {
    for (const timing of [1, -1]) expect(run(timing, 0).every((value) => value === 0)).toBe(true);
  });
});

function applyPhase(samples: Float32Array, angle: number): void {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let at = 0; at < samples.length; at += 2) {
    const [re, im] = [samples[at]!, samples[at + 1]!];
    samples[at] = re * cos - im * sin;
    samples[at + 1] = re * sin + im * cos;
  }
}

describe("guardSamples", () => {
  it("is half of what a slot leaves, and refuses what no slot fits in", () => {
    const carrier = parseCarrier({ subcarrierSpacing: 60, carrierPrbs: 11 });
    const slot = longestSlotSamples(carrier);
    // TS 38.211 5.3.1 at 15.36 Msample/s: 14 symbols of 256 + 18 samples and 16·κ·T_c, 8 samples, once.
    expect(slot).toBe(14 * 274 + 8);
    expect(guardSamples(carrier, slot + 10)).toBe(5);
    for (const samples of [slot - 2, slot + 1, 0])
      expect(() => guardSamples(carrier, samples)).toThrow(/must be 3844, a slot/);
  });
});
