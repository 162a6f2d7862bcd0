import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { alternativesOf, isModelPath } from "../functions/index.js";
import { pinModel } from "../neural/models/pinned.js";
import { resolveModels } from "../neural/slot/index.js";
import { receiverFunctions } from "../transceiver/receiver-functions.js";
import { defaultData } from "./node/connection.js";

/** Adds `--data`, where `--use` finds models. */
export function addModelOptions(command: Command): Command {
  return command.option("--data <directory>", "where the registry of models stands", defaultData);
}

/**
 * What `--use` chose for blocks, with the paths of directories in the place of models of the registry.
 * @throws InputError for a version of a model that there is not, or a directory that holds none
 */
export async function usedImplementations(
  use: Readonly<Record<string, string>>,
  data: string,
): Promise<Record<string, string>> {
  const blocks = new Map(receiverFunctions.map((one) => [one.name, alternativesOf(one)]));
  const registry = existsSync(join(data, "models")) ? data : undefined;
  return await resolveModels(
    use,
    (name) => blocks.get(name.split("/").at(-1)!),
    async (reference) => {
      const isPath = isModelPath(reference);
      return (await pinModel(isPath ? resolve(reference) : reference, isPath ? undefined : registry)).path;
    },
  );
}
