import { pathToFileURL } from "node:url";
import { InputError } from "../../errors.js";
import { checkSchema } from "../schema/index.js";
import { checkName, type StatefulFunctionData } from "../turns/index.js";
import { installedModule } from "./installation.js";

/** A flow as a module exports it. */
export interface ExportedFlow {
  readonly kind: "flow" | "slot flow";
  readonly name: string;
}

/** What a module exports that a node runs. */
export interface LoadedModule {
  readonly hash: string;
  readonly path: string;
  readonly functions: readonly StatefulFunctionData[];
  /** By the name of the export, under which threads find them again. */
  readonly flows: ReadonlyMap<string, ExportedFlow>;
}

/**
 * Imports an installed module; once for each hash, however often asked for, and beside other versions.
 * @throws NeuroranError MODULE_MISSING or MODULE_CORRUPT; InputError where it throws, or exports nothing that can run or two
 * things of one name.
 */
export async function importModule(dataDirectory: string, hash: string): Promise<LoadedModule> {
  const path = await installedModule(dataDirectory, hash);
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = await import(pathToFileURL(path).href);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new InputError("module", hash.slice(0, 12), `importing it failed: ${problem}`, { cause });
  }
  return { hash, path, ...collect(exports) };
}

/** The functions and flows among the exports of a module; what is exported beside them is the module's own matter. */
export function collect(
  exports: Readonly<Record<string, unknown>>,
): Pick<LoadedModule, "functions" | "flows"> {
  const functions = new Map<string, StatefulFunctionData>();
  const flows = new Map<string, ExportedFlow>();
  const owners = new Map<string, string>();
  const seen = new Set<unknown>();
  for (const [exportName, value] of Object.entries(exports)) {
    const kind = kindOf(value);
    // One thing may be exported under two names, say as the default as well.
    if (kind === undefined || seen.has(value)) continue;
    seen.add(value);
    const name = nameOf(exportName, kind, value);
    const owner = owners.get(name);
    if (owner !== undefined) {
      throw new InputError(`export ${exportName}, name`, name, `export ${owner} has it already: rename one`);
    }
    owners.set(name, exportName);
    if (kind !== "stateful function") flows.set(exportName, value as ExportedFlow);
    else functions.set(name, checkFunction(exportName, value as StatefulFunctionData));
  }
  if (owners.size === 0) {
    const there = Object.keys(exports).join(", ") || undefined;
    throw new InputError("exports of the module", there, "export a stateful function or a flow");
  }
  return { functions: [...functions.values()], flows };
}

type Kind = "stateful function" | ExportedFlow["kind"];

function kindOf(value: unknown): Kind | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kind } = value as { readonly kind?: unknown };
  return kind === "stateful function" || kind === "flow" || kind === "slot flow" ? kind : undefined;
}

function nameOf(exportName: string, kind: Kind, value: unknown): string {
  const { name } = value as { readonly name: unknown };
  const place = `export ${exportName}, name`;
  if (kind === "stateful function") checkName(place, name);
  else if (typeof name !== "string" || name === "") throw new InputError(place, name, "declare it by flow");
  return name;
}

/** Whatever says that it is a stateful function need not have been made by `statefulFunction`. */
function checkFunction(exportName: string, value: StatefulFunctionData): StatefulFunctionData {
  checkSchema(value.state, `export ${exportName}, state`);
  if (typeof value.handlers !== "object" || value.handlers === null) {
    throw new InputError(`export ${exportName}`, value.name, "declare it by statefulFunction");
  }
  return value;
}
