import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom } from "../system/index.js";
import { type DelayProfileName, delayProfiles } from "./delay-profiles.js";
import { type ChannelOptions, createChannel } from "./tapped-delay-line.js";

type Partly = Partial<Omit<ChannelOptions, "random">>;

function channel(seed: number, options: Partly = {}) {
  return createChannel({
    profile: "TDLA30",
    maximumDoppler_hz: 0,
    sampleRate: 23.04e6,
    transmitAntennas: 1,
    receiveAntennas: 1,
    ...options,
    random: createRandom(seed),
  });
}

/** Bessel function of order 0 by its integral. */
function besselJ0(x: number): number {
  const steps = 2000;
  let sum = 0;
  for (let i = 0; i < steps; i++) sum += Math.cos(x * Math.sin((Math.PI * (i + 0.5)) / steps));
  return sum / steps;
}

function tone(frequency: number, rate: number, count: number): Float32Array {
  return Float32Array.from({ length: 2 * count }, (_, i) => {
    const angle = (2 * Math.PI * frequency * (i >> 1)) / rate;
    return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
  });
}

const impulse = (count: number) => Float32Array.from({ length: 2 * count }, (_, i) => (i === 0 ? 1 : 0));

/** Tones have the response of the moment as their gain: y(t) = H(t, f)·x(t). Returns the error's root mean square. */
function toneError(options: Partly, frequency: number, count: number, startTime: number): number {
  const { sampleRate = 23.04e6, transmitAntennas = 1, receiveAntennas = 1 } = options;
  const subject = channel(1, options);
  const x = tone(frequency, sampleRate, count);
  const samples = new Float32Array(2 * count * transmitAntennas);
  for (let antenna = 0; antenna < transmitAntennas; antenna++) {
    // Antennas differ, so that a mix-up shows.
    samples.set(
      x.map((value) => value * (antenna + 1)),
      2 * antenna * count,
    );
  }
  const out = new Float32Array(2 * count * receiveAntennas).fill(Number.NaN);
  subject.apply(samples, startTime, out);
  let [error, total] = [0, 0];
  for (let n = subject.memory; n < count - subject.lead; n += 37) {
    const response = subject.frequencyResponse(startTime + n / sampleRate, [frequency]);
    for (let receive = 0; receive < receiveAntennas; receive++) {
      let [re, im] = [0, 0];
      for (let transmit = 0; transmit < transmitAntennas; transmit++) {
        const at = 2 * (receive * transmitAntennas + transmit);
        const [hRe, hIm] = [response[at]! * (transmit + 1), response[at + 1]! * (transmit + 1)];
        re += hRe * x[2 * n]! - hIm * x[2 * n + 1]!;
        im += hRe * x[2 * n + 1]! + hIm * x[2 * n]!;
      }
      error += (out[2 * (receive * count + n)]! - re) ** 2 + (out[2 * (receive * count + n) + 1]! - im) ** 2;
      total += re * re + im * im;
    }
  }
  return Math.sqrt(error / total);
}

