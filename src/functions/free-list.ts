/** Which bytes of a range are free: first fit, and neighbours that are free become one. */
export interface FreeList {
  /** The begin of `bytes` bytes that are now taken, or undefined when no gap is large enough. */
  take(bytes: number): number | undefined;
  /** Gives back what `take` returned, with the same number of bytes. */
  give(begin: number, bytes: number): void;
  /** Free bytes in all. */
  free(): number;
  /** Bytes of the largest gap. */
  largest(): number;
}

/** A free list over the bytes from `begin` up to but not including `end`. */
export function createFreeList(begin: number, end: number): FreeList {
  // Sorted by begin; no two gaps touch.
  const gaps = [{ begin, end }];
  return {
    take(bytes) {
      const index = gaps.findIndex((gap) => gap.end - gap.begin >= bytes);
      const gap = gaps[index];
      if (gap === undefined) return undefined;
      const taken = gap.begin;
      gap.begin += bytes;
      if (gap.begin === gap.end) gaps.splice(index, 1);
      return taken;
    },
    give(begin, bytes) {
      const end = begin + bytes;
      const next = gaps.findIndex((gap) => gap.begin >= end);
      const index = next < 0 ? gaps.length : next;
      const before = gaps[index - 1];
      const after = gaps[index];
      const joinsBefore = before !== undefined && before.end === begin;
      const joinsAfter = after !== undefined && after.begin === end;
      if (joinsBefore && joinsAfter) {
        before.end = after.end;
        gaps.splice(index, 1);
      } else if (joinsBefore) before.end = end;
      else if (joinsAfter) after.begin = begin;
      else gaps.splice(index, 0, { begin, end });
    },
    free: () => gaps.reduce((sum, gap) => sum + gap.end - gap.begin, 0),
    largest: () => gaps.reduce((most, gap) => Math.max(most, gap.end - gap.begin), 0),
  };
}
