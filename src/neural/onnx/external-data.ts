import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { InputError } from "../../errors.js";
import type { StringStringEntryProto } from "./messages.js";

/**
 * Reads the bytes of a tensor that stand in a file beside the model's.
 *
 * Invariant: what is read lies inside the model's directory, symbolic links followed, and is a regular file.
 *
 * @param length bytes that the tensor takes
 * @throws InputError, naming the tensor, for a location outside the directory or a file that does not hold so much
 */
export function readExternalData(
  where: string,
  entries: readonly StringStringEntryProto[],
  directory: string | undefined,
  length: number,
): Uint8Array {
  const given = new Map(entries.map(({ key, value }) => [key, value]));
  const location = given.get("location");
  const field = `location of the external data of ${where}`;
  if (location === undefined || location === "")
    throw new InputError(field, location, "name a file beside the model");
  if (directory === undefined)
    throw new InputError(field, location, "read the model from its file, or put the data into the model");
  const offset = size(where, "offset", given.get("offset")) ?? 0;
  const stated = size(where, "length", given.get("length"));
  if (stated !== undefined && stated !== length)
    throw new InputError(
      `length of the external data of ${where}`,
      stated,
      `its shape takes ${length} bytes`,
    );

  const descriptor = openInside(field, directory, location);
  try {
    const { size: available } = fstatSync(descriptor);
    if (offset + length > available)
      throw new InputError(
        field,
        location,
        `it has ${available} bytes; bytes ${offset} to ${offset + length} are the tensor's`,
      );
    const bytes = new Uint8Array(length);
    let read = 0;
    while (read < length) {
      const got = readSync(descriptor, bytes, read, Math.min(length - read, 2 ** 30), offset + read);
      if (got === 0) throw new InputError(field, location, "it became shorter while it was read; try again");
      read += got;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

function openInside(field: string, directory: string, location: string): number {
  const outside = () =>
    new InputError(field, location, "name a file inside the model's directory, by a relative path");
  if (isAbsolute(location) || location.split(/[\\/]/).includes("..") || location.includes("\0"))
    throw outside();
  let descriptor: number;
  try {
    const path = realpathSync(join(directory, location));
    const inside = relative(realpathSync(directory), path);
    if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside))
      throw outside();
    // Opening a pipe must not wait for its writer.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(field, location, "put the file beside the model, where it can be read", { cause });
  }
  if (!fstatSync(descriptor).isFile()) {
    closeSync(descriptor);
    throw outside();
  }
  return descriptor;
}

function size(where: string, key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw new InputError(`${key} of the external data of ${where}`, text, "give a number of bytes");
  return value;
}