describe("tapped delay line", () => {
  it("delays by fractions of a sample: tones in band get the exact response within -65 dB", () => {
    for (const [profile, delaySpread_s] of [
      ["TDL-A", 30e-9],
      ["TDL-B", 100e-9],
      ["TDL-C", 300e-9],
      ["TDL-D", 30e-9],
      ["TDL-E", 1e-6],
      ["TDLA30"],
      ["TDLB100"],
      ["TDLC300"],
    ] as const) {
      for (const frequency of [0, 5e6, -9.5e6]) {
        const error = toneError({ profile, delaySpread_s }, frequency, 4000, 0);
        expect(20 * Math.log10(error)).toBeLessThan(-65);
      }
    }
  });

  it("follows the fading within the symbol: tones get the response of the moment within -60 dB", () => {
    for (const options of [
      { maximumDoppler_hz: 400 },
      { maximumDoppler_hz: 5 },
      { maximumDoppler_hz: 3000, profile: "TDL-D", delaySpread_s: 100e-9 },
      { maximumDoppler_hz: 300, sampleRate: 1.92e6, profile: "TDLC300" },
      { maximumDoppler_hz: 100, transmitAntennas: 2, receiveAntennas: 4, profile: "TDLB100" },
      { maximumDoppler_hz: 1000, sampleRate: 122.88e6, profile: "TDLC300" },
    ] as const) {
      const error = toneError(
        options,
        (options as Partly).sampleRate === 1.92e6 ? 0.7e6 : -8e6,
        12_000,
        1234.5,
      );
      expect(20 * Math.log10(error)).toBeLessThan(-60);
    }
  });

  it("has the power delay profile of the standard: TS 38.104, whose delays are multiples of 5 ns", () => {
    const [runs, antennas] = [3008, 16];
    for (const profile of ["TDLA30", "TDLB100", "TDLC300"] as const) {
      const count = 530;
      const power = new Float64Array(count);
      for (let run = 0; run < runs / antennas; run++) {
        const out = new Float32Array(2 * count * antennas);
        channel(run, { profile, sampleRate: 200e6, receiveAntennas: antennas }).apply(impulse(count), 0, out);
        for (let i = 0; i < count * antennas; i++) {
          power[i % count]! += (out[2 * i]! ** 2 + out[2 * i + 1]! ** 2) / runs;
        }
      }
      const expected = new Float64Array(count);
      for (const [delay, db] of delayProfiles[profile].taps) expected[delay / 5] = 10 ** (db / 10);
      const total = expected.reduce((sum, p) => sum + p, 0);
      for (let n = 0; n < count; n++) {
        // The power of a Rayleigh tap is exponential: its deviation is its mean.
        const tolerance = (4.5 * expected[n]!) / total / Math.sqrt(runs) + 1e-9;
        expect(Math.abs(power[n]! - expected[n]! / total)).toBeLessThan(tolerance);
      }
    }
  });

  it("has the frequency correlation that follows from the profile: TR 38.901", () => {
    const spacings = [0, 0.5e6, 1e6, 3e6, 10e6];
    for (const profile of ["TDL-A", "TDL-B", "TDL-C", "TDL-D", "TDL-E"] as const) {
      const re = new Float64Array(spacings.length);
      const im = new Float64Array(spacings.length);
      const runs = 100;
      for (let run = 0; run < runs; run++) {
        const subject = channel(run, {
          profile,
          delaySpread_s: 100e-9,
          transmitAntennas: 8,
          receiveAntennas: 8,
        });
        const response = subject.frequencyResponse(0, spacings);
        for (let link = 0; link < 64; link++) {
          const at = 2 * link * spacings.length;
          const [x, y] = [response[at]!, response[at + 1]!];
          for (let k = 0; k < spacings.length; k++) {
            const [u, v] = [response[at + 2 * k]!, response[at + 2 * k + 1]!];
            re[k]! += (u * x + v * y) / (64 * runs);
            im[k]! += (v * x - u * y) / (64 * runs);
          }
        }
      }
      const { taps } = delayProfiles[profile];
      const powers = taps.map(([, db]) => 10 ** (db / 10));
      const total = powers.reduce((sum, power) => sum + power, 0);
      for (let k = 0; k < spacings.length; k++) {
        const turn = taps.map(([delay]) => -2 * Math.PI * spacings[k]! * delay * 100e-9);
        const expectedRe = powers.reduce((sum, p, i) => sum + (p / total) * Math.cos(turn[i]!), 0);
        const expectedIm = powers.reduce((sum, p, i) => sum + (p / total) * Math.sin(turn[i]!), 0);
        expect(Math.abs(re[k]! - expectedRe)).toBeLessThan(4.5 / Math.sqrt(64 * runs));
        expect(Math.abs(im[k]! - expectedIm)).toBeLessThan(4.5 / Math.sqrt(64 * runs));
      }
    }
  });
});

