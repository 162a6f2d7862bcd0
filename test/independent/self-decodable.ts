import { type BaseGraph, baseGraph, shift } from "./base-graphs.js";
import { outputLengths, referenceLength, selectBits, startingPosition } from "./rate-matching.js";
import { filler, segment } from "./segmentation.js";
import { dimensions, type IndependentGrant } from "./transmitter.js";

/**
 * Whether the bits of one transmission alone determine every code block by iterative decoding, were they received
 * without a doubt: checks with one unknown bit solve it, row after row, at most `passes` times over all rows.
 */
export function isSelfDecodable(grant: IndependentGrant, passes: number): boolean {
  const { transportBlockSize, codedBits, modulationOrder, baseGraph: number } = dimensions(grant);
  const size = transportBlockSize + (transportBlockSize > 3824 ? 24 : 16);
  const { liftingSize, codeBlocks } = segment(new Array<number>(size).fill(0), number);
  const graph = baseGraph(number);
  const information = codeBlocks[0]!;
  const known = new Uint8Array(graph.columns * liftingSize);
  information.forEach((bit, position) => {
    if (bit === filler) known[position] = 1;
  });
  const punctured = 2 * liftingSize;
  const d = Array.from({ length: known.length - punctured }, (_, k) => (known[punctured + k] ? filler : k));
  const { limitedBuffer: limit } = grant;
  const bufferLength = limit ? Math.min(d.length, referenceLength(limit, codeBlocks.length)) : d.length;
  const start = startingPosition(grant.rvIndex, number, bufferLength, liftingSize);
  const lengths = outputLengths(codedBits, codeBlocks.length, grant.nrOfLayers, modulationOrder);
  for (const k of selectBits(d, bufferLength, start, Math.min(...lengths))) known[punctured + k] = 1;
  return solve(graph, liftingSize, known, passes, information.length);
}

function solve(
  graph: BaseGraph,
  liftingSize: number,
  known: Uint8Array,
  passes: number,
  wanted: number,
): boolean {
  const rows = Array.from({ length: graph.rows }, (_, row) =>
    graph.entries
      .filter((entry) => entry.row === row)
      .map((entry) => ({ column: entry.column * liftingSize, shift: shift(entry, liftingSize) })),
  );
  for (let pass = 0; pass < passes; pass++) {
    for (const row of rows) {
      for (let check = 0; check < liftingSize; check++) {
        let [unknowns, last] = [0, 0];
        for (const { column, shift } of row) {
          const bit = column + ((check + shift) % liftingSize);
          if (!known[bit]) {
            unknowns++;
            last = bit;
          }
        }
        if (unknowns === 1) known[last] = 1;
      }
    }
    if (known.subarray(0, wanted).every((bit) => bit === 1)) return true;
  }
  return false;
}
