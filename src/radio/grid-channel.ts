import { InputError } from "../errors.js";
import type { Random } from "../system/index.js";
import { type DelayProfileName, delayProfiles } from "./delay-profiles.js";
import { createFading } from "./fading.js";

/** A channel as resource elements see it. */
export interface GridChannelOptions {
  readonly profile: DelayProfileName;
  /** Seconds: the root mean square delay spread of TDL-A to -E; of no meaning for the profiles of TS 38.104. */
  readonly delaySpread_s: number;
  readonly maximumDoppler_hz: number;
  readonly receiveAntennas: number;
  readonly symbols: number;
  readonly subcarriers: number;
  readonly subcarrierSpacing_hz: number;
  /** From one OFDM symbol to the next. */
  readonly symbolPeriod_s: number;
  /** Time of the middle of the first symbol's body; 0 unless given. */
  readonly startTime_s?: number;
  /** Delay of the profile's start at which the receiver samples; 0 unless given. */
  readonly timing_s?: number;
  /** Carrier frequency offset that the receiver leaves; 0 unless given. */
  readonly frequency_hz?: number;
  readonly random: Random;
}

/** The response of a slot's resource elements. */
export interface GridChannel {
  /** In the middle of each symbol: complex64 `[antenna][symbol][subcarrier]`. */
  readonly response: Float32Array;
  /**
   * Sends a grid through the channel: each element by its response, and what its neighbours in frequency leak into it while
   * the response changes within the symbol.
   * @param sent complex64 `[symbol][subcarrier]`
   * @param out complex64 `[antenna][symbol][subcarrier]`, overwritten
   */
  apply(sent: Float32Array, out: Float32Array): void;
}

/** Subcarriers to either side whose leakage is counted: nineteen twentieths of it. */
const LEAKAGE_REACH = 12;

/** Seconds: the mean delay of a profile, by power. */
export function meanDelay_s(profile: DelayProfileName, delaySpread_s: number): number {
  const { scaled, taps } = delayProfiles[profile];
  let [weighted, total] = [0, 0];
  for (const [delay, power_db] of taps) {
    const power = 10 ** (power_db / 10);
    weighted += power * delay;
    total += power;
  }
  return (weighted / total) * (scaled ? delaySpread_s : 1e-9);
}

/**
 * The tapped delay lines of `createChannel` for one transmit antenna, evaluated per resource element: orders of magnitude
 * faster than samples. With the same generator the fading is that of `createChannel`. Symbols are taken to follow
 * at equal distances, delays to stay within the cyclic prefix, and the response to change linearly within a symbol, which
 * holds up to Doppler shifts of a twentieth of the subcarrier spacing.
 * @throws InputError for an unknown profile
 */