describe("Doppler", () => {
  /** Mean of g(t)·conj(g(0)) over links and seeds, flat in frequency. */
  function autocorrelation(profile: DelayProfileName, doppler: number, lags: number[], runs: number) {
    const re = new Float64Array(lags.length);
    const im = new Float64Array(lags.length);
    for (let run = 0; run < runs; run++) {
      const subject = channel(run, {
        profile,
        delaySpread_s: 0,
        maximumDoppler_hz: doppler,
        transmitAntennas: 8,
        receiveAntennas: 8,
      });
      const now = subject.frequencyResponse(10, [0]);
      for (let k = 0; k < lags.length; k++) {
        const later = subject.frequencyResponse(10 + lags[k]!, [0]);
        for (let link = 0; link < 64; link++) {
          const [x, y, u, v] = [now[2 * link]!, now[2 * link + 1]!, later[2 * link]!, later[2 * link + 1]!];
          re[k]! += (u * x + v * y) / (64 * runs);
          im[k]! += (v * x - u * y) / (64 * runs);
        }
      }
    }
    return { re, im };
  }

  it("has the autocorrelation J0(2π·f·τ) of Clarke's spectrum", () => {
    const doppler = 100;
    const lags = [0, 0.001, 0.002, 0.0038, 0.005, 0.0061, 0.01, 0.02];
    const runs = 60;
    const { re, im } = autocorrelation("TDL-C", doppler, lags, runs);
    for (let k = 0; k < lags.length; k++) {
      const tolerance = 4.5 / Math.sqrt(64 * runs);
      expect(Math.abs(re[k]! - besselJ0(2 * Math.PI * doppler * lags[k]!))).toBeLessThan(tolerance);
      expect(Math.abs(im[k]!)).toBeLessThan(tolerance);
    }
  });

  it("has it in time as well, through the filter, and nothing beyond the maximum shift", () => {
    const [doppler, rate, count] = [50, 16_000, 160_000];
    const subject = channel(3, {
      profile: "TDL-A",
      delaySpread_s: 0,
      maximumDoppler_hz: doppler,
      sampleRate: rate,
      receiveAntennas: 4,
    });
    const ones = Float32Array.from({ length: 2 * count }, (_, i) => 1 - (i % 2));
    const out = new Float32Array(8 * count);
    subject.apply(ones, 0, out);
    for (const lag of [0, 40, 122, 200]) {
      let [re, im, n] = [0, 0, 0];
      for (let antenna = 0; antenna < 4; antenna++) {
        for (let i = 100; i + lag < count - 100; i++, n++) {
          const a = 2 * (antenna * count + i);
          const b = a + 2 * lag;
          re += out[a]! * out[b]! + out[a + 1]! * out[b + 1]!;
          im += out[a]! * out[b + 1]! - out[a + 1]! * out[b]!;
        }
      }
      // 10 s at 50 Hz on 4 antennas hold some 2,000 independent fades.
      expect(Math.abs(re / n - besselJ0((2 * Math.PI * doppler * lag) / rate))).toBeLessThan(
        4 / Math.sqrt(2000),
      );
      expect(Math.abs(im / n)).toBeLessThan(4 / Math.sqrt(2000));
    }
    // A Hann window's spectrum: beyond the maximum shift and its main lobe there is next to nothing.
    const spectrum = (frequency: number) => {
      let [re, im, power] = [0, 0, 0];
      const span = 32_000;
      for (let i = 0; i < span; i++) {
        const window = Math.sin((Math.PI * i) / span) ** 2;
        const angle = (2 * Math.PI * frequency * i) / rate;
        const [x, y] = [out[2 * (i + 1000)]! * window, out[2 * (i + 1000) + 1]! * window];
        re += x * Math.cos(angle) + y * Math.sin(angle);
        im += y * Math.cos(angle) - x * Math.sin(angle);
        power += x * x + y * y;
      }
      return 10 * Math.log10((re * re + im * im) / (power * span));
    };
    let inside = Number.NEGATIVE_INFINITY;
    for (let frequency = -49; frequency <= 49; frequency += 0.5)
      inside = Math.max(inside, spectrum(frequency));
    expect(inside).toBeGreaterThan(-30);
    for (const frequency of [-150, -60, 56, 60, 80, 200]) expect(spectrum(frequency)).toBeLessThan(-75);
  });

  it("turns the line of sight at 0.7 of the maximum shift", () => {
    const lags = [0.0005, 0.002, 0.0071];
    const { re, im } = autocorrelation("TDL-E", 100, lags, 4);
    const powers = delayProfiles["TDL-E"].taps.map(([, db]) => 10 ** (db / 10));
    const share = powers[0]! / powers.reduce((sum, power) => sum + power, 0);
    for (let k = 0; k < lags.length; k++) {
      const angle = 2 * Math.PI * 70 * lags[k]!;
      const scattered = (1 - share) * besselJ0(2 * Math.PI * 100 * lags[k]!);
      // The line of sight times the scattered waves averages out over 256 links.
      const tolerance = (4 * Math.sqrt(2 * share * (1 - share))) / Math.sqrt(256);
      expect(Math.abs(re[k]! - share * Math.cos(angle) - scattered)).toBeLessThan(tolerance);
      expect(Math.abs(im[k]! - share * Math.sin(angle))).toBeLessThan(tolerance);
    }
  });
});

