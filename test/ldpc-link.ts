import type { Random } from "../src/radio/index.js";
import { type BaseGraph, baseGraph } from "../src/transceiver/coding/base-graph.js";
import { decoderRows } from "../src/transceiver/coding/decoder.js";
import { prepareEncoder } from "../src/transceiver/coding/encode.js";
import { LIFTING_SIZES } from "../src/transceiver/coding/lifting-sizes.js";
import { rateMatchingPositions } from "../src/transceiver/interleaving/rate-match.js";
import { constellation } from "../src/transceiver/mapping/modulate.js";
import { mcs } from "../src/transceiver/pusch/mcs.js";

/** One code block without CRC, sent with redundancy version 0 over white noise and demapped exactly. */
export interface LdpcLink {
  readonly graph: BaseGraph;
  /** Rows of the base graph that the received bits reach. */
  readonly rows: number;
  readonly informationBits: number;
  /** Modulation symbols. */
  readonly symbols: number;
  /**
   * Draws information bits and noise; the same random numbers at every SNR.
   * @param snr Es/N0 in dB
   * @param information receives K' bits, one a byte
   * @param llrs receives log P(0)/P(1) of d_0…d_N-1: filler bits FILLER_LLR, bits not sent 0
   */
  send(snr: number, random: Random, information: Uint8Array, llrs: Float64Array): void;
}

/** A log-likelihood ratio beyond any that noise leaves. */
export const FILLER_LLR = 1000;

/** The link of an index of MCS table 1; base graph 2 up to rate 0.67, else 1 (TS 38.212 6.2.2). */
export function mcsLink(mcsIndex: number, informationBits: number): LdpcLink {
  const { modulationOrder, targetCodeRate } = mcs(1, mcsIndex);
  const rate = targetCodeRate!;
  return ldpcLink(rate <= 0.67 ? 2 : 1, informationBits, rate, modulationOrder as 2 | 4 | 6);
}

/** @param order bits of a modulation symbol */
export function ldpcLink(number: 1 | 2, informationBits: number, rate: number, order: 2 | 4 | 6): LdpcLink {
  const informationColumns = number === 2 ? 10 : 22;
  const graph = baseGraph(
    number,
    LIFTING_SIZES.find((size) => size * informationColumns >= informationBits)!,
  );
  const size = graph.liftingSize;
  const length = (graph.columns - 2) * size;
  const fillerStart = informationBits - 2 * size;
  const fillerEnd = (informationColumns - 2) * size;
  const symbols = Math.round(informationBits / rate / order);
  const positions = rateMatchingPositions(
    { circularBufferSize: length, start: 0, fillerStart, fillerEnd, outputBits: [symbols * order] },
    symbols * order,
    order,
  );
  const encode = prepareEncoder(graph);
  const padded = new Uint8Array(informationColumns * size);
  const encoded = new Uint8Array(length);
  const demap = demapper(order);
  return {
    graph,
    rows: decoderRows(
      graph,
      positions.reduce((a, b) => Math.max(a, b)),
    ),
    informationBits,
    symbols,
    send(snr, random, information, llrs) {
      random.bits(information);
      padded.set(information);
      encode(padded, 0, encoded, 0);
      llrs.fill(0);
      const variance = 10 ** (-snr / 10);
      for (let first = 0; first < positions.length; first += order) {
        demap(encoded, positions, first, variance, random, llrs);
      }
      llrs.fill(FILLER_LLR, fillerStart, fillerEnd);
    },
  };
}

/** Sends one symbol and adds its bits' ratios: sums over all points of each axis. */
function demapper(order: 2 | 4 | 6) {
  const points = constellation(order);
  const bits = order / 2;
  // The axes are alike: amplitudes by the pattern of the even bits, all odd bits 0.
  const spread = (pattern: number) =>
    Array.from({ length: bits }, (_, k) => ((pattern >> k) & 1) << (2 * k + 1)).reduce((a, b) => a | b);
  const levels = Float64Array.from({ length: 1 << bits }, (_, pattern) => points[2 * spread(pattern)]!);
  const terms = new Float64Array(levels.length);
  return (
    encoded: Uint8Array,
    positions: Uint32Array,
    first: number,
    variance: number,
    random: Random,
    llrs: Float64Array,
  ) => {
    for (let axis = 0; axis < 2; axis++) {
      let sent = 0;
      for (let bit = 0; bit < bits; bit++) {
        sent = 2 * sent + encoded[positions[first + axis + 2 * bit]!]!;
      }
      const received = levels[sent]! + Math.sqrt(variance / 2) * random.gaussian();
      let nearest = Infinity;
      for (let k = 0; k < levels.length; k++) {
        terms[k] = (received - levels[k]!) ** 2 / variance;
        nearest = Math.min(nearest, terms[k]!);
      }
      for (let k = 0; k < levels.length; k++) terms[k] = Math.exp(nearest - terms[k]!);
      for (let bit = 0; bit < bits; bit++) {
        let zero = 0;
        let one = 0;
        for (let k = 0; k < levels.length; k++) {
          if ((k >> (bits - 1 - bit)) & 1) one += terms[k]!;
          else zero += terms[k]!;
        }
        const ratio = Math.log(zero / one);
        llrs[positions[first + axis + 2 * bit]!]! += Math.max(-FILLER_LLR, Math.min(FILLER_LLR, ratio));
      }
    }
  };
}
