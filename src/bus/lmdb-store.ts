/**
 * A store in a directory: a log that commits are flushed to, and LMDB, which the log is drained into.
 *
 * Flushing a batch to LMDB takes a write of every page that one of its keys lies on (100 keys: 2 ms); to the log, one write in
 * sequence (0.15 ms).
 *
 * Invariants:
 * 1. What is durable is what the data file holds, then the log's records beyond those applied to it, in their order. The
 *    log's two files hold the writes of `fresh` and of `draining`; reads look there first.
 * 2. One write to the log is under way at a time. Batches that come meanwhile go into one record, so that they are
 *    durable together.
 * 3. `draining` is dropped only when the data file holds it durably, and only then is its file of the log written again.
 * 4. Where there is no room for a record, what the attempt left in the log is taken back before anybody is told; then the
 *    batches in it and behind it reject, and later ones are tried as if those had never been. Where there is none in the data
 *    file, `draining` stays as it is until there is, and batches reject that the rest of the log has no room for.
 * 5. After any other failure nothing more is written: all later commits reject with it. What is readable stays so.
 */
import { randomBytes } from "node:crypto";
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { NeuroranError } from "../errors.js";
import { makeDirectory } from "../system/make-directory.js";
import { checkDataFile } from "./data-check.js";
import { type Applied, corruptData, type DataFile, dataPath, openDataFile, storeError } from "./data-file.js";
import { lockDirectory } from "./directory-lock.js";
import { createDrainer } from "./drainer.js";
import {
  createLog,
  isLogUsed,
  logFile_bytes,
  logPaths,
  openLogFiles,
  readLog,
  syncDirectory,
} from "./log.js";
import { encodeRecord, sizeOfWrites } from "./log-record.js";
import { compareKeys, type OrderedMap, orderedMap } from "./ordered-map.js";
import type { Entry, Store, Write } from "./store.js";

/** A file of the log is drained when it holds so much, or some time after something came. */
const drainFrom_bytes = logFile_bytes / 2;
const drainAfter_ms = 2000;
/** Where the last record of a file ends at the latest, unless it is the only one. */
const recordsEnd_bytes = logFile_bytes - 64;
/** In pages of 4 kB, what LMDB makes for 126 readers. */
const readerTable_bytes = 3 * 4096;
/** A data file that LMDB has begun to make is no longer. */
const unmade_bytes = 2 ** 20;

type Overlay = OrderedMap<Uint8Array | undefined>;

interface Waiting {
  readonly batch: readonly Write[];
  readonly size: number;
  readonly resolve: () => void;
  readonly reject: (error: NeuroranError) => void;
}

/**
 * Opens the store of a directory, which is made where there is none, and takes the exclusive right to it.
 * @throws NeuroranError (rejections) STORE_LOCKED: another process has it, whose number is given; STORE_CORRUPT: what is
 * damaged, and where; STORE_FULL; STORE_FAILED.
 */
export async function openLmdbStore(directory: string): Promise<Store> {
  try {
    makeDirectory(directory, 0o700);
  } catch (cause) {
    throw storeError(directory, cause);
  }
  const unlock = await lockDirectory(directory);
  let data: DataFile | undefined;
  try {
    prepare(directory);
    makeReaderTable(directory);
    data = await openDataFile(directory);
    const applied = recover(directory, data);
    return runStore(directory, data, applied, unlock);
  } catch (cause) {
    await data?.close();
    await unlock();
    throw storeError(directory, cause);
  }
}

/**
 * LMDB's table of readers, which it maps: where the disk has no room for a page of it, touching that ends the process, so that
 * all of them are written before. Nobody else is there: what a killed process left, such as a mutex, is only in the way.
 */
