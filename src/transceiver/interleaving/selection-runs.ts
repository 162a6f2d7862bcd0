import type { InterleavingScheme } from "./interleaving-scheme.js";

/** Selected bits that stand side by side in the circular buffer. */
export interface SelectionRun {
  /** First of them in the order of selection. */
  readonly from: number;
  /** First of them in the encoder's output d. */
  readonly to: number;
  readonly count: number;
  /** Whether an earlier run held these positions. */
  readonly repeated: boolean;
}

/**
 * Bit selection of one code block (TS 38.212 5.4.2.1) as runs: from k_0 through the circular buffer, around its end
 * and past the filler bits, until E bits are taken.
 */
export function selectionRuns(scheme: InterleavingScheme, outputBits: number): SelectionRun[] {
  const { circularBufferSize, start, fillerStart, fillerEnd } = scheme;
  // The parts of the buffer between filler bits, in the order in which they come after k_0.
  const parts = (
    [
      [start, circularBufferSize],
      [0, start],
    ] as const
  ).flatMap(([begin, end]) =>
    [[begin, Math.min(end, fillerStart)] as const, [Math.max(begin, fillerEnd), end] as const].filter(
      ([first, last]) => first < last,
    ),
  );
  const runs: SelectionRun[] = [];
  let from = 0;
  for (let round = 0; from < outputBits; round++)
    for (const [begin, end] of parts) {
      const count = Math.min(end - begin, outputBits - from);
      if (count > 0) runs.push({ from, to: begin, count, repeated: round > 0 });
      from += count;
    }
  return runs;
}
