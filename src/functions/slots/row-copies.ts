/**
 * Copies of keyed state as of a slot number, made while slots go on: of the rows that were declared written since the
 * barrier before. A barrier marks their chunks between two slots; a thread in the background copies marked chunks into
 * staging memory, and before a slot writes a row, its thread copies what of the row is still marked itself.
 *
 * Invariants:
 * 1. A chunk that is marked, or being copied, holds what it held at the barrier: who writes its row has made sure before
 *    that the chunk is neither.
 * 2. Only who has claimed a marked chunk by an atomic exchange copies it, so each is copied once.
 * 3. The slot thread waits for at most one chunk that the background is copying at a time, never for a whole row.
 * 4. A barrier comes only when nothing is marked: one epoch is copied at a time.
 * 5. A row is in an epoch exactly if it was written between the barrier before and this one.
 */
import { type KeyedDescription, type KeyedShape, keyedShape } from "../keyed-shape.js";

/** Bytes of a chunk at most: what a slot may have to wait for, some 10 microseconds. */
export const chunkBytes = 65536;

const clear = 0;
const marked = 1;
const copiedBySlot = 2;
const copiedInBackground = 3;
const copied = 4;

/** What all threads share to make copies. */
export interface SharedCopies {
  readonly keyed: readonly KeyedDescription[];
  /** One element: chunks that are marked or being copied. */
  readonly left: Int32Array<SharedArrayBuffer>;
  /** The state of each chunk. */
  readonly marks: Int32Array<SharedArrayBuffer>;
  /** 1 for each row, kind after kind, that was written since the last barrier. */
  readonly written: Uint8Array<SharedArrayBuffer>;
  readonly staging: SharedArrayBuffer;
}

/** Memory for copies of this keyed state. */
export function createSharedCopies(keyed: readonly KeyedDescription[], bytes = chunkBytes): SharedCopies {
  const shape = keyedShape(keyed, bytes);
  return {
    keyed,
    left: new Int32Array(new SharedArrayBuffer(4)),
    marks: new Int32Array(new SharedArrayBuffer(4 * shape.chunks)),
    written: new Uint8Array(new SharedArrayBuffer(shape.rows)),
    staging: new SharedArrayBuffer(shape.bytes),
  };
}

/** A thread's way to the copies. */
export interface RowCopies {
  /** Of the slot thread: before a slot writes a row. Allocates nothing. */
  beforeWrite(kind: number, row: number): void;
  /** Of the slot thread, between two slots: begins an epoch. */
  barrier(): void;
  /** Of the background: copies the next marked chunk from `from` on; returns the one behind it, or -1 where there is none. */
  copyNext(from: number): number;
}

/**
 * @param waiting called again and again while the slot thread waits for a chunk
 * @param halfway called while the background copies a chunk
 */
export function createRowCopies(
  memory: ArrayBufferLike,
  shared: SharedCopies,
  bytes = chunkBytes,
  waiting: () => void = () => {},
  halfway: () => void = () => {},
): RowCopies {
  const { left, marks, written } = shared;
  const { kinds, sources, targets } = chunksOf(memory, shared, keyedShape(shared.keyed, bytes));
  return {
    beforeWrite(kind, row) {
      const { firstRow, firstChunk, chunksPerRow } = kinds[kind];
      written[firstRow + row] = 1;
      if (Atomics.load(left, 0) === 0) return;
      const begin = firstChunk + row * chunksPerRow;
      for (let chunk = begin; chunk < begin + chunksPerRow; chunk++) {
        if (Atomics.compareExchange(marks, chunk, marked, copiedBySlot) === marked) {
          targets[chunk].set(sources[chunk]);
          Atomics.store(marks, chunk, copied);
          Atomics.sub(left, 0, 1);
        } else while (Atomics.load(marks, chunk) === copiedInBackground) waiting();
      }
    },
    barrier() {
      for (let kind = 0; kind < kinds.length; kind++) {
        const { firstRow, rows, firstChunk, chunksPerRow } = kinds[kind];
        for (let row = 0; row < rows; row++) {
          if (written[firstRow + row] === 0) continue;
          written[firstRow + row] = 0;
          // Before they are marked: the background may copy them at once.
          Atomics.add(left, 0, chunksPerRow);
          const begin = firstChunk + row * chunksPerRow;
          for (let chunk = begin; chunk < begin + chunksPerRow; chunk++) Atomics.store(marks, chunk, marked);
        }
      }
    },
    copyNext(from) {
      for (let chunk = from; chunk < marks.length; chunk++) {
        if (Atomics.compareExchange(marks, chunk, marked, copiedInBackground) !== marked) continue;
        halfway();
        targets[chunk].set(sources[chunk]);
        Atomics.store(marks, chunk, copied);
        Atomics.sub(left, 0, 1);
        return chunk + 1;
      }
      return -1;
    },
  };
}

/** A row of an epoch. */
export interface CopiedRow {
  readonly kind: number;
  readonly row: number;
  /** Bytes by state, in staging memory. */
  readonly bytes: Readonly<Record<string, Uint8Array>>;
}

/** The rows of an epoch that is copied; from then on nothing of it is marked. */
export function takeCopies({ keyed, marks, staging }: SharedCopies, bytes = chunkBytes): CopiedRow[] {
  const shape = keyedShape(keyed, bytes);
  return shape.kinds.flatMap(({ rows, firstChunk, chunksPerRow, states }, kind) => {
    const found: CopiedRow[] = [];
    for (let row = 0; row < rows; row++) {
      const begin = firstChunk + row * chunksPerRow;
      if (chunksPerRow === 0 || Atomics.load(marks, begin) !== copied) continue;
      marks.fill(clear, begin, begin + chunksPerRow);
      const content = states.map(
        ({ name, stagingOffset, rowBytes }) =>
          [name, new Uint8Array(staging, stagingOffset + row * rowBytes, rowBytes)] as const,
      );
      found.push({ kind, row, bytes: Object.fromEntries(content) });
    }
    return found;
  });
}

/** Has rows be in the next epoch though they are not written. Only while no epoch is underway. */
export function markWritten(
  { keyed, written }: SharedCopies,
  rows: readonly { readonly kind: number; readonly row: number }[],
): void {
  const { kinds } = keyedShape(keyed, chunkBytes);
  for (const { kind, row } of rows) written[kinds[kind].firstRow + row] = 1;
}

/** Gives back what a slot thread had claimed that has ended: it had not written what it copied. */
export function releaseClaims({ marks }: SharedCopies): void {
  for (let chunk = 0; chunk < marks.length; chunk++)
    Atomics.compareExchange(marks, chunk, copiedBySlot, marked);
}

function chunksOf(
  memory: ArrayBufferLike,
  { staging }: SharedCopies,
  { kinds, chunkBytes: most }: KeyedShape,
) {
  const sources: Uint8Array[] = [];
  const targets: Uint8Array[] = [];
  for (const { rows, states } of kinds) {
    for (let row = 0; row < rows; row++) {
      for (const { offset, stagingOffset, rowBytes } of states) {
        for (let at = 0; at < rowBytes; at += most) {
          const length = Math.min(most, rowBytes - at);
          sources.push(new Uint8Array(memory, offset + row * rowBytes + at, length));
          targets.push(new Uint8Array(staging, stagingOffset + row * rowBytes + at, length));
        }
      }
    }
  }
  return { kinds, sources, targets };
}