function makeReaderTable(directory: string): void {
  const path = `${dataPath(directory)}-lock`;
  rmSync(path, { force: true });
  try {
    writeFileSync(path, Buffer.alloc(readerTable_bytes), { mode: 0o600 });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Sees that what is there can be opened, or makes what a new store needs. */
function prepare(directory: string): void {
  const path = dataPath(directory);
  // The log is made first, so that as long as it is blank nothing was ever committed.
  const isBlank = !isLogUsed(directory);
  if (existsSync(path) && !(isBlank && isUnmade(directory))) {
    checkDataFile(path);
    return;
  }
  if (!isBlank) throw corruptData(path, "is missing, but its log is there");
  createLog(directory);
  rmSync(path, { force: true });
}

/** Whether the making of the data file was interrupted. */
function isUnmade(directory: string): boolean {
  const path = dataPath(directory);
  if (!logPaths(directory).every(existsSync) || statSync(path).size > unmade_bytes) return false;
  try {
    checkDataFile(path);
    return false;
  } catch {
    return true;
  }
}

/** Brings what only the log has into the data file. */
function recover(directory: string, data: DataFile): Applied {
  const known = data.applied();
  if (known === undefined) {
    for (const _ of data.range("", "\u{10ffff}")) {
      throw corruptData(dataPath(directory), "does not say how far the log was applied");
    }
    const applied = { sequence: 0, salt: randomBytes(4).readUInt32LE(0) };
    data.apply(new Map(), applied);
    syncDirectory(directory);
    syncDirectory(dirname(resolve(directory)));
    return applied;
  }
  const records = readLog(directory, known.sequence, known.salt);
  if (records.length === 0) return known;
  const writes = new Map<string, Uint8Array | undefined>();
  for (const { key, value } of records.flatMap((record) => record.writes)) writes.set(key, value);
  const applied = { sequence: records.at(-1)!.sequence, salt: known.salt };
  data.apply(writes, applied);
  return applied;
}

function runStore(
  directory: string,
  data: DataFile,
  { sequence: lastSequence, salt }: Applied,
  unlock: () => Promise<void>,
): Store {
  const log = openLogFiles(directory);
  const drainer = createDrainer(directory, drained, drainWaits, fail);
  let sequence = lastSequence;
  let active: 0 | 1 = 0;
  let position = 0;
  let fresh: Overlay = orderedMap();
  let draining: Overlay | undefined;
  let waiting: Waiting[] = [];
  let writing = false;
  let failure: NeuroranError | undefined;
  /** For those who hand something over before they can know that what they build on was rejected. */
  let refusal: NeuroranError | undefined;
  let closing: Promise<void> | undefined;
  /** LMDB must not be asked when its map is gone. */
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  /** Called when something that `close` may wait for has ended. */
  let settled = (): void => {};

  function write(): void {
    if (writing || waiting.length === 0 || failure !== undefined) return;
    if (position > 0 && position + waiting[0]!.size > recordsEnd_bytes) {
      // Invariant 3: the other file cannot be had yet.
      if (draining !== undefined) {
        if (drainer.full !== undefined) refuse(drainer.full);
        return;
      }
      drain();
      if (failure !== undefined) return;
    }
    const { taken, size } = takeWaiting();
    writing = true;
    const { bytes, writes } = encodeRecord(
      taken.map((one) => one.batch),
      size,
      sequence + 1,
      salt,
    );
    log.write(active, bytes, position).then(
      () => {
        sequence++;
        position += bytes.length;
        for (const { key, value } of writes) fresh.set(key, value);
        writing = false;
        for (const one of taken) one.resolve();
        if (position >= drainFrom_bytes && draining === undefined) drain();
        if (closing === undefined) timer ??= setTimeout(drainLater, drainAfter_ms).unref();
        write();
        settled();
      },
      async (cause) => {
        let error = storeError(directory, cause);
        try {
          await log.takeBack(active, bytes, position);
        } catch (problem) {
          // Nothing tells whether the record will be found one day.
          if (error.code === "STORE_FULL") error = failedStore(directory, problem);
        }
        waiting = [...taken, ...waiting];
        writing = false;
        if (error.code === "STORE_FULL") refuse(error);
        else fail(error);
      },
    );
  }

  /** The first of those that wait, and as many more as fit into the file behind them. */
  function takeWaiting(): { taken: Waiting[]; size: number } {
    let [count, size] = [0, 0];
    while (
      count < waiting.length &&
      (count === 0 || position + size + waiting[count]!.size <= recordsEnd_bytes)
    )
      size += waiting[count++]!.size;
    return { taken: waiting.splice(0, count), size };
  }

  function refuse(error: NeuroranError): void {
    refusal = error;
    setImmediate(() => {
      refusal = undefined;
    });
    rejectWaiting(error);
  }

  function fail(error: NeuroranError): void {
    failure ??= error;
    rejectWaiting(failure);
  }

  function rejectWaiting(error: NeuroranError): void {
    for (const one of waiting) one.reject(error);
    waiting = [];
    settled();
  }

  function drainLater(): void {
    timer = undefined;
    if (closing !== undefined) return;
    if (draining === undefined && position > 0 && !writing && failure === undefined) drain();
    else if (position > 0 && failure === undefined) timer = setTimeout(drainLater, drainAfter_ms).unref();
  }

  function drain(): void {
    const request = { file: active, end: position, applied: { sequence, salt } };
    draining = fresh;
    fresh = orderedMap();
    active = active === 0 ? 1 : 0;
    position = 0;
    drainer.drain(request);
  }

  function drained(): void {
    data.refresh();
    draining = undefined;
    write();
    settled();
  }

  function drainWaits(): void {
    write();
    settled();
  }

  async function close(): Promise<void> {
    clearTimeout(timer);
    const isDraining = (): boolean => draining !== undefined && drainer.full === undefined;
    drainer.hold();
    while (failure === undefined && (writing || waiting.length > 0 || isDraining())) {
      await new Promise<void>((resolve) => {
        settled = resolve;
      });
    }
    while (writing) await new Promise((resolve) => setImmediate(resolve));
    await drainer.close();
    try {
      if (failure === undefined && draining === undefined && fresh.size > 0) {
        const all = fresh.keys("", "\u{10ffff}").map((key) => [key, fresh.get(key)] as const);
        data.apply(new Map(all), { sequence, salt });
      }
    } catch (error) {
      // The log holds it as well.
      if (storeError(directory, error).code !== "STORE_FULL") throw error;
    } finally {
      isClosed = true;
      log.close();
      await data.close();
      await unlock();
    }
  }

  return {
    get(key) {
      if (isClosed) throw closedStore();
      const overlay = fresh.has(key) ? fresh : draining?.has(key) ? draining : undefined;
      if (overlay === undefined) return data.get(key);
      const value = overlay.get(key);
      return value && Buffer.from(value);
    },
    range(from, to) {
      if (isClosed) throw closedStore();
      const changed = new Map<string, Uint8Array | undefined>();
      for (const overlay of [draining, fresh]) {
        for (const key of overlay?.keys(from, to) ?? []) changed.set(key, overlay!.get(key));
      }
      return mergeEntries(data.range(from, to), changed);
    },
    commit(batch) {
      if (closing) return Promise.reject(closedStore());
      const refused = failure ?? refusal;
      if (refused !== undefined) return Promise.reject(refused);
      return new Promise((resolve, reject) => {
        const size = sizeOfWrites(batch);
        waiting.push({ batch, size, resolve, reject });
        write();
        // What has to wait is copied, as its bytes are the caller's again when this returns.
        if (waiting.length > 0) {
          const copy = batch.map(({ key, value }) => ({ key, value: value && Buffer.from(value) }));
          waiting[waiting.length - 1] = { batch: copy, size, resolve, reject };
        }
      });
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function failedStore(directory: string, cause: unknown): NeuroranError {
  const what = "what could not be written to its log cannot be removed from it either";
  return new NeuroranError("STORE_FAILED", `${directory}: ${what}; start again`, { cause });
}

function closedStore(): NeuroranError {
  return new NeuroranError("STORE_CLOSED", "the store is closed; open it again");
}

/** The entries of the data file with what has changed since. */
function mergeEntries(
  entries: Iterable<Entry>,
  changed: Map<string, Uint8Array | undefined>,
): Iterable<Entry> {
  if (changed.size === 0) return entries;
  return merged(entries, changed);
}

function* merged(entries: Iterable<Entry>, changed: Map<string, Uint8Array | undefined>): Iterable<Entry> {
  const keys = [...changed.keys()].sort(compareKeys);
  let next = 0;
  function* changesBefore(key: string | undefined): Iterable<Entry> {
    for (; next < keys.length && (key === undefined || compareKeys(keys[next]!, key) < 0); next++) {
      const value = changed.get(keys[next]!);
      if (value !== undefined) yield { key: keys[next]!, value: Buffer.from(value) };
    }
  }
  for (const entry of entries) {
    yield* changesBefore(entry.key);
    if (!changed.has(entry.key)) yield entry;
  }
  yield* changesBefore(undefined);
}
