import type { TensorDescription } from "./tensor.js";

/** Keyed state of a flow as it travels between threads: see `KeyedRows`. */
export interface KeyedDescription {
  readonly key: string;
  readonly capacity: number;
  readonly states: readonly {
    readonly name: string;
    readonly tensor: TensorDescription;
    readonly initial: ArrayLike<number> | undefined;
  }[];
}

/** Where the rows of one kind of key stand among all rows, and their chunks among all chunks. */
export interface KindShape {
  readonly firstRow: number;
  readonly rows: number;
  readonly firstChunk: number;
  readonly chunksPerRow: number;
  readonly states: readonly {
    readonly name: string;
    readonly offset: number;
    /** Where its rows are copied, one behind the other. */
    readonly stagingOffset: number;
    readonly rowBytes: number;
  }[];
}

/** Keyed state cut into chunks of at most so many bytes: of each kind, each row, each state. */
export interface KeyedShape {
  readonly kinds: readonly KindShape[];
  readonly chunkBytes: number;
  readonly rows: number;
  readonly chunks: number;
  /** Of staging memory. */
  readonly bytes: number;
}

export function keyedShape(keyed: readonly KeyedDescription[], chunkBytes: number): KeyedShape {
  let [rows, chunks, bytes] = [0, 0, 0];
  const kinds = keyed.map(({ capacity, states }): KindShape => {
    const [firstRow, firstChunk] = [rows, chunks];
    let chunksPerRow = 0;
    const placed = states.map(({ name, tensor: { offset, byteLength } }) => {
      const rowBytes = capacity === 0 ? 0 : byteLength / capacity;
      const stagingOffset = bytes;
      bytes += 64 * Math.ceil(byteLength / 64);
      chunksPerRow += Math.ceil(rowBytes / chunkBytes);
      return { name, offset, stagingOffset, rowBytes };
    });
    rows += capacity;
    chunks += capacity * chunksPerRow;
    return { firstRow, rows: capacity, firstChunk, chunksPerRow, states: placed };
  });
  return { kinds, chunkBytes, rows, chunks, bytes };
}
