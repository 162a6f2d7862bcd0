import { resolve } from "node:path";
import { InputError } from "../../errors.js";
import { type Alternatives, isModelPath } from "../../functions/index.js";
import { pinModel } from "../models/pinned.js";

/**
 * What was chosen for functions, with paths of directories in the place of models of the registry: slot threads cannot
 * wait for a registry. What is no model is left as it is, for the flow to refuse.
 * @param alternativesOf what the function or node of a name can be done by; undefined where that is not known
 * @param dataDirectory as {@link pinModel}; a directory that is named is kept there only with `keep`
 * @throws InputError for a reference with a version that there is not, and a directory that holds no model
 */
export async function resolveModels(
  choices: Readonly<Record<string, string>>,
  alternativesOf: (name: string) => Alternatives | undefined,
  dataDirectory: string | undefined,
  keep: boolean,
): Promise<Record<string, string>> {
  const resolved: Record<string, string> = {};
  for (const [name, choice] of Object.entries(choices)) {
    const alternatives = alternativesOf(name);
    const isModel = alternatives?.takesModels && !alternatives.implementations.includes(choice);
    resolved[name] = isModel ? await pathOf(choice, dataDirectory, keep) : choice;
  }
  return resolved;
}

async function pathOf(choice: string, dataDirectory: string | undefined, keep: boolean): Promise<string> {
  if (isModelPath(choice)) return (await pinModel(resolve(choice), keep ? dataDirectory : undefined)).path;
  try {
    return (await pinModel(choice, dataDirectory)).path;
  } catch (error) {
    // It may have been meant as an implementation: the flow knows what there is of both.
    if (error instanceof InputError && !choice.includes("@")) return choice;
    throw error;
  }
}
