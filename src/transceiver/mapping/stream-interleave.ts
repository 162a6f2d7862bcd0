import { arith, type Value, vector } from "../../compiler/index.js";

const WIDER = { i8: "i16", i16: "i32", i32: "i64" } as const;

/**
 * Interleaves vectors of integers of one type: element k of each in turn, then element k + 1 of each. Returns what
 * goes to memory one after the other.
 */
export function interleaveStreams(streams: readonly Value[]): Value[] {
  let merged = [...streams];
  // Two streams that stand side by side make one of elements twice as wide.
  for (
    let element = merged[0]!.type.element;
    merged.length % 2 === 0 && element in WIDER;
    element = merged[0]!.type.element
  ) {
    const wider = WIDER[element as keyof typeof WIDER];
    merged = merged.flatMap((stream, index) =>
      index % 2 === 0 ? [vector.bitcast(vector.interleave(stream, merged[index + 1]!), wider)] : [],
    );
  }
  if (merged.length === 1) return merged;
  const { lanes } = merged[0]!.type;
  const count = merged.length;
  let together = merged;
  while (together.length > 1)
    together = together.flatMap((stream, index) =>
      index % 2 === 0 ? [vector.concatenate(stream, together[index + 1] ?? stream)] : [],
    );
  const all = together[0]!;
  return Array.from({ length: count }, (_, chunk) =>
    vector.shuffle(
      all,
      all,
      Array.from({ length: lanes }, (_, lane) => {
        const element = chunk * lanes + lane;
        return (element % count) * lanes + Math.floor(element / count);
      }),
    ),
  );
}

/** Flips the sign of the bytes whose bit, counted from the lowest of the first byte, is set. */
export function negateWhere(bytes: Value, bits: Value): Value {
  const mask = arith.extsi(vector.bitcast(bits, "i1"), "i8");
  return arith.subi(arith.xori(bytes, mask), mask);
}
