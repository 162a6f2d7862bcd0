import { goldSequence } from "../pusch/gold-sequence.js";

/** Scrambles a codeword in place (TS 38.211 6.3.1.1), one bit a byte; twice gives it back. Allocates nothing. */
export type Scramble = (scramblingInit: number, codeword: Uint8Array) => void;

/** Prepares {@link Scramble} for a codeword of so many bits. */
export function prepareScramble(codewordBits: number): Scramble {
  const words = new Uint32Array(Math.ceil(codewordBits / 32));
  return (scramblingInit, codeword) => {
    goldSequence(scramblingInit, words);
    for (let bit = 0; bit < codewordBits; bit++) codeword[bit]! ^= (words[bit >> 5]! >>> (bit & 31)) & 1;
  };
}
