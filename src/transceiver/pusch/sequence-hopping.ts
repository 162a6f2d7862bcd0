import { goldSequence } from "./gold-sequence.js";
import { SEQUENCE_GROUPS } from "./low-papr-sequence.js";

/** What chooses the low-PAPR sequence of a DM-RS symbol. */
export interface SequenceHopping {
  readonly mode: "neither" | "group" | "sequence";
  /** n_ID^RS. */
  readonly identity: number;
  /** M_ZC: sequence numbers other than 0 exist from 72 on. */
  readonly length: number;
}

/**
 * 30·v + u of TS 38.211 6.4.1.1.1.2: group and number of the low-PAPR sequence.
 * @param symbol N_symb^slot·n_s,f + l: the OFDM symbol counted from the start of the frame.
 */
export function hoppedSequence({ mode, identity, length }: SequenceHopping, symbol: number): number {
  if (mode === "group") {
    const shift = pseudoRandomBits(Math.floor(identity / SEQUENCE_GROUPS), 8 * symbol, 8);
    return (shift + identity) % SEQUENCE_GROUPS;
  }
  const group = identity % SEQUENCE_GROUPS;
  const number = mode === "sequence" && length >= 72 ? pseudoRandomBits(identity, symbol, 1) : 0;
  return SEQUENCE_GROUPS * number + group;
}

/** Bits of the pseudo-random sequence of `cInit` from `first` on, within one word of 32, the first the lowest. */
function pseudoRandomBits(cInit: number, first: number, count: number): number {
  const words = new Uint32Array((first >> 5) + 1);
  goldSequence(cInit, words);
  return (words[first >> 5]! >>> (first & 31)) & (2 ** count - 1);
}
