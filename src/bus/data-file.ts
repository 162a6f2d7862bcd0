/**
 * The entries of a store in LMDB.
 *
 * Invariants:
 * 1. An entry's value is preceded by the CRC-32 of its key and value, so that neither can change, nor one take the place of
 *    another, without being found. Values that are sealed have it too: it is checked before anybody has a key to open them,
 *    and is 0.3 µs off the path of those who wait.
 * 2. How far the log has been applied lies here, and changes in the transaction that applies it.
 * 3. No transaction begins before the file has room for it.
 */
import { statfsSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Database } from "lmdb";
import { NeuroranError } from "../errors.js";
import { type DataPages, reserveRoom, type Writes } from "./data-room.js";
import type { Entry } from "./store.js";

/** What of the log is here, and what its records' checksums start from. */
export interface Applied {
  readonly sequence: number;
  readonly salt: number;
}

export interface DataFile {
  get(key: string): Uint8Array | undefined;
  /** As of now; what is not read to its end has to be ended by `return`, as `for` does. */
  range(from: string, to: string): Iterable<Entry>;
  /** Undefined in a new file. */
  applied(): Applied | undefined;
  /** Durable when it returns. */
  apply(writes: Writes, applied: Applied): void;
  /** Lets reads see what another thread has applied. */
  refresh(): void;
  close(): Promise<void>;
}

const checksumBytes = 4;
/** No UTF-8 has such bytes, so that no key is it. */
const appliedKey = Buffer.of(0xff, 0xff);
const mapFull = -30792;
/** Address space, not memory: so much that the map never has to be moved under a thread that reads. */
const map_bytes = 2 ** 40;
/** Entries of a range that are read at once: most ranges are shorter, and hold no transaction open. */
const readAhead = 256;

export function dataPath(directory: string): string {
  return join(directory, "data.mdb");
}

/** @throws NeuroranError STORE_CORRUPT, STORE_FULL or STORE_FAILED. */
export async function openDataFile(directory: string): Promise<DataFile> {
  // Loaded here, so that what never opens a store is spared its memory.
  const { open } = await import("lmdb");
  const path = dataPath(directory);
  const settings = {
    keyEncoding: "binary",
    encoding: "binary",
    overlappingSync: false,
    noSubdir: true,
    mapSize: map_bytes,
    // Entries' keys are readable, whatever their values are.
    permissionsMode: 0o600,
  } as const;
  const database = attempt(path, () => open<Buffer, Buffer>({ path, ...settings }));

  function range(from: string, to: string): Iterable<Entry> {
    const cursor = attempt(path, () =>
      database.getRange({ start: Buffer.from(from), end: Buffer.from(to) })[Symbol.iterator](),
    );
    const next = (): Entry | undefined => {
      const { done, value } = attempt(path, () => cursor.next());
      if (done) return undefined;
      return { key: value.key.toString(), value: checked(path, value.key, value.value) };
    };
    const first = take(next, readAhead);
    return first.length < readAhead ? first : rest(first, next, () => cursor.return?.());
  }

  return {
    get(key) {
      const bytes = Buffer.from(key);
      // LMDB's own buffer, which the next read overwrites and whose length is a property that it sets.
      const shared = attempt(path, () => database.getBinaryFast(bytes));
      return shared && Buffer.from(checked(path, bytes, shared.subarray(0, shared.length)));
    },
    range,
    applied() {
      const stored = attempt(path, () => database.getBinary(appliedKey));
      if (stored === undefined) return undefined;
      const value = checked(path, appliedKey, stored);
      return { sequence: value.readDoubleLE(0), salt: value.readUInt32LE(8) };
    },
    apply(writes, { sequence, salt }) {
      const progress = Buffer.alloc(12);
      progress.writeDoubleLE(sequence, 0);
      progress.writeUInt32LE(salt, 8);
      attempt(path, () => {
        reserveRoom(path, database.getStats() as DataPages, writes);
        database.transactionSync(() => {
          for (const [key, value] of writes) write(database, Buffer.from(key), value);
          write(database, appliedKey, progress);
        });
      });
      database.resetReadTxn();
    },
    refresh: () => database.resetReadTxn(),
    close: () => database.close(),
  };
}

/** The next entries, at most `limit`. */
function take(next: () => Entry | undefined, limit: number): Entry[] {
  const entries: Entry[] = [];
  while (entries.length < limit) {
    const entry = next();
    if (entry === undefined) break;
    entries.push(entry);
  }
  return entries;
}

function* rest(first: readonly Entry[], next: () => Entry | undefined, done: () => void): Iterable<Entry> {
  try {
    yield* first;
    for (let entry = next(); entry !== undefined; entry = next()) yield entry;
  } finally {
    done();
  }
}

function write(database: Database<Buffer, Buffer>, key: Buffer, value: Uint8Array | undefined): void {
  if (value === undefined) {
    database.remove(key);
    return;
  }
  const stored = Buffer.allocUnsafe(checksumBytes + value.length);
  stored.writeUInt32LE(crc32(value, crc32(key)), 0);
  stored.set(value, checksumBytes);
  database.put(key, stored);
}

/** Whether the bytes are a value with the checksum that belongs to it and the key. */
export function isIntact(key: Uint8Array, stored: Buffer): boolean {
  if (stored.length < checksumBytes) return false;
  return crc32(stored.subarray(checksumBytes), crc32(key)) === stored.readUInt32LE(0);
}

function checked(path: string, key: Buffer, stored: Buffer): Buffer {
  if (isIntact(key, stored)) return stored.subarray(checksumBytes);
  const name = key.toString().replaceAll("\0", "/");
  throw corruptData(path, `holds an entry that does not match its checksum: ${name}`);
}

export function corruptData(path: string, what: string, cause?: unknown): NeuroranError {
  const remedy = "restore the store from a snapshot";
  return new NeuroranError("STORE_CORRUPT", `${path} ${what}; ${remedy}`, { cause });
}

function attempt<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw storeError(path, cause);
  }
}

function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** What LMDB or the file system says, as an error that says what to do. */
export function storeError(path: string, cause: unknown): NeuroranError {
  if (cause instanceof NeuroranError) return cause;
  const { code, message } = cause as { code?: string | number; message?: string };
  // Where part of a page still fits, LMDB calls it an error of input or output.
  const isFull = /Input\/output error/.test(`${message}`) && freeBytes(path) < 2 ** 20;
  if (isFull || code === "ENOSPC" || code === "EDQUOT" || code === 28 || code === 122 || code === mapFull) {
    const remedy = "make room; what was acknowledged is in the log";
    return new NeuroranError("STORE_FULL", `there is no room left for ${path}; ${remedy}`, { cause });
  }
  if (/MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|VERSION_MISMATCH|PANIC|CURSOR_FULL)/.test(`${message}`)) {
    return corruptData(path, `is damaged (${message})`, cause);
  }
  const remedy = "see that the directory can be written";
  return new NeuroranError("STORE_FAILED", `${path}: ${message ?? cause}; ${remedy}`, { cause });
}
