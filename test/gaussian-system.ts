import type { Target } from "../src/compiler/index.js";
import { prepareFunction } from "../src/functions/index.js";
import { createRandom } from "../src/radio/index.js";
import { equalization } from "../src/transceiver/equalization/function.js";
import { jointDemapping } from "../src/transceiver/equalization/joint-demapping.js";
import { GRANT_FIELDS, goldBits, grantFieldIndex } from "../src/transceiver/index.js";

/**
 * The system on which detectors are compared (Samuel, Diskin, Wiesel, "Learning to detect", 2019): 15 streams of 16-QAM
 * with amplitudes ±1 and ±3, 25 receive antennas, real and imaginary parts of the channel N(0, 1), and noise of variance
 * tr(HᵀH)/30/SNR in each real dimension, H being the real channel of 50 rows and 30 columns of that draw.
 */
export const STREAMS = 15;
export const ANTENNAS = 25;

const signalType = {
  startSymbolIndex: 0,
  dmrsConfigType: 1,
  dmrsSymbPos: [],
  numDmrsCdmGrpsNoData: 1,
} as const;

/** Draws that go through a detector at once: resource elements of one OFDM symbol. */
const BATCH = 96;

/** Errors of a detector. */
export interface SymbolErrors {
  readonly symbols: number;
  readonly errors: number;
  readonly rate: number;
  /** Standard deviation of the rate: errors come in bursts, so it is taken from the draws. */
  readonly deviation: number;
  /** Microseconds of a resource element in the detector. */
  readonly duration_us: number;
}

/** A detector in its batch: fills in the decisions, amplitudes of `[stream][draw]` interleaved, from what is received. */
export interface BatchDetector {
  readonly grid: Float32Array;
  /** complex64 [stream][antenna][draw], for symbols of power 1. */
  readonly channel: Float32Array;
  readonly noise: Float32Array;
  process(): void;
  /** Amplitude decided, in units of half the distance of points: ±1 or ±3. */
  decision(stream: number, draw: number, axis: 0 | 1): number;
  release(): void;
}

/** An implementation of equalization, whose symbols are decided to the nearest point. */
export function equalizationDetector(method: string, target: Target): BatchDetector {
  const prepared = prepareFunction(equalization, method, {
    target,
    dimensions: { antenna: ANTENNAS, layer: STREAMS, symbol: 1, subcarrier: BATCH, re: BATCH },
    parameters: { signalType, modulationOrder: 4 },
  });
  const { inputs, outputs } = prepared;
  const symbols = outputs.symbols.view;
  return {
    grid: inputs.grid.view,
    channel: inputs.channel.view,
    noise: inputs.noise.view,
    process: prepared.process,
    decision: (stream, draw, axis) => nearest(symbols[2 * (stream * BATCH + draw) + axis]! * Math.sqrt(10)),
    release: prepared.release,
  };
}

/** The tree search, whose soft bits are decided by their signs. */
export function jointDetector(
  method: string,
  target: Target,
  survivors?: 4 | 8 | 16 | 32 | 64,
): BatchDetector {
  const prepared = prepareFunction(jointDemapping, method, {
    target,
    dimensions: {
      antenna: ANTENNAS,
      layer: STREAMS,
      symbol: 1,
      subcarrier: BATCH,
      grantField: GRANT_FIELDS,
      codewordBit: 4 * STREAMS * BATCH,
    },
    parameters: { signalType, ...(survivors ? { survivors } : {}) },
  });
  const { inputs, outputs } = prepared;
  inputs.grant.view[grantFieldIndex.valid] = 1;
  inputs.grant.view[grantFieldIndex.modulationOrder] = 4;
  const scrambling = new Uint8Array(4 * STREAMS * BATCH);
  goldBits(0, scrambling);
  const soft = outputs.llrs.view;
  return {
    grid: inputs.grid.view,
    channel: inputs.channel.view,
    noise: inputs.noise.view,
    process: prepared.process,
    decision(stream, draw, axis) {
      const first = 4 * (draw * STREAMS + stream) + axis;
      // TS 38.211 5.1.4: the amplitude is (1 - 2·b0)·(2 - (1 - 2·b2)).
      const signOf = (bit: number) => (soft[bit]! < 0 !== (scrambling[bit] === 1) ? -1 : 1);
      return signOf(first) * (2 - signOf(first + 2));
    },
    release: prepared.release,
  };
}

