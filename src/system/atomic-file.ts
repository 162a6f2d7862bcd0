import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { fileError } from "./file-error.js";

/** A file that appears under its name only when it is complete. */
export interface AtomicFile {
  /** Appends all the bytes. */
  write(bytes: Uint8Array): void;
  /** Flushes to the device and gives the file its name, replacing what stood there. */
  commit(): void;
  /** Removes what was written, unless committed; may be called at any time and again. */
  abandon(): void;
}

/**
 * Starts a file under a temporary name in the same folder (a rename is atomic only within a file system).
 *
 * @throws InputError, here and from `write` and `commit`, when the file cannot be written
 */
export function createAtomicFile(path: string): AtomicFile {
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint()}.partial`;
  let descriptor: number | undefined = attempt(path, () => openSync(temporary, "wx"));
  let committed = false;

  function close(): void {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  }

  return {
    write(bytes) {
      attempt(path, () => {
        let written = 0;
        while (written < bytes.length) {
          written += writeSync(descriptor!, bytes, written, bytes.length - written);
        }
      });
    },
    commit() {
      attempt(path, () => {
        fsyncSync(descriptor!);
        close();
        renameSync(temporary, path);
      });
      committed = true;
    },
    abandon() {
      close();
      if (!committed) rmSync(temporary, { force: true });
    },
  };
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw fileError(path, "written", cause);
  }
}
