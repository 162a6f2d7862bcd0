/** Messages of the code. */
export const MESSAGES = 16;
/** Bits of a codeword. */
export const LENGTH = 7;

/** Systematic Hamming (7,4): the parity of data bits 0, 1, 2; 1, 2, 3; 0, 1, 3 behind the four. */
const parities = [
  [0, 1, 2],
  [1, 2, 3],
  [0, 1, 3],
];

/** BPSK signals of all codewords, [message][bit], 0 as +1. */
export const signals: readonly Float64Array[] = Array.from({ length: MESSAGES }, (_, message) => {
  const bits = [0, 1, 2, 3].map((bit) => (message >> bit) & 1);
  const word = [...bits, ...parities.map((places) => places.reduce((sum, place) => sum ^ bits[place]!, 0))];
  return Float64Array.from(word, (bit) => 1 - 2 * bit);
});

/** The message whose signal correlates best with what was received: maximum likelihood in white noise. */
export function decideSoft(received: ArrayLike<number>): number {
  return best((signal) => signal.reduce((sum, chip, index) => sum + chip * received[index]!, 0));
}

/** The message whose codeword differs least from the signs of what was received: hard decision, then decoding. */
export function decideHard(received: ArrayLike<number>): number {
  return best((signal) =>
    signal.reduce((sum, chip, index) => sum + (chip * received[index]! > 0 ? 1 : 0), 0),
  );
}

function best(metric: (signal: Float64Array) => number): number {
  let [found, highest] = [0, Number.NEGATIVE_INFINITY];
  for (let message = 0; message < MESSAGES; message++) {
    const value = metric(signals[message]!);
    if (value > highest) [found, highest] = [message, value];
  }
  return found;
}