function nearest(amplitude: number): number {
  return Math.max(-3, Math.min(3, 2 * Math.floor(amplitude / 2) + 1));
}

/** Runs batches of draws until so many symbol errors, or so many draws, are reached. */
export function symbolErrorRate(
  detector: BatchDetector,
  snr_db: number,
  seed: number,
  limits: { readonly errors: number; readonly draws: number },
): SymbolErrors {
  const random = createRandom(seed);
  const { grid, channel, noise } = detector;
  const sent = new Int8Array(2 * STREAMS * BATCH);
  let [errors, squares, draws, duration_us] = [0, 0, 0, 0];
  while (errors < limits.errors && draws < limits.draws) {
    // Noise depends on the draw, the detector's noise variance does not: the draw's received numbers are scaled instead.
    for (let draw = 0; draw < BATCH; draw++) {
      for (let stream = 0; stream < STREAMS; stream++)
        for (const axis of [0, 1]) sent[2 * (stream * BATCH + draw) + axis] = 2 * random.integer(4) - 3;
      let energy = 0;
      for (let link = 0; link < STREAMS * ANTENNAS; link++) {
        const at = 2 * (link * BATCH + draw);
        channel[at] = random.gaussian();
        channel[at + 1] = random.gaussian();
        energy += channel[at]! ** 2 + channel[at + 1]! ** 2;
      }
      const deviation = Math.sqrt(energy / STREAMS / 10 ** (snr_db / 10));
      // Noise of a complex variance of 1, symbols of power 1.
      const unit = 1 / (Math.SQRT2 * deviation);
      for (let link = 0; link < STREAMS * ANTENNAS; link++) {
        const at = 2 * (link * BATCH + draw);
        channel[at]! *= unit * Math.sqrt(10);
        channel[at + 1]! *= unit * Math.sqrt(10);
      }
      for (let antenna = 0; antenna < ANTENNAS; antenna++) {
        let [re, im] = [random.gaussian() * Math.SQRT1_2, random.gaussian() * Math.SQRT1_2];
        for (let stream = 0; stream < STREAMS; stream++) {
          const h = 2 * ((stream * ANTENNAS + antenna) * BATCH + draw);
          const x = 2 * (stream * BATCH + draw);
          re += (channel[h]! * sent[x]! - channel[h + 1]! * sent[x + 1]!) / Math.sqrt(10);
          im += (channel[h]! * sent[x + 1]! + channel[h + 1]! * sent[x]!) / Math.sqrt(10);
        }
        grid[2 * (antenna * BATCH + draw)] = re;
        grid[2 * (antenna * BATCH + draw) + 1] = im;
      }
    }
    noise.fill(1);
    const begin = performance.now();
    detector.process();
    duration_us += 1000 * (performance.now() - begin);
    for (let draw = 0; draw < BATCH; draw++) {
      let wrong = 0;
      for (let stream = 0; stream < STREAMS; stream++) {
        const x = 2 * (stream * BATCH + draw);
        const right =
          detector.decision(stream, draw, 0) === sent[x] &&
          detector.decision(stream, draw, 1) === sent[x + 1];
        if (!right) wrong++;
      }
      errors += wrong;
      squares += wrong * wrong;
    }
    draws += BATCH;
  }
  const symbols = draws * STREAMS;
  const spread = Math.max(0, squares - (errors * errors) / draws);
  return {
    symbols,
    errors,
    rate: errors / symbols,
    deviation: Math.sqrt(spread) / symbols,
    duration_us: duration_us / draws,
  };
}
