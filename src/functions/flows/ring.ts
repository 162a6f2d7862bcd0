/**
 * A queue of bytes from one thread to another in shared memory, without locks.
 *
 * Invariants:
 * 1. The producer alone writes `written` and the records, the consumer alone `read`.
 * 2. `written` is at most the capacity ahead of `read`, so that no record is overwritten before it is read.
 * 3. A record is whole before `written` passes it: neither thread ever sees part of one.
 * 4. A record lies in one piece: where the end of the ring leaves no room, a mark says to go on at its begin.
 */

/** Words of the header, each on a cache line of its own. Positions count bytes and wrap around at 32 bits. */
const word = { written: 0, read: 16, roomWanted: 32 } as const;
const header_bytes = 192;
/** Each record begins with its length and its tag. */
const recordHeader_bytes = 8;
const skip = -1;

/** Records have tags: of a message 0, of a barrier its epoch. */
export const messageTag = 0;

export interface RingProducer {
  /** Whether the record went in; where not, the consumer's next `take` says that room is wanted. */
  write(bytes: Uint8Array, tag: number): boolean;
}

export interface RingConsumer {
  /** The length of the record that is next; -1 where there is none. */
  peek(): number;
  /** The tag of the record that `peek` has found. */
  tag(): number;
  /** Copies the record that `peek` has found to `target`, and takes it off. True where the producer waits for room. */
  take(target: Uint8Array): boolean;
}

/** Memory for a ring of `bytes`, a power of two. */
export function ringMemory(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(header_bytes + bytes);
}

/** The bytes of the largest record that a ring of `bytes` takes. */
export function largestRecord(bytes: number): number {
  return bytes / 2 - recordHeader_bytes;
}

/** Bytes of records that a ring holds, as any thread sees it. */
export function ringFill(memory: SharedArrayBuffer): number {
  const header = new Int32Array(memory, 0, header_bytes / 4);
  return (Atomics.load(header, word.written) - Atomics.load(header, word.read)) | 0;
}

export function ringProducer(memory: SharedArrayBuffer): RingProducer {
  const header = new Int32Array(memory, 0, header_bytes / 4);
  const words = new Int32Array(memory, header_bytes);
  const data = new Uint8Array(memory, header_bytes);
  const capacity = data.length;
  const mask = capacity - 1;
  let written = Atomics.load(header, word.written);
  // Looked up only when it seems that there is no room, as it lies in the other thread's cache.
  let read = Atomics.load(header, word.read);

  const roomFor = (bytes: number): boolean => {
    if (capacity - ((written - read) | 0) >= bytes) return true;
    read = Atomics.load(header, word.read);
    if (capacity - ((written - read) | 0) >= bytes) return true;
    Atomics.store(header, word.roomWanted, 1);
    // The consumer may have read in between and not have seen the wish.
    read = Atomics.load(header, word.read);
    if (capacity - ((written - read) | 0) < bytes) return false;
    Atomics.store(header, word.roomWanted, 0);
    return true;
  };

  return {
    write(bytes, tag) {
      const size = recordHeader_bytes + ((bytes.length + 7) & ~7);
      let at = written & mask;
      const toEnd = capacity - at;
      const skipped = toEnd < size ? toEnd : 0;
      if (!roomFor(size + skipped)) return false;
      if (skipped > 0) {
        words[at >> 2] = skip;
        at = 0;
      }
      words[at >> 2] = bytes.length;
      words[(at >> 2) + 1] = tag;
      data.set(bytes, at + recordHeader_bytes);
      written = (written + size + skipped) | 0;
      Atomics.store(header, word.written, written);
      return true;
    },
  };
}

export function ringConsumer(memory: SharedArrayBuffer): RingConsumer {
  const header = new Int32Array(memory, 0, header_bytes / 4);
  const words = new Int32Array(memory, header_bytes);
  const data = Buffer.from(memory, header_bytes);
  const mask = data.length - 1;
  let read = Atomics.load(header, word.read);
  let written = read;

  return {
    peek() {
      if (written === read) {
        written = Atomics.load(header, word.written);
        if (written === read) return -1;
      }
      const length = words[(read & mask) >> 2];
      if (length !== skip) return length;
      read = (read + data.length - (read & mask)) | 0;
      return words[(read & mask) >> 2];
    },
    tag: () => words[((read & mask) >> 2) + 1] >>> 0,
    take(target) {
      const at = read & mask;
      const length = words[at >> 2];
      const begin = at + recordHeader_bytes;
      data.copy(target, 0, begin, begin + length);
      read = (read + recordHeader_bytes + ((length + 7) & ~7)) | 0;
      Atomics.store(header, word.read, read);
      if (Atomics.load(header, word.roomWanted) === 0) return false;
      Atomics.store(header, word.roomWanted, 0);
      return true;
    },
  };
}
