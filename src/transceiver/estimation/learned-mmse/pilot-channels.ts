import { float32Tensor } from "../../../neural/graph/tensor.js";
import type { Dataset } from "../../../neural/training/dataset.js";
import { type DelayProfileName, delayProfiles } from "../../../radio/index.js";
import type { Random } from "../../../system/index.js";
import { LEAST_MEASURED_BLOCKS, SPREADS, UNMEASURED_SPREAD } from "../frequency-filters.js";
import { CENTRE_PER_SPREAD, LONG_DISTANCE, spreadIndex } from "../offsets.js";
import { fillStatistics, STATISTIC_LAGS, STATISTICS } from "./pilot-statistics.js";
import {
  PRIOR_PROFILES,
  type PrototypePlace,
  prototypes,
  setPrototypePlace,
  WIDE_WINDOW_BLOCKS,
  wideFilterLength,
} from "./prototypes.js";

/** What pilots are drawn from. */
export interface PilotChannelParameters {
  readonly profiles: readonly Extract<DelayProfileName, `TDL-${"A" | "B" | "C" | "D" | "E"}`>[];
}

/** Ranges that are drawn from: delay spreads as shares of the symbol, evenly in their logarithm; at a pilot, in dB. */
const LEAST_SPREAD = 2e-4;
const MOST_SPREAD = 2e-2;
const LOWEST_DB = -12;
const HIGHEST_DB = 38;

const ALLOCATIONS: readonly number[] = [1, 2, 3, 4, 6, 8, 12, 16, 24];
const SNAPSHOTS: readonly number[] = [1, 2, 4];

/** DM-RS type 1: every other subcarrier. */
const PER_BLOCK = 6;
const SHORT_DISTANCE = 4;

/**
 * Pilots of allocations over tapped delay lines: for each sample the statistics that a network sees of them, and `errors`, the
 * mean product of the errors that the MMSE filters of the prior make at a resource block, relative to the best filter's:
 * `[profile][profile]`, so that weights w err by `Σ w_p·w_q·errors_pq`.
 */
