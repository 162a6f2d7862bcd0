import { InputError } from "../../../errors.js";
import type { Random } from "../../../system/index.js";

/**
 * Sizes of the detection problem y = Hx + w in real numbers, x of ±1. "real": H of independent N(0, 1). "complex": H
 * stands for a complex matrix of half the sizes, [[Re, -Im], [Im, Re]], so that x are the axes of QPSK symbols.
 */
export interface RealValuedModel {
  /** Numbers that are sent at once, K. */
  readonly streams: number;
  /** Numbers that are received at once, N ≥ K. */
  readonly observations: number;
  readonly field: "real" | "complex";
}

/** One draw of the model; its arrays are overwritten by the next. */
export interface Draw {
  /** H, row-major [observations][streams]. */
  readonly channel: Float64Array;
  /** x. */
  readonly sent: Float64Array;
  /** y. */
  readonly received: Float64Array;
  /** H'H, [streams][streams]. */
  readonly gram: Float64Array;
  /** H'y. */
  readonly matchedFilter: Float64Array;
  /** ‖y‖². */
  energy: number;
  /** Variance of each element of w. */
  noise: number;
}

/** @throws InputError for sizes that are no problem of detection. */
export function createDraw({ streams, observations, field }: RealValuedModel): Draw {
  if (!Number.isInteger(streams) || streams < 1 || streams > 64)
    throw new InputError("streams", streams, "give 1 to 64");
  if (!Number.isInteger(observations) || observations < streams || observations > 256)
    throw new InputError("observations", observations, "give at least as many as streams, at most 256");
  if (field === "complex" && (streams % 2 !== 0 || observations % 2 !== 0))
    throw new InputError(
      "streams and observations",
      [streams, observations],
      "give even numbers for a complex channel",
    );
  return {
    channel: new Float64Array(observations * streams),
    sent: new Float64Array(streams),
    received: new Float64Array(observations),
    gram: new Float64Array(streams * streams),
    matchedFilter: new Float64Array(streams),
    energy: 0,
    noise: 0,
  };
}

/**
 * Draws channel, symbols and noise. `snr` is linear: the power of a stream over all observations, mean over the streams
 * of this very channel, over the variance of noise, as the authors of DetNet draw it.
 */
export function drawModel(model: RealValuedModel, snr: number, random: Random, draw: Draw): void {
  const { streams, observations, field } = model;
  const { channel, sent, received } = draw;
  if (field === "real") for (let i = 0; i < channel.length; i++) channel[i] = random.gaussian();
  else drawComplex(model, random, channel);
  let power = 0;
  for (let i = 0; i < channel.length; i++) power += channel[i]! ** 2;
  draw.noise = power / streams / snr;
  const deviation = Math.sqrt(draw.noise);
  for (let k = 0; k < streams; k++) sent[k] = random.next() < 0.5 ? -1 : 1;
  for (let n = 0; n < observations; n++) {
    let sum = deviation * random.gaussian();
    for (let k = 0; k < streams; k++) sum += channel[n * streams + k]! * sent[k]!;
    received[n] = sum;
  }
  correlate(model, draw);
}

function drawComplex(
  { streams, observations }: RealValuedModel,
  random: Random,
  channel: Float64Array,
): void {
  const [users, antennas] = [streams / 2, observations / 2];
  for (let n = 0; n < antennas; n++) {
    for (let k = 0; k < users; k++) {
      const [re, im] = [random.gaussian() * Math.SQRT1_2, random.gaussian() * Math.SQRT1_2];
      channel[n * streams + k] = re;
      channel[n * streams + users + k] = -im;
      channel[(antennas + n) * streams + k] = im;
      channel[(antennas + n) * streams + users + k] = re;
    }
  }
}

/** H'H and H'y: all that detection needs of H and y. */
function correlate({ streams, observations }: RealValuedModel, draw: Draw): void {
  const { channel, received, gram, matchedFilter } = draw;
  gram.fill(0);
  matchedFilter.fill(0);
  draw.energy = 0;
  for (let n = 0; n < observations; n++) {
    const row = n * streams;
    draw.energy += received[n]! ** 2;
    for (let i = 0; i < streams; i++) {
      const value = channel[row + i]!;
      matchedFilter[i]! += value * received[n]!;
      for (let j = 0; j <= i; j++) gram[i * streams + j]! += value * channel[row + j]!;
    }
  }
  for (let i = 0; i < streams; i++)
    for (let j = 0; j < i; j++) gram[j * streams + i] = gram[i * streams + j]!;
}
