import type { Context } from "../../functions/index.js";
import { goldSequence } from "../pusch/gold-sequence.js";
import { SEQUENCE_WORDS, scramblingKernel } from "./scrambling-kernel.js";

/** The scrambling sequence of a codeword in the arena. */
export interface ScramblingSequence {
  /** Byte offset of its first byte; c(n) is bit `n & 7`, counted from the lowest, of byte `n >> 3`. */
  readonly offset: number;
  /** Makes it that of an initial value, unless it is already. Allocates nothing. */
  generate(scramblingInit: number): void;
}

const LANES = 4;

/** Prepares the sequence of TS 38.211 6.3.1.1 for so many bits. */
export function prepareScramblingSequence(
  context: Pick<Context, "table" | "scratch" | "compile">,
  bits: number,
): ScramblingSequence {
  const words = LANES * Math.ceil(bits / 32 / LANES);
  // c_init 0 leaves the second generator at zeros, so that the sequence is the first one's.
  const first = new Uint32Array(Math.max(words, SEQUENCE_WORDS));
  goldSequence(0, first);
  const x1 = context.table("x1", new Int32Array(first.buffer));
  const x2 = context.scratch("x2", "int32", words + SEQUENCE_WORDS);
  const sequence = context.scratch("sequence", "int32", words);
  const run = context.compile(scramblingKernel(LANES));
  const start = new Uint32Array(SEQUENCE_WORDS);
  let current = -1;
  return {
    offset: sequence.offset,
    generate(scramblingInit) {
      if (scramblingInit === current) return;
      goldSequence(scramblingInit, start);
      for (let word = 0; word < SEQUENCE_WORDS; word++) x2.view[word] = start[word]! ^ x1.view[word]!;
      run(x1.offset, x2.offset, sequence.offset, words);
      current = scramblingInit;
    },
  };
}