describe("distributions", () => {
  it("has a Rician first tap of 13.3 dB in TDL-D, by moments, and Rayleigh fading after it", () => {
    const runs = 4000;
    // At this spread the third tap of TDL-D comes one sample after the first two; the next is 17 samples after that.
    const spread = 1 / 0.035;
    for (const maximumDoppler_hz of [0, 100]) {
      const second = [0, 0];
      const fourth = [0, 0];
      for (let run = 0; run < runs / 16; run++) {
        const subject = channel(run, {
          profile: "TDL-D",
          delaySpread_s: spread / 1e6,
          sampleRate: 1e6,
          maximumDoppler_hz,
          receiveAntennas: 16,
        });
        const out = new Float32Array(64);
        subject.apply(impulse(2), 0, out);
        for (let i = 0; i < 32; i++) {
          const power = out[2 * i]! ** 2 + out[2 * i + 1]! ** 2;
          second[i % 2]! += power / runs;
          fourth[i % 2]! += power ** 2 / runs;
        }
      }
      // Rice: E|g|⁴ = A⁴ + 4A²s + 2s² with E|g|² = A² + s, hence A⁴ = 2(E|g|²)² − E|g|⁴.
      const direct = Math.sqrt(2 * second[0]! ** 2 - fourth[0]!);
      const factor_db = 10 * Math.log10(direct / (second[0]! - direct));
      expect(Math.abs(factor_db - 13.3)).toBeLessThan(0.5);
      // Rayleigh: E|g|⁴ = 2(E|g|²)²; 32 waves take 1/32 off.
      expect(Math.abs(fourth[1]! / second[1]! ** 2 - 2)).toBeLessThan(0.3);
      const powers = delayProfiles["TDL-D"].taps.map(([, db]) => 10 ** (db / 10));
      const total = powers.reduce((sum, power) => sum + power, 0);
      expect(Math.abs(second[0]! - (powers[0]! + powers[1]!) / total)).toBeLessThan(0.03);
    }
  });

  it("fades as Rayleigh says down to 20 dB, static and moving", () => {
    for (const maximumDoppler_hz of [0, 100]) {
      const powers: number[] = [];
      for (let run = 0; run < 100; run++) {
        const subject = channel(run, {
          profile: "TDL-A",
          delaySpread_s: 0,
          maximumDoppler_hz,
          transmitAntennas: 8,
          receiveAntennas: 8,
        });
        const response = subject.frequencyResponse(0, [0]);
        for (let link = 0; link < 64; link++)
          powers.push(response[2 * link]! ** 2 + response[2 * link + 1]! ** 2);
      }
      for (const level of [0.01, 0.1, 0.5, 1, 3]) {
        const expected = powers.length * (1 - Math.exp(-level));
        const below = powers.filter((power) => power < level).length;
        expect(Math.abs(below - expected)).toBeLessThan(
          4 * Math.sqrt(Math.min(expected, powers.length - expected)),
        );
      }
    }
  });

  it("has mean power 1 for every pair of antennas, and independent pairs", () => {
    const runs = 3000;
    const pairs = 6;
    const power = new Float64Array(pairs);
    const cross = new Float64Array(2 * pairs * pairs);
    for (let run = 0; run < runs; run++) {
      const subject = channel(run, { profile: "TDLB100", transmitAntennas: 2, receiveAntennas: 3 });
      const h = subject.frequencyResponse(0, [1e6]);
      for (let a = 0; a < pairs; a++) {
        power[a]! += (h[2 * a]! ** 2 + h[2 * a + 1]! ** 2) / runs;
        for (let b = 0; b < a; b++) {
          cross[2 * (a * pairs + b)]! += (h[2 * a]! * h[2 * b]! + h[2 * a + 1]! * h[2 * b + 1]!) / runs;
          cross[2 * (a * pairs + b) + 1]! += (h[2 * a + 1]! * h[2 * b]! - h[2 * a]! * h[2 * b + 1]!) / runs;
        }
      }
    }
    for (const p of power) expect(Math.abs(p - 1)).toBeLessThan(4.5 / Math.sqrt(runs));
    for (const c of cross) expect(Math.abs(c)).toBeLessThan(4.5 / Math.sqrt(runs));
  });
});

