import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { InputError } from "../../errors.js";
import { fileError } from "../../system/file-error.js";
import { makeDirectory } from "../../system/make-directory.js";
import type { OnnxModel } from "../graph/graph.js";
import { readOnnx } from "../onnx/index.js";
import { type Manifest, parseManifest } from "./manifest.js";
import { type Model, modelOfFile } from "./model.js";

const graphFile = "model.onnx";
const manifestFile = "manifest.json";

/** A graph and a manifest are not larger: files that are, are not read. */
const largestFile_bytes = 2 ** 31 - 1;

/**
 * Reads a directory of model.onnx and manifest.json.
 * @throws InputError, naming the directory and what is wrong, for files that are missing, no model or do not belong together
 */
export function readModelDirectory(path: string): Model {
  return named(path, () => {
    const manifest = parseManifest(readWhole(join(path, manifestFile)));
    return modelOfFile(manifest, readWhole(join(path, graphFile)));
  });
}

/** Reads the manifest of a model's directory alone. @throws InputError as {@link readModelDirectory} */
export function readManifest(path: string): Manifest {
  return named(path, () => parseManifest(readWhole(join(path, manifestFile))));
}

/** Reads an ONNX file with its external data. @throws InputError, naming the file and what is wrong */
export function readOnnxFile(path: string): OnnxModel {
  return named(path, () => readOnnx(readModelFile(path), { directory: dirname(path) }));
}

function named<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof InputError) || cause.field === "model") throw cause;
    throw new InputError(`model in ${path}: ${cause.field}`, cause.value, cause.remedy, { cause });
  }
}

function readWhole(path: string): Uint8Array {
  if (!existsSync(path))
    throw new InputError("model", path, `a model is a directory with ${graphFile} and ${manifestFile}`);
  return readModelFile(path);
}

/** The bytes of a file. @throws InputError where it cannot be read, is no regular file, or has 2 GiB or more */
export function readModelFile(path: string): Uint8Array {
  try {
    const status = statSync(path);
    // A device or a pipe may have no end.
    if (!status.isFile() || status.size > largestFile_bytes)
      throw new InputError("model", path, "give a file of less than 2 GiB");
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw fileError(path, "read", cause, "model");
  }
}

/**
 * Finds out before long work whether a model's directory may be written.
 * @returns whether a model is there
 * @throws InputError where something stands under the name that is not to be replaced
 */
export function checkModelDirectory(path: string, replace = false): boolean {
  const target = resolve(path);
  const isThere = existsSync(target) && readdirOf(target).length > 0;
  if (isThere && !replace)
    throw new InputError("directory", path, "it is there already: name another, or ask to replace it");
  if (isThere && !existsSync(join(target, manifestFile)))
    throw new InputError("directory", path, "it holds no model, and is not replaced: name another");
  let parent = dirname(target);
  while (!existsSync(parent)) parent = dirname(parent);
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw fileError(path, "written", cause, "directory");
  }
  return isThere;
}

/**
 * Writes a model as a directory, which appears under its name when it is complete. A model that is there is replaced only
 * with `replace`: it is moved aside first, so that an interruption leaves one of both under a name of its own.
 * @throws InputError where something stands under the name, or the directory cannot be written
 */
export function writeModelDirectory(path: string, { manifest, bytes }: Model, replace = false): void {
  const target = resolve(path);
  const stamp = `${process.pid}.${process.hrtime.bigint()}`;
  const [partial, aside] = [`${target}.${stamp}.partial`, `${target}.${stamp}.replaced`];
  const isThere = checkModelDirectory(path, replace);
  try {
    makeDirectory(partial);
  } catch (cause) {
    throw fileError(path, "written", cause, "directory");
  }
  try {
    writeDurably(join(partial, graphFile), bytes);
    writeDurably(join(partial, manifestFile), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
    flushDirectory(partial);
    if (isThere) renameSync(target, aside);
    renameSync(partial, target);
    flushDirectory(dirname(target));
    rmSync(aside, { recursive: true, force: true });
  } catch (cause) {
    if (existsSync(aside) && !existsSync(target)) renameSync(aside, target);
    throw fileError(path, "written", cause, "directory");
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function readdirOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (cause) {
    throw fileError(path, "read", cause, "directory");
  }
}

function writeDurably(path: string, bytes: Uint8Array): void {
  writeFileSync(path, bytes, { flush: true });
}

function flushDirectory(path: string): void {
  // Windows has no directories that can be opened, and orders renames by itself.
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
