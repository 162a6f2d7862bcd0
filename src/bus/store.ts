/** One change of a batch: a value, or undefined, which deletes. */
export interface Write {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/** An entry as it is read. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * Durable bytes by key, in the order of the keys' UTF-8 bytes.
 *
 * Invariants:
 * 1. A batch takes effect as a whole or not at all, whatever happens to the process or the machine.
 * 2. Batches take effect in the order in which they were committed: where one is durable, all before it are.
 * 3. Reads see what has taken effect, never part of a batch.
 */
export interface Store {
  /** Undefined where there is none. The bytes are the caller's own. */
  get(key: string): Uint8Array | undefined;
  /** The entries from `from` (included) to `to` (excluded), in order, as they stand when the call is made. */
  range(from: string, to: string): Iterable<Entry>;
  /**
   * Resolves when the batch is durable; of two writes of one key the latter holds. When it rejects, nothing of the batch
   * took effect, nor will anything of those handed over behind it before that could be known, which reject as well.
   * @throws (rejections) NeuroranError STORE_FULL: later batches are tried again, and succeed when there is room; STORE_FAILED:
   * all later ones reject with it as well, until the store is opened again; STORE_CLOSED. InputError, which concerns this batch
   * alone: a key that is empty, no well-formed text, or longer than 1978 bytes of UTF-8; or more
   * than 1 GiB.
   */
  commit(batch: readonly Write[]): Promise<void>;
  /** Waits for what was handed over, and gives the lock back. */
  close(): Promise<void>;
}

/** The least text behind every text that begins with `prefix`: the `to` of a range over a prefix. */
export function afterPrefix(prefix: string): string {
  // U+10FFFF is the last code point in UTF-8 order and no character.
  return `${prefix}\u{10ffff}`;
}