describe("the channel's contract", () => {
  it("gives a piece of a longer signal what the whole gives", () => {
    const random = createRandom(1);
    const count = 9000;
    const whole = Float32Array.from({ length: 2 * count }, () => random.gaussian() / 1.5);
    for (const [maximumDoppler_hz, tolerance] of [
      [0, 1e-6],
      [300, 3e-3],
    ] as const) {
      const subject = channel(2, { profile: "TDLC300", maximumDoppler_hz });
      const expected = new Float32Array(2 * count);
      subject.apply(whole, 0, expected);
      const [from, to] = [4000, 6000];
      const [begin, end] = [from - subject.memory, to + subject.lead];
      const out = new Float32Array(2 * (end - begin));
      subject.apply(whole.subarray(2 * begin, 2 * end), begin / 23.04e6, out);
      for (let i = 2 * from; i < 2 * to; i++)
        expect(Math.abs(out[i - 2 * begin]! - expected[i]!)).toBeLessThan(tolerance);
    }
  });

  it("repeats with the seed, does not remember, and takes no samples for none", () => {
    const samples = tone(1e6, 23.04e6, 3000);
    const outs = [channel(5, { maximumDoppler_hz: 70 }), channel(5, { maximumDoppler_hz: 70 })].map(
      (subject, i) => {
        const out = new Float32Array(6000);
        if (i === 1) subject.apply(samples, 99, out);
        subject.frequencyResponse(3, [0]);
        subject.apply(samples, 1, out);
        return out;
      },
    );
    expect(outs[0]).toEqual(outs[1]);
    expect(outs[0]).not.toEqual(new Float32Array(6000));
    channel(5).apply(new Float32Array(0), 0, new Float32Array(0));
    expect(channel(5).frequencyResponse(0, []).length).toBe(0);
  });

  it("refuses options that cannot be, naming them", () => {
    for (const [field, options] of [
      ["profile", { profile: "TDL-F" as DelayProfileName }],
      ["profile", { profile: "toString" as DelayProfileName }],
      ["delaySpread_s", { profile: "TDL-A" }],
      ["delaySpread_s", { profile: "TDL-A", delaySpread_s: -1e-9 }],
      ["delaySpread_s", { profile: "TDL-A", delaySpread_s: Number.NaN }],
      ["delaySpread_s", { profile: "TDL-A", delaySpread_s: 1 }],
      ["delaySpread_s", { profile: "TDLA30", delaySpread_s: 30e-9 }],
      ["sampleRate", { sampleRate: 0 }],
      ["sampleRate", { sampleRate: Number.POSITIVE_INFINITY }],
      ["sampleRate", { sampleRate: 1e13 }],
      ["maximumDoppler_hz", { maximumDoppler_hz: -1 }],
      ["maximumDoppler_hz", { maximumDoppler_hz: Number.NaN }],
      ["maximumDoppler_hz", { maximumDoppler_hz: 1e6 }],
      ["transmitAntennas", { transmitAntennas: 0 }],
      ["receiveAntennas", { receiveAntennas: 1.5 }],
    ] as const) {
      let thrown: unknown;
      try {
        channel(1, options as Partly);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(InputError);
      expect((thrown as InputError).field).toBe(field);
    }
    const subject = channel(1, { transmitAntennas: 2 });
    expect(() => subject.apply(new Float32Array(6), 0, new Float32Array(4))).toThrow(InputError);
    expect(() => subject.apply(new Float32Array(8), 0, new Float32Array(8))).toThrow(InputError);
    expect(() => subject.apply(new Float32Array(8), Number.NaN, new Float32Array(4))).toThrow(/startTime_s/);
  });
});
