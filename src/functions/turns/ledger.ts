/**
 * Gathers what turns write into batches, commits one batch after the other, and holds back what must not be seen before.
 *
 * Invariants:
 * 1. What is written between two calls of `cut` becomes durable together or not at all, behind everything written before.
 * 2. At most one batch is being committed; what is written meanwhile gathers for the next.
 * 3. `read` gives what was written last, durable or not.
 * 4. What is handed to `whenDurable` runs after everything written before it has become durable, in the order in which it was
 *    handed over; when that fails, it is told so instead, and nothing of it is in the store.
 */
import type { Store, Write } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";

/** Turns entries into bytes for the store, and back. */
export interface EntryCodec {
  encode(key: string, value: unknown): Uint8Array;
  decode(key: string, bytes: Uint8Array): unknown;
}

/** What waits for a commit. */
interface Gated {
  readonly release: () => void;
  readonly fail: (error: NeuroranError) => void;
}

interface Pending {
  readonly value: unknown;
  /** The store has no entry of this key, nor has the batch being committed. */
  readonly fresh: boolean;
}

interface Batch {
  readonly entries: Map<string, Pending>;
  readonly gated: Gated[];
}

/** Told of an entry that cannot be read, and stays where it is. */
export type Damaged = (entry: string, error: unknown) => void;

export interface Ledger {
  /** Undefined where there is no entry. The value must not be changed. @throws what store and codec throw of damaged ones. */
  read(key: string): unknown;
  /** Whether there is an entry, whatever it holds. */
  has(key: string): boolean;
  /** Writes an entry that there was none of: one that goes before the next commit is never stored. */
  add(key: string, value: unknown): void;
  put(key: string, value: unknown): void;
  remove(key: string): void;
  whenDurable(release: () => void, fail: (error: NeuroranError) => void): void;
  /** Hands over what was gathered, unless a batch is being committed: then it follows by itself. */
  cut(): void;
  /** Drops what has gathered, as if its commit had failed, as soon as the batch being committed is through. */
  abandon(error: NeuroranError): void;
  /** The number of the batch that gathers now. */
  readonly batch: number;
  /** Nothing is gathered and nothing is being committed. */
  readonly idle: boolean;
  /** Entries that are gathered and not yet handed over. */
  readonly gathered: number;
  /** Batches that became durable, and entries in them. */
  counts(): { readonly commits: number; readonly writes: number };
}

/**
 * A ledger over `store`. `failed` is called when a commit fails, before those who wait are told, with the number of the first
 * batch that is lost: all that was gathered has been dropped then, and `read` gives what the store holds.
 */
export function createLedger(
  store: Store,
  codec: EntryCodec,
  failed: (error: NeuroranError, firstLost: number) => void,
): Ledger {
  let gathering: Batch = { entries: new Map(), gated: [] };
  let committing: Batch | undefined;
  let commits = 0;
  let writes = 0;
  let batch = 0;
  /** Why all that gathers is dropped when the batch being committed is through. */
  let abandoned: NeuroranError | undefined;

  const handOver = (): void => {
    committing = gathering;
    gathering = { entries: new Map(), gated: [] };
    batch++;
    let encoded: Write[];
    try {
      encoded = [...committing.entries].map(encodeEntry);
    } catch (error) {
      rejected(error);
      return;
    }
    writes += encoded.length;
    store.commit(encoded).then(committed, rejected);
  };

  const encodeEntry = ([key, { value }]: [string, Pending]): Write => {
    return { key, value: value === undefined ? undefined : codec.encode(key, value) };
  };

  const cut = (): void => {
    if (committing !== undefined) return;
    if (gathering.entries.size > 0) {
      handOver();
      return;
    }
    // All that was written has vanished again: what waits for it has nothing to wait for.
    const { gated } = gathering;
    gathering = { entries: gathering.entries, gated: [] };
    for (const { release } of gated) release();
  };

  const committed = (): void => {
    const { gated } = committing as Batch;
    committing = undefined;
    commits++;
    if (abandoned !== undefined) drop(abandoned);
    // The next batch goes first: what is released may take long.
    if (gathering.entries.size > 0) handOver();
    for (const { release } of gated) release();
    cut();
  };

  const drop = (error: NeuroranError): void => {
    const { gated } = gathering;
    abandoned = undefined;
    gathering = { entries: new Map(), gated: [] };
    failed(error, batch);
    for (const { fail } of gated) fail(error);
  };

  const rejected = (cause: unknown): void => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = new NeuroranError("COMMIT_FAILED", `nothing of this happened: ${reason}`, { cause });
    const gated = [...(committing as Batch).gated, ...gathering.gated];
    committing = undefined;
    abandoned = undefined;
    gathering = { entries: new Map(), gated: [] };
    failed(error, batch - 1);
    for (const { fail } of gated) fail(error);
  };

  return {
    read(key) {
      const pending = gathering.entries.get(key) ?? committing?.entries.get(key);
      if (pending !== undefined) return pending.value;
      const bytes = store.get(key);
      return bytes === undefined ? undefined : codec.decode(key, bytes);
    },
    has(key) {
      const pending = gathering.entries.get(key) ?? committing?.entries.get(key);
      return pending === undefined ? store.get(key) !== undefined : pending.value !== undefined;
    },
    add(key, value) {
      gathering.entries.set(key, { value, fresh: true });
    },
    put(key, value) {
      const fresh = gathering.entries.get(key)?.fresh ?? false;
      gathering.entries.set(key, { value, fresh });
    },
    remove(key) {
      if (gathering.entries.get(key)?.fresh === true) gathering.entries.delete(key);
      else gathering.entries.set(key, { value: undefined, fresh: false });
    },
    whenDurable(release, fail) {
      if (gathering.entries.size > 0 || gathering.gated.length > 0) gathering.gated.push({ release, fail });
      else if (committing !== undefined) committing.gated.push({ release, fail });
      else release();
    },
    cut,
    abandon(error) {
      if (committing === undefined) drop(error);
      else abandoned = error;
    },
    get batch() {
      return batch;
    },
    get idle() {
      return committing === undefined && gathering.entries.size === 0;
    },
    get gathered() {
      return gathering.entries.size;
    },
    counts: () => ({ commits, writes }),
  };
}