export function createGridChannel(options: GridChannelOptions): GridChannel {
  const { receiveAntennas, symbols, subcarriers, subcarrierSpacing_hz, symbolPeriod_s } = options;
  const { maximumDoppler_hz, startTime_s = 0, timing_s = 0, frequency_hz = 0 } = options;
  if (!Object.hasOwn(delayProfiles, options.profile))
    throw new InputError("profile", options.profile, `give one of ${Object.keys(delayProfiles).join(", ")}`);
  const { scaled, lineOfSight, taps } = delayProfiles[options.profile];
  const count = taps.length;
  const powers = taps.map(([, power]) => 10 ** (power / 10));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const fading = createFading(
    Array.from({ length: receiveAntennas * count }, (_, index) => powers[index % count]! / total),
    Array.from({ length: receiveAntennas * count }, (_, index) => lineOfSight && index % count === 0),
    maximumDoppler_hz,
    options.random,
  );
  const response = new Float32Array(2 * receiveAntennas * symbols * subcarriers);
  const [gainsRe, gainsIm] = [new Float64Array(fading.taps), new Float64Array(fading.taps)];
  const [rowRe, rowIm] = [new Float64Array(subcarriers), new Float64Array(subcarriers)];
  const steps = taps.map(([delay]) => {
    const seconds = delay * (scaled ? options.delaySpread_s : 1e-9) - timing_s;
    return -2 * Math.PI * seconds * subcarrierSpacing_hz;
  });
  fading.start(startTime_s, symbolPeriod_s);
  for (let symbol = 0; symbol < symbols; symbol++) {
    fading.advance(gainsRe, gainsIm);
    const turn = 2 * Math.PI * frequency_hz * (startTime_s + symbol * symbolPeriod_s);
    for (let antenna = 0; antenna < receiveAntennas; antenna++) {
      rowRe.fill(0);
      rowIm.fill(0);
      for (let tap = 0; tap < count; tap++) {
        const [gainRe, gainIm] = [gainsRe[antenna * count + tap]!, gainsIm[antenna * count + tap]!];
        addRamp(gainRe, gainIm, turn, steps[tap]!, rowRe, rowIm);
      }
      const first = 2 * (antenna * symbols + symbol) * subcarriers;
      for (let k = 0; k < subcarriers; k++) {
        response[first + 2 * k] = rowRe[k]!;
        response[first + 2 * k + 1] = rowIm[k]!;
      }
    }
  }

  /** What of a symbol's response changes within it, times what is sent there: differences of its neighbours in time. */
  function change(antenna: number, symbol: number, sent: Float32Array, out: Float64Array): void {
    const before = Math.max(0, symbol - 1);
    const after = Math.min(symbols - 1, symbol + 1);
    const scale = 1 / ((after - before) * symbolPeriod_s * subcarrierSpacing_hz);
    const early = 2 * (antenna * symbols + before) * subcarriers;
    const late = 2 * (antenna * symbols + after) * subcarriers;
    const from = 2 * symbol * subcarriers;
    for (let k = 0; k < 2 * subcarriers; k += 2) {
      const re = scale * (response[late + k]! - response[early + k]!);
      const im = scale * (response[late + k + 1]! - response[early + k + 1]!);
      const [x, y] = [sent[from + k]!, sent[from + k + 1]!];
      out[k] = re * x - im * y;
      out[k + 1] = re * y + im * x;
    }
  }

  const changing = (maximumDoppler_hz > 0 || frequency_hz !== 0) && symbols > 1;
  const changes = new Float64Array(2 * subcarriers);
  return {
    response,
    apply(sent, out) {
      for (let antenna = 0; antenna < receiveAntennas; antenna++)
        for (let symbol = 0; symbol < symbols; symbol++) {
          const from = 2 * symbol * subcarriers;
          const to = 2 * (antenna * symbols + symbol) * subcarriers;
          if (changing) change(antenna, symbol, sent, changes);
          for (let k = 0; k < 2 * subcarriers; k += 2) {
            const [re, im] = [response[to + k]!, response[to + k + 1]!];
            const [x, y] = [sent[from + k]!, sent[from + k + 1]!];
            out[to + k] = re * x - im * y;
            out[to + k + 1] = re * y + im * x;
          }
          if (changing) addLeakage(changes, out, to, subcarriers);
        }
    },
  };
}

/** Adds a gain times a phase ramp from `turn` on over the subcarriers. */
function addRamp(
  gainRe: number,
  gainIm: number,
  turn: number,
  step: number,
  rowRe: Float64Array,
  rowIm: Float64Array,
): void {
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  const [stepRe, stepIm] = [Math.cos(step), Math.sin(step)];
  let re = gainRe * c - gainIm * s;
  let im = gainRe * s + gainIm * c;
  for (let k = 0; k < rowRe.length; k++) {
    rowRe[k]! += re;
    rowIm[k]! += im;
    const next = re * stepRe - im * stepIm;
    im = re * stepIm + im * stepRe;
    re = next;
  }
}

/**
 * A ramp over the symbol, of slope 1 over its duration, is in frequency `1 / (j2πd)` at a distance of d subcarriers, and 0
 * at none.
 */
function addLeakage(changes: Float64Array, out: Float32Array, to: number, subcarriers: number): void {
  for (let k = 0; k < subcarriers; k++) {
    let [re, im] = [0, 0];
    for (let distance = 1; distance <= LEAKAGE_REACH; distance++) {
      const [above, below] = [2 * (k + distance), 2 * (k - distance)];
      const weight = 1 / (2 * Math.PI * distance);
      if (above < 2 * subcarriers) {
        re += weight * changes[above + 1]!;
        im -= weight * changes[above]!;
      }
      if (below >= 0) {
        re -= weight * changes[below + 1]!;
        im += weight * changes[below]!;
      }
    }
    out[to + 2 * k]! += re;
    out[to + 2 * k + 1]! += im;
  }
}
