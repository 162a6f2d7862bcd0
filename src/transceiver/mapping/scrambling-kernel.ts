import {
  argument,
  arith,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  scf,
  vector,
} from "../../compiler/index.js";

/** Words of 32 bits that the recursion of the scrambling sequence reaches back. */
export const SEQUENCE_WORDS = 31;

/**
 * The scrambling sequence of TS 38.211 5.2.1 on words of 32 bits, where the generators read
 * `x1[w + 31] = x1[w + 3] ^ x1[w]` and `x2[w + 31] = x2[w + 3] ^ x2[w + 2] ^ x2[w + 1] ^ x2[w]`: extends x2 in place,
 * from its first 31 words, by `words` words, and gives `sequence[w] = x1[w] ^ x2[w]` for so many, both to the next
 * multiple of `lanes`. x1 does not depend on the initial value, and so is given whole.
 * @param lanes of i32: a power of two, at most 16, since the nearest word read is 28 back.
 */
export const scramblingKernel = kernelBuilder(
  import.meta.url,
  "scramblingKernel",
  (lanes: number): Kernel => {
    const most = 2 ** 26;
    return kernel(
      `scrambling_v${lanes}`,
      {
        x1: buffer("i32", most),
        x2: buffer("i32", most),
        sequence: buffer("i32", most),
        words: argument("index"),
      },
      ({ x1, x2, sequence, words }) => {
        scf.for(0, words, lanes, (word) => {
          const taps = [0, 1, 2, 3].map((tap) => vector.load(x2, arith.addi(word, tap), lanes));
          const next = taps.reduce((sum, tap) => arith.xori(sum, tap));
          vector.store(next, x2, arith.addi(word, SEQUENCE_WORDS));
          vector.store(arith.xori(taps[0]!, vector.load(x1, word, lanes)), sequence, word);
        });
      },
    );
  },
);
