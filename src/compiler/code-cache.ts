/**
 * Compiled code on disk, so that a second start compiles nothing.
 *
 * Invariants:
 * 1. What is read is what was written: an entry carries the hash of its key and code, and a torn or foreign one counts as
 *    absent.
 * 2. Entries appear whole: they are written beside and renamed into place.
 * 3. Code comes from this user alone: a folder or an entry that belongs to or is writable by others is not read.
 * 4. The cache is never needed: whatever fails leaves the program without it.
 */
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { makeDirectory } from "../system/make-directory.js";

/** Compiled code by key. */
export interface CodeCache {
  /** Where it lies. */
  readonly directory: string;
  /** Why it is not used; nothing where it is. */
  readonly problem: string | undefined;
  /** The code under a key, if there is a whole one of this user. */
  read(key: string): Uint8Array | undefined;
  /** Keeps code under a key; what cannot be written is not kept. */
  write(key: string, code: Uint8Array): void;
}

/** Bytes kept at most; the entries that were not used for longest go. */
const CAPACITY = 256 * 2 ** 20;

const HASH_BYTES = 32;
const SUFFIX = ".code";

/** Where code is kept unless `NEURORAN_CACHE` names a folder: the user's folder for such things. */
export function defaultCacheDirectory(): string {
  return (
    process.env.NEURORAN_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "neuroran")
  );
}

/** Opens the cache in a folder, which is made if it is not there. Never throws. */
export function openCodeCache(directory = defaultCacheDirectory(), capacity = CAPACITY): CodeCache {
  let problem: string | undefined;
  try {
    makeDirectory(directory, 0o700);
    if (!ownedAlone(statSync(directory))) problem = `${directory} belongs to or is writable by others`;
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  const pathOf = (key: string): string =>
    join(directory, `${createHash("sha256").update(key).digest("hex")}${SUFFIX}`);
  let written = 0;
  return {
    directory,
    problem,
    read(key) {
      if (problem !== undefined) return undefined;
      const path = pathOf(key);
      try {
        const entry = readOwn(path);
        const code = entry?.subarray(HASH_BYTES);
        if (entry === undefined || !seal(key, code!).equals(entry.subarray(0, HASH_BYTES))) return undefined;
        const now = new Date();
        utimesSync(path, now, now);
        return code;
      } catch {
        return undefined;
      }
    },
    write(key, code) {
      if (problem !== undefined) return;
      const path = pathOf(key);
      const beside = `${path}.${process.pid}.${randomBytes(6).toString("hex")}`;
      try {
        // Entries of before may fill the folder: it is looked through at the first and, later, now and then.
        if (written === 0 || written > capacity / 16) {
          dropOldest(directory, capacity);
          written = 0;
        }
        written += code.length + HASH_BYTES;
        writeFileSync(beside, Buffer.concat([seal(key, code), code]), { mode: 0o600, flag: "wx" });
        renameSync(beside, path);
      } catch {
        rmSync(beside, { force: true });
      }
    },
  };
}

function seal(key: string, code: Uint8Array): Buffer {
  return createHash("sha256").update(`${key.length}:${key}`).update(code).digest();
}

function ownedAlone(stats: Stats): boolean {
  if (process.getuid === undefined) return true;
  return stats.uid === process.getuid() && (stats.mode & 0o022) === 0;
}

/** The bytes of a file of this user; the one that is opened is the one that is looked at. */
function readOwn(path: string): Buffer | undefined {
  const file = openSync(path, "r");
  try {
    const stats = fstatSync(file);
    return stats.isFile() && ownedAlone(stats) ? readFileSync(file) : undefined;
  } finally {
    closeSync(file);
  }
}

/** Removes what was used least recently until a quarter is free, and what writers that died left behind. */
function dropOldest(directory: string, capacity: number): void {
  const hourAgo = Date.now() - 3_600_000;
  const entries = readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    const { size, mtimeMs } = statSync(path);
    if (name.endsWith(SUFFIX)) return [{ path, size, mtimeMs }];
    if (name.includes(`${SUFFIX}.`) && mtimeMs < hourAgo) rmSync(path, { force: true });
    return [];
  });
  let total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total <= capacity) return;
  entries.sort((a, b) => a.mtimeMs - b.mtimeMs);
  for (const { path, size } of entries) {
    if (total <= 0.75 * capacity) return;
    rmSync(path, { force: true });
    total -= size;
  }
}
