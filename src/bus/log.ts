/**
 * The log of a store: two files of fixed size, written in turn.
 *
 * Invariants:
 * 1. Records are numbered without gaps, and a record is written when all before it are durable. So the only record that can
 *    be torn is the last, which nobody was told about; one that does not verify with a whole one behind it is corruption.
 * 2. A file is written from its beginning again only when what its records say is durable in the data file.
 * 3. The files are full of zeros before they are used and never get shorter than that, so that writing a record changes no metadata that
 *    would have to be flushed as well, a full disk is met when the store is made, and a file that is cut off shows.
 */
import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  write,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { NeuroranError } from "../errors.js";
import { decodeRecord, type LogRecord, laterRecord, recordHeaderBytes } from "./log-record.js";

export const logFile_bytes = 4 * 2 ** 20;

/** The paths of the two files. */
export function logPaths(directory: string): readonly [string, string] {
  return [join(directory, "log-0"), join(directory, "log-1")];
}

/** Makes both files, or wipes them. */
export function createLog(directory: string): void {
  for (const path of logPaths(directory)) {
    const file = openSync(path, "w", 0o600);
    try {
      const zeros = Buffer.alloc(2 ** 20);
      for (let at = 0; at < logFile_bytes; at += zeros.length) {
        if (writeSync(file, zeros, 0, zeros.length, at) < zeros.length)
          throw Object.assign(new Error("short write"), { code: "ENOSPC" });
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
  syncDirectory(directory);
}

/** Makes durable which files a directory has. */
export function syncDirectory(directory: string): void {
  const folder = openSync(directory, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Whether anything was ever written to the log that lies there. */
export function isLogUsed(directory: string): boolean {
  return logPaths(directory).some((path) => existsSync(path) && !isBlank(readFileSync(path)));
}

function isBlank(buffer: Buffer): boolean {
  // Compared with itself, moved by one: as fast as memory is.
  return buffer.length === 0 || (buffer[0] === 0 && buffer.compare(buffer, 0, buffer.length - 1, 1) === 0);
}

/**
 * The records beyond `applied` in order.
 * @throws NeuroranError STORE_CORRUPT where one of them is missing or damaged.
 */
export function readLog(directory: string, applied: number, salt: number): LogRecord[] {
  const runs = logPaths(directory).map((path) => {
    if (!existsSync(path)) throw corruptLog(path, "is missing");
    const buffer = readFileSync(path);
    if (buffer.length < logFile_bytes) throw corruptLog(path, `is cut off at byte ${buffer.length}`);
    return readRun(path, buffer, applied, salt);
  });
  const records = runs
    .sort((one, other) => (one[0]?.sequence ?? 0) - (other[0]?.sequence ?? 0))
    .flat()
    .filter((record) => record.sequence > applied);
  records.forEach((record, index) => {
    const expected = applied + 1 + index;
    if (record.sequence === expected) return;
    throw corruptLog(directory, `has record ${record.sequence} where record ${expected} must be`);
  });
  return records;
}

function readRun(path: string, buffer: Buffer, applied: number, salt: number): LogRecord[] {
  const run: LogRecord[] = [];
  let end = 0;
  for (;;) {
    const record = decodeRecord(buffer, end, salt);
    const last = run.at(-1);
    if (record === undefined || (last !== undefined && record.sequence !== last.sequence + 1)) break;
    run.push(record);
    end = record.end;
  }
  const last = Math.max(applied, run.at(-1)?.sequence ?? 0);
  const later = laterRecord(buffer, end, last, salt);
  if (later === undefined) return run;
  throw corruptLog(path, `is damaged at byte ${end}: record ${later} stands behind something that is none`);
}

function corruptLog(path: string, what: string): NeuroranError {
  return new NeuroranError("STORE_CORRUPT", `${path} ${what}; restore the store from a snapshot`);
}

/** Writes to both files, each write durable when it resolves. */
export interface LogFiles {
  write(file: 0 | 1, bytes: Uint8Array, offset: number): Promise<void>;
  /** Sees that what a write that failed may have left there is no record, now or after a crash. Rejects where it is one. */
  takeBack(file: 0 | 1, bytes: Uint8Array, offset: number): Promise<void>;
  close(): void;
}

/** Opens both files, which must be there. */
export function openLogFiles(directory: string): LogFiles {
  // Where the kernel flushes what it writes, one request to the pool of threads does instead of two.
  const isFlushed = process.platform === "linux";
  const flags = isFlushed ? constants.O_RDWR | constants.O_DSYNC : constants.O_RDWR;
  const files = logPaths(directory).map((path) => openSync(path, flags));
  const append = (file: 0 | 1, bytes: Uint8Array, offset: number): Promise<void> =>
    new Promise((resolve, reject) => {
      write(files[file]!, bytes, 0, bytes.length, offset, (error, written) => {
        if (error) reject(error);
        else if (written < bytes.length) reject(Object.assign(new Error("short write"), { code: "ENOSPC" }));
        else if (isFlushed) resolve();
        else fdatasync(files[file]!, (failure) => (failure ? reject(failure) : resolve()));
      });
    });
  return {
    write: append,
    async takeBack(file, bytes, offset) {
      try {
        await append(file, Buffer.alloc(recordHeaderBytes), offset);
      } catch (error) {
        // Where nothing was written there may be no room for zeros either.
        const found = Buffer.alloc(recordHeaderBytes);
        readSync(files[file]!, found, 0, found.length, offset);
        if (found.equals(bytes.subarray(0, found.length))) throw error;
      }
      // Room that only this record needed is somebody else's again.
      if (offset === 0 && fstatSync(files[file]!).size > logFile_bytes) {
        ftruncateSync(files[file]!, logFile_bytes);
      }
    },
    close: () => {
      for (const file of files) closeSync(file);
    },
  };
}
