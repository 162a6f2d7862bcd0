import { statSync } from "node:fs";
import { InputError } from "../errors.js";
import { createAtomicFile } from "../system/atomic-file.js";

/** Finds out before long work whether a file can be written. @throws InputError when it cannot. */
export function checkWritable(option: string, path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InputError(option, path, "it is a folder: give the name of a file");
  }
  createAtomicFile(path).abandon();
}

/** Writes a file that appears complete or not at all. @throws InputError when it cannot be written. */
export function writeOutput(path: string, bytes: Uint8Array): void {
  const file = createAtomicFile(path);
  try {
    file.write(bytes);
    file.commit();
  } finally {
    file.abandon();
  }
}
