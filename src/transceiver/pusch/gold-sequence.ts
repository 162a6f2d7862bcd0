/**
 * The pseudo-random sequence c(n) of TS 38.211 5.2.1, 32 bits a step.
 *
 * A recursion over GF(2) holds for its 32nd power too, `x1(n + 31·32) = x1(n + 3·32) + x1(n)`: on words of 32 bits
 * it reads `word[w + 31] = word[w + 3] ^ word[w]`. So 31 words of each generator are state, and N_C = 1600 is
 * word 50.
 */

const WORDS = 31;
const SKIPPED_WORDS = 1600 / 32;

/** Words 50 to 80 of x1, whose start is fixed. */
const FIRST_X1 = firstWords(1, [0, 3]);

/** Words 50 to 80 of x2 for each bit of c_init alone; x2 is linear in c_init. */
const FIRST_X2 = Array.from({ length: 31 }, (_, bit) => firstWords(2 ** bit, [0, 1, 2, 3]));

const x1 = new Int32Array(WORDS);
const x2 = new Int32Array(WORDS);

/** Words 50 to 80 of the sequence x(n + 31) = Σ x(n + tap) that starts with the bits of `state`. */
function firstWords(state: number, taps: readonly number[]): Int32Array {
  const bits = new Uint8Array(32 * (SKIPPED_WORDS + WORDS));
  for (let n = 0; n < 31; n++) bits[n] = (state >>> n) & 1;
  for (let n = 31; n < bits.length; n++) {
    let bit = 0;
    for (const tap of taps) bit ^= bits[n - 31 + tap]!;
    bits[n] = bit;
  }
  const words = new Int32Array(WORDS);
  for (let n = 0; n < 32 * WORDS; n++) words[n >> 5]! |= bits[32 * SKIPPED_WORDS + n]! << (n & 31);
  return words;
}

function start(cInit: number): void {
  x1.set(FIRST_X1);
  x2.fill(0);
  for (let bit = 0; bit < 31; bit++) {
    if (((cInit >>> bit) & 1) === 0) continue;
    const words = FIRST_X2[bit]!;
    for (let word = 0; word < WORDS; word++) x2[word]! ^= words[word]!;
  }
}

/** The next 31 words in place: an index past the end wraps to a word that is already new. */
function advance(): void {
  for (let word = 0; word < 28; word++) {
    x1[word]! ^= x1[word + 3]!;
    x2[word]! ^= x2[word + 1]! ^ x2[word + 2]! ^ x2[word + 3]!;
  }
  for (let word = 28; word < WORDS; word++) {
    x1[word]! ^= x1[word - 28]!;
    x2[word]! ^= x2[(word + 1) % WORDS]! ^ x2[(word + 2) % WORDS]! ^ x2[word - 28]!;
  }
}

/**
 * Fills `words` with the sequence of `cInit` (0 to 2^31 - 1): c(n) is bit `n & 31`, counted from the least
 * significant, of word `n >> 5`. Allocates nothing.
 */
export function goldSequence(cInit: number, words: Uint32Array): void {
  start(cInit);
  for (let offset = 0; offset < words.length; offset += WORDS) {
    const count = Math.min(WORDS, words.length - offset);
    for (let word = 0; word < count; word++) words[offset + word] = x1[word]! ^ x2[word]!;
    advance();
  }
}

/** Fills `bits` with the sequence of `cInit`, one bit a byte. Allocates nothing. */
export function goldBits(cInit: number, bits: Uint8Array): void {
  start(cInit);
  for (let offset = 0; offset < bits.length; offset += 32 * WORDS) {
    const count = Math.min(32 * WORDS, bits.length - offset);
    for (let n = 0; n < count; n++) bits[offset + n] = ((x1[n >> 5]! ^ x2[n >> 5]!) >>> (n & 31)) & 1;
    advance();
  }
}

/** c_init of PUSCH data scrambling (TS 38.211 6.3.1.1). */
export function scramblingInit(rnti: number, dataScramblingId: number): number {
  return rnti * 2 ** 15 + dataScramblingId;
}
