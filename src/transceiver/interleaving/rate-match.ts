import type { RateMatching } from "../pusch/rate-matching.js";

/**
 * Bit selection and interleaving of one code block (TS 38.212 5.4.2.1 and 5.4.2.2): for each of the E bits that are
 * sent, its position in the encoder's output d. Positions repeat where E exceeds the circular buffer; filler bits
 * are left out.
 * @param outputBits E, a multiple of the modulation order.
 */
export function rateMatchingPositions(
  matching: RateMatching,
  outputBits: number,
  modulationOrder: number,
): Uint32Array {
  const { circularBufferSize, start, fillerStart, fillerEnd } = matching;
  const positions = new Uint32Array(outputBits);
  const columns = outputBits / modulationOrder;
  let position = start;
  for (let row = 0; row < modulationOrder; row++)
    for (let column = 0; column < columns; column++) {
      if (position >= fillerStart && position < fillerEnd) position = fillerEnd;
      if (position >= circularBufferSize) position = 0;
      positions[column * modulationOrder + row] = position++;
    }
  return positions;
}

/**
 * Rate matching, interleaving and concatenation of all code blocks (TS 38.212 5.4.2, 5.5). Allocates nothing.
 * @param encoded `count * encodedBits` bits, one a byte.
 * @param codeword receives the codeword's bits, one a byte.
 */
export type RateMatch = (encoded: Uint8Array, codeword: Uint8Array) => void;

/** Prepares {@link RateMatch} for a configuration and all with its key. */
export function prepareRateMatch(configuration: {
  readonly modulationOrder: number;
  readonly rateMatching: RateMatching;
  readonly codeBlocks: { readonly encodedBits: number };
}): RateMatch {
  const { rateMatching, modulationOrder } = configuration;
  const { encodedBits } = configuration.codeBlocks;
  const tables = new Map<number, Uint32Array>();
  const positions = rateMatching.outputBits.map((outputBits) => {
    const table = tables.get(outputBits) ?? rateMatchingPositions(rateMatching, outputBits, modulationOrder);
    tables.set(outputBits, table);
    return table;
  });
  return (encoded, codeword) => {
    let written = 0;
    for (let block = 0; block < positions.length; block++) {
      const table = positions[block]!;
      const start = block * encodedBits;
      for (let bit = 0; bit < table.length; bit++) codeword[written++] = encoded[start + table[bit]!]!;
    }
  };
}
