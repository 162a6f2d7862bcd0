import { existsSync } from "node:fs";
import { join } from "node:path";
import { memoryStore, openObjectStore } from "../../bus/index.js";
import { builtInDirectory } from "./built-in.js";
import type { Model } from "./model.js";
import { readModelDirectory, writeModelDirectory } from "./model-directory.js";
import { withRegistry } from "./open-registry.js";
import { openRegistry } from "./registry.js";

/** A version of a model as a directory that does not change any more. */
export interface PinnedModel {
  readonly path: string;
  readonly model: Model;
}

/**
 * Gives a model as a directory, which threads that cannot wait read: whatever becomes of the registry, or of the
 * directory that was named, it stays this version.
 * @param reference path of a model's directory, with a separator in it; or name, name@alias or name@version in the registry
 * @param dataDirectory where the registry stands and the directory is kept, as `models/<version>`; without one, the
 * models that come with the package are there, and directories are taken as they are
 * @throws InputError where there is no such model, and what `withRegistry` throws
 */
export async function pinModel(reference: string, dataDirectory?: string): Promise<PinnedModel> {
  const isPath = /[/\\]/.test(reference);
  if (dataDirectory === undefined) {
    if (isPath) return { path: reference, model: readModelDirectory(reference) };
    const registry = await openRegistry(await openObjectStore(memoryStore(), "models"));
    const model = await registry.get(reference);
    return { path: join(builtInDirectory, model.manifest.name), model };
  }
  const model = isPath
    ? readModelDirectory(reference)
    : await withRegistry(dataDirectory, (registry) => registry.get(reference));
  const path = join(dataDirectory, "models", model.version);
  if (!existsSync(path)) {
    try {
      writeModelDirectory(path, model);
    } catch (error) {
      // Another process may have written the same version meanwhile.
      if (!existsSync(path)) throw error;
    }
  }
  return { path, model };
}
