import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { InputError } from "../errors.js";
import { fileError } from "../system/file-error.js";

/** Bytes read by position: a file, or memory. */
export interface ByteSource {
  /** As its user knows it, for error messages. */
  readonly name: string;
  readonly length: number;
  /**
   * The bytes at `position`, valid until the next read.
   *
   * @throws InputError naming the byte where the source ends before `position + length`
   */
  read(position: number, length: number): Uint8Array;
  /** May be called again; nothing can be read afterwards. */
  close(): void;
}

/**
 * Opens a file for reading by position.
 *
 * @param field what the path was given as, for error messages
 * @throws InputError when the file is missing, may not be read, or is a folder or device
 */
export function openFile(path: string, field = "file"): ByteSource {
  let descriptor: number | undefined;
  let length: number;
  try {
    descriptor = openSync(path, "r");
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new Error("it is a folder or a device");
    length = status.size;
  } catch (cause) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw fileError(path, "read", cause, field);
  }
  let buffer = new Uint8Array(0);
  return {
    name: path,
    length,
    read(position, wanted) {
      if (descriptor === undefined) throw fileError(path, "read", new Error("it has been closed"), field);
      if (buffer.length < wanted) buffer = new Uint8Array(wanted);
      let got = 0;
      while (got < wanted) {
        let n: number;
        try {
          n = readSync(descriptor, buffer, got, wanted - got, position + got);
        } catch (cause) {
          throw fileError(path, "read", cause, field);
        }
        if (n === 0) throw endsEarly(path, position + got, position + wanted);
        got += n;
      }
      return buffer.subarray(0, wanted);
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

/** Bytes in memory as a source. */
export function sourceOfBytes(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    length: bytes.length,
    read(position, length) {
      if (position + length > bytes.length) throw endsEarly(name, bytes.length, position + length);
      return bytes.subarray(position, position + length);
    },
    close() {},
  };
}

function endsEarly(name: string, end: number, wanted: number): InputError {
  return new InputError(
    name,
    `end of file at byte ${end}`,
    `bytes up to ${wanted} were expected: was it cut off?`,
  );
}
