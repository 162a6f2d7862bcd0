import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Model } from "./model.js";
import { readManifest, readModelDirectory } from "./model-directory.js";

/** The folder of the trained models that come with the package: three levels above the compiled sources. */
export const builtInDirectory = fileURLToPath(new URL("../../../../models/", import.meta.url));

/** Names of the models that come with the package. */
export function builtInNames(directory = builtInDirectory): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(directory, entry.name, "manifest.json")))
    .map((entry) => entry.name)
    .sort();
}

/** @param name one of {@link builtInNames}. */
export function builtInModel(name: string, directory = builtInDirectory): Model {
  return readModelDirectory(join(directory, name));
}

/** The version that a model of the package states, without reading its graph; undefined where none has the name. */
export function builtInVersion(name: string, directory = builtInDirectory): string | undefined {
  if (!builtInNames(directory).includes(name)) return undefined;
  const stated = readManifest(join(directory, name)).version;
  return stated ?? builtInModel(name, directory).version;
}