export function pilotChannels({ profiles }: PilotChannelParameters): Dataset {
  const lines = profiles.map((name) => {
    const { taps, lineOfSight } = delayProfiles[name];
    const powers = taps.map(([, power]) => 10 ** (power / 10));
    const total = powers.reduce((sum, power) => sum + power, 0);
    const most = Math.max(...powers);
    // What is 30 dB below the strongest tap costs time and changes nothing.
    const kept = taps.flatMap(([delay], tap) =>
      powers[tap]! > 1e-3 * most
        ? [{ delay, power: powers[tap]! / total, isFixed: lineOfSight && tap === 0 }]
        : [],
    );
    return kept;
  });
  const count = PRIOR_PROFILES.length;
  const longest = 12 * ALLOCATIONS.at(-1)!;
  const snapshotsMost = SNAPSHOTS.at(-1)!;
  const [channelRe, channelIm] = [0, 1].map(() => new Float64Array(snapshotsMost * longest)) as [
    Float64Array,
    Float64Array,
  ];
  const [pilotRe, pilotIm] = [0, 1].map(() => new Float64Array((snapshotsMost * longest) / 2)) as [
    Float64Array,
    Float64Array,
  ];
  const [errorRe, errorIm] = [0, 1].map(() => new Float64Array(count * 12)) as [Float64Array, Float64Array];
  const correlations = new Float64Array(STATISTIC_LAGS.length);
  const place: PrototypePlace = { step: 0, share: 0 };
  const mixed = new Float64Array(12 * WIDE_WINDOW_BLOCKS * PER_BLOCK);

  /** Adds one tap of each snapshot to the channel. */
  function addTap(
    random: Random,
    delay: number,
    power: number,
    isFixed: boolean,
    snapshots: number,
    width: number,
  ) {
    const [stepRe, stepIm] = [Math.cos(2 * Math.PI * delay), -Math.sin(2 * Math.PI * delay)];
    for (let snapshot = 0; snapshot < snapshots; snapshot++) {
      const phase = 2 * Math.PI * random.next();
      const scale = Math.sqrt(power);
      let re = isFixed ? scale * Math.cos(phase) : scale * Math.SQRT1_2 * random.gaussian();
      let im = isFixed ? scale * Math.sin(phase) : scale * Math.SQRT1_2 * random.gaussian();
      for (let k = snapshot * width; k < (snapshot + 1) * width; k++) {
        channelRe[k]! += re;
        channelIm[k]! += im;
        const next = re * stepRe - im * stepIm;
        im = re * stepIm + im * stepRe;
        re = next;
      }
    }
  }

  /** Sum over all snapshots of b·conj(a) at a lag of pilots. */
  function correlate(lag: number, snapshots: number, pilots: number): [re: number, im: number] {
    let [re, im] = [0, 0];
    for (let snapshot = 0; snapshot < snapshots; snapshot++)
      for (let k = snapshot * pilots; k < (snapshot + 1) * pilots - lag; k++) {
        re += pilotRe[k + lag]! * pilotRe[k]! + pilotIm[k + lag]! * pilotIm[k]!;
        im += pilotIm[k + lag]! * pilotRe[k]! - pilotRe[k + lag]! * pilotIm[k]!;
      }
    return [re, im];
  }

  function sample(random: Random, statistics: Float32Array, errors: Float32Array, index: number): void {
    const blocks = ALLOCATIONS[random.integer(ALLOCATIONS.length)]!;
    const snapshots = SNAPSHOTS[random.integer(SNAPSHOTS.length)]!;
    const spreadShare = LEAST_SPREAD * (MOST_SPREAD / LEAST_SPREAD) ** random.next();
    const noise = 10 ** (-(LOWEST_DB + (HIGHEST_DB - LOWEST_DB) * random.next()) / 10);
    const [width, pilots] = [12 * blocks, PER_BLOCK * blocks];
    channelRe.fill(0);
    channelIm.fill(0);
    for (const { delay, power, isFixed } of lines[random.integer(lines.length)]!)
      addTap(random, delay * spreadShare, power, isFixed, snapshots, width);
    for (let k = 0; k < snapshots * pilots; k++) {
      pilotRe[k] = channelRe[2 * k]! + Math.sqrt(noise / 2) * random.gaussian();
      pilotIm[k] = channelIm[2 * k]! + Math.sqrt(noise / 2) * random.gaussian();
    }
    const [nearRe, nearIm] = correlate(SHORT_DISTANCE / 2, snapshots, pilots);
    let spread = UNMEASURED_SPREAD;
    let centre = -Math.atan2(nearIm, nearRe) / (2 * Math.PI * SHORT_DISTANCE);
    if (blocks >= LEAST_MEASURED_BLOCKS) {
      const [farRe, farIm] = correlate(LONG_DISTANCE / 2, snapshots, pilots);
      const far = (farRe ** 2 + farIm ** 2) / (pilots - LONG_DISTANCE / 2) ** 2;
      const near = (nearRe ** 2 + nearIm ** 2) / (pilots - SHORT_DISTANCE / 2) ** 2;
      spread = spreadIndex(Float64Array.of(far / near), SHORT_DISTANCE);
      centre += CENTRE_PER_SPREAD * SPREADS[spread]!;
    }
    centreAll(centre, snapshots, width);

    // As the receiver finds them: noise from the part of the pilots without signal, about a third.
    const energy = correlate(0, snapshots, pilots)[0] / (snapshots * pilots);
    const foundNoise =
      noise * Math.max(0.1, 1 + random.gaussian() / Math.sqrt(Math.max(1, (snapshots * pilots) / 3)));
    const signal = Math.max(energy - foundNoise, 1e-9);
    const snr_db = 10 * Math.log10(signal / foundNoise);
    STATISTIC_LAGS.forEach((lag, at) => {
      const pairs = snapshots * Math.max(1, pilots - lag * PER_BLOCK);
      correlations[at] = blocks > lag ? correlate(lag * PER_BLOCK, snapshots, pilots)[0] / pairs / signal : 0;
    });
    const measures = { snr_db, spread, blocks, pilots: snapshots * pilots };
    fillStatistics(statistics, index * STATISTICS, measures, correlations);
    setPrototypePlace(place, snr_db);
    fillErrors(random.integer(blocks), blocks, snapshots, noise, errors.subarray(index * count * count));
  }

  /** Takes the phase ramp of the centre out of channel and pilots. */
  function centreAll(centre: number, snapshots: number, width: number): void {
    for (let k = 0; k < width; k++) {
      const angle = 2 * Math.PI * centre * k;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      for (let snapshot = 0; snapshot < snapshots; snapshot++) {
        turn(channelRe, channelIm, snapshot * width + k, c, s);
        if (k % 2 === 0) turn(pilotRe, pilotIm, (snapshot * width + k) / 2, c, s);
      }
    }
  }

  function fillErrors(
    block: number,
    blocks: number,
    snapshots: number,
    noise: number,
    out: Float32Array,
  ): void {
    const wide = Math.min(WIDE_WINDOW_BLOCKS, blocks);
    const start = Math.max(0, Math.min(block - (wide >> 1), blocks - wide));
    const taps = wide * PER_BLOCK;
    const { coefficients } = prototypes({ configType: 1, blocks, delta: 0, bothPorts: false, weight: 1 });
    const length = wideFilterLength(PER_BLOCK, blocks);
    out.fill(0, 0, count * count);
    for (let snapshot = 0; snapshot < snapshots; snapshot++) {
      for (let profile = 0; profile < count; profile++) {
        const lower = (place.step * count + profile) * length + 12 * (block - start) * taps;
        const upper = lower + count * length;
        for (let k = 0; k < 12 * taps; k++)
          mixed[k] = (1 - place.share) * coefficients[lower + k]! + place.share * coefficients[upper + k]!;
        for (let k = 0; k < 12; k++) {
          const truth = snapshot * 12 * blocks + 12 * block + k;
          let [re, im] = [-channelRe[truth]!, -channelIm[truth]!];
          for (let tap = 0; tap < taps; tap++) {
            const from = PER_BLOCK * (snapshot * blocks + start) + tap;
            re += mixed[12 * tap + k]! * pilotRe[from]!;
            im += mixed[12 * tap + k]! * pilotIm[from]!;
          }
          errorRe[12 * profile + k] = re;
          errorIm[12 * profile + k] = im;
        }
      }
      for (let p = 0; p < count; p++)
        for (let q = 0; q < count; q++) {
          let sum = 0;
          for (let k = 0; k < 12; k++)
            sum += errorRe[12 * p + k]! * errorRe[12 * q + k]! + errorIm[12 * p + k]! * errorIm[12 * q + k]!;
          out[p * count + q]! += sum / (12 * snapshots);
        }
    }
    // Relative to what the best filter leaves, so that all ratios and spreads count alike.
    let least = Number.POSITIVE_INFINITY;
    for (let p = 0; p < count; p++) least = Math.min(least, out[p * (count + 1)]!);
    for (let at = 0; at < count * count; at++) out[at]! /= least + noise / 20;
  }

  return {
    batch(random, samples) {
      const statistics = new Float32Array(samples * STATISTICS);
      const errors = new Float32Array(samples * count * count);
      for (let index = 0; index < samples; index++) sample(random, statistics, errors, index);
      return {
        statistics: float32Tensor(statistics, [samples, STATISTICS]),
        errors: float32Tensor(errors, [samples, count, count]),
      };
    },
  };
}

function turn(re: Float64Array, im: Float64Array, at: number, c: number, s: number): void {
  const x = re[at]!;
  const y = im[at]!;
  re[at] = x * c - y * s;
  im[at] = x * s + y * c;
}
