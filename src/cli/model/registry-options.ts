import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { Neural } from "../../neural/index.js";
import { defaultData } from "../node/connection.js";

/** Where a command finds the registry, and how it prints. */
export interface RegistryOptions {
  readonly data: string;
  readonly json?: boolean;
}

/** Adds the options that {@link RegistryOptions} holds. */
export function addRegistryOptions(command: Command, jsonMeans = "print one JSON object"): Command {
  return command
    .option("--data <directory>", "where the registry stands; a node may be up over it", defaultData)
    .option("--json", jsonMeans);
}

/** The registry of a data directory, which is made where there is none. @throws InputError where it cannot be made */
export async function openModels({ data }: RegistryOptions): Promise<Neural> {
  const [{ openNeural }, { dataDirectory, makeDataDirectory }] = await Promise.all([
    import("../../neural/index.js"),
    import("../../server/data-directory.js"),
  ]);
  const directory = dataDirectory(data);
  makeDataDirectory(directory);
  return openNeural(directory.path);
}

/** The registry to look at: where there is none, nothing is made, and the package's own models are there. */
export async function lookAtModels({ data }: RegistryOptions): Promise<Neural> {
  const { openNeural } = await import("../../neural/index.js");
  return existsSync(join(data, "models")) ? openNeural(data) : openNeural();
}

/** A version as people read it. */
export function shortVersion(version: string): string {
  return version.slice(0, 12);
}
