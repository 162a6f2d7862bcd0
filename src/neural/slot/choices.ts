import { InputError } from "../../errors.js";
import type { Alternatives } from "../../functions/index.js";

/**
 * What was chosen for functions, with paths of directories in the place of models of the registry: slot threads cannot
 * wait for a registry. What is no model is left as it is, for the flow to refuse.
 * @param alternativesOf what the function or node of a name can be done by; undefined where that is not known
 * @param pathOf the directory of a model, as `pinModel` gives it
 * @throws InputError for a path or a version where there is no model
 */
export async function resolveModels(
  choices: Readonly<Record<string, string>>,
  alternativesOf: (name: string) => Alternatives | undefined,
  pathOf: (reference: string) => Promise<string>,
): Promise<Record<string, string>> {
  const resolved: Record<string, string> = {};
  for (const [name, choice] of Object.entries(choices)) {
    const alternatives = alternativesOf(name);
    const isModel = alternatives?.takesModels && !alternatives.implementations.includes(choice);
    resolved[name] = isModel ? await pathUnlessName(choice, pathOf) : choice;
  }
  return resolved;
}

async function pathUnlessName(
  choice: string,
  pathOf: (reference: string) => Promise<string>,
): Promise<string> {
  try {
    return await pathOf(choice);
  } catch (error) {
    // It may have been meant as an implementation: the flow knows what there is of both.
    if (error instanceof InputError && /^[^@/\\]*$/.test(choice)) return choice;
    throw error;
  }
}
