import type { BaseGraph, Edge } from "./base-graph.js";

/**
 * Encodes one code block (TS 38.212 5.3.2). Allocates nothing.
 * @param information K bits, one a byte, filler bits as 0, from `informationOffset`.
 * @param encoded receives N bits d: 66·Z or 50·Z from `encodedOffset`, without the two punctured blocks.
 */
export type Encode = (
  information: Uint8Array,
  informationOffset: number,
  encoded: Uint8Array,
  encodedOffset: number,
) => void;

/** `target ^= source rotated`: one term of a parity equation, in blocks. */
interface Term {
  readonly target: number;
  readonly source: number;
  readonly rotation: number;
}

/**
 * Prepares the encoder of a base graph; it takes time linear in the edges.
 *
 * The four core rows make one equation of the first parity block alone when they are added: the other core parity
 * blocks stand in two rows each with the same shift, and so does the first with one of its two shifts. The
 * remaining core blocks follow from rows in which one of them is unknown, and every further row has one parity
 * block of its own.
 */
export function prepareEncoder(graph: BaseGraph): Encode {
  const { liftingSize, columns, informationColumns } = graph;
  const terms = parityTerms(graph);
  const bits = new Uint8Array(columns * liftingSize);
  const informationBits = informationColumns * liftingSize;
  const punctured = 2 * liftingSize;
  return (information, informationOffset, encoded, encodedOffset) => {
    for (let bit = 0; bit < informationBits; bit++) bits[bit] = information[informationOffset + bit]!;
    bits.fill(0, informationBits);
    for (let index = 0; index < terms.length; index++) {
      const { target, source, rotation } = terms[index]!;
      addRotated(bits, target * liftingSize, source * liftingSize, rotation, liftingSize);
    }
    for (let bit = punctured; bit < bits.length; bit++) encoded[encodedOffset + bit - punctured] = bits[bit]!;
  };
}

/** `bits[target + i] ^= bits[source + (i + rotation) mod size]`. */
function addRotated(bits: Uint8Array, target: number, source: number, rotation: number, size: number): void {
  const whole = size - rotation;
  for (let i = 0; i < whole; i++) bits[target + i]! ^= bits[source + rotation + i]!;
  for (let i = whole; i < size; i++) bits[target + i]! ^= bits[source + i - whole]!;
}

/** Every parity block as a sum of rotated blocks that are known before it, in order of computation. */
function parityTerms(graph: BaseGraph): Term[] {
  const { liftingSize, informationColumns: first } = graph;
  const core = graph.rows.slice(0, 4);
  const total = core.flat().filter((edge) => edge.column < first);
  const terms = total.map((edge) =>
    solveFor(first, remainingShift(core, first, liftingSize), edge, liftingSize),
  );

  const known = new Set([first]);
  const pending = [...graph.rows];
  while (pending.length > 0) {
    const next = pending.findIndex((row) => row.filter((edge) => unknown(edge, first, known)).length <= 1);
    const [row] = pending.splice(next, 1) as [readonly Edge[]];
    const own = row.find((edge) => unknown(edge, first, known));
    // The last core row only repeats what the sum of the four gave.
    if (own === undefined) continue;
    for (const edge of row) if (edge !== own) terms.push(solveFor(own.column, own.shift, edge, liftingSize));
    known.add(own.column);
  }
  return terms;
}

function unknown(edge: Edge, firstParity: number, known: ReadonlySet<number>): boolean {
  return edge.column >= firstParity && !known.has(edge.column);
}

/** `P^shift · target` has the term `edge`: so the target has it rotated back by `shift`. */
function solveFor(target: number, shift: number, edge: Edge, liftingSize: number): Term {
  return { target, source: edge.column, rotation: (edge.shift - shift + liftingSize) % liftingSize };
}

/** The one of the first parity block's shifts that has no equal in the core rows. */
function remainingShift(core: readonly (readonly Edge[])[], column: number, liftingSize: number): number {
  const shifts = core.flat().flatMap((edge) => (edge.column === column ? [edge.shift % liftingSize] : []));
  return shifts.find((shift) => shifts.filter((other) => other === shift).length % 2 === 1)!;
}
