/**
 * What is deployed, in the store under `d\0module\0<name>`.
 *
 * Invariants:
 * 1. A function or flow belongs to one module.
 * 2. A record tells what a module has without importing it.
 */
import { z } from "zod";
import { afterPrefix, type Store, type Write } from "../../bus/index.js";
import { InputError, NeuroranError } from "../../errors.js";
import { admitSchema } from "../schema/index.js";
import type { StatefulFunctionData } from "../turns/index.js";
import type { LoadedModule } from "./loaded-module.js";

/** A deployed function, as `ps` shows it. */
export interface FunctionRecord {
  readonly name: string;
  readonly stateVersion: number;
  /** The layout of its state, as one line of text. */
  readonly layout: string;
  /** Names of the handlers that take requests. */
  readonly handlers: readonly string[];
}

/** A deployed flow, and under which name its module exports it. */
export interface FlowRecord {
  readonly name: string;
  readonly exportName: string;
}

/** A deployed module. */
export interface DeploymentRecord {
  readonly name: string;
  readonly hash: string;
  readonly signature: string | undefined;
  readonly functions: readonly FunctionRecord[];
  readonly flows: readonly FlowRecord[];
  /** By the node's clock, milliseconds since 1970. */
  readonly deployed_ms: number;
}

/** A deployment that may be, but has not been made. */
export interface PlannedDeployment {
  readonly record: DeploymentRecord;
  readonly writes: readonly Write[];
  /** Functions and flows that the module had and has no longer. */
  readonly retired: readonly string[];
}

const recordSchema = z.object({
  name: z.string(),
  hash: z.string(),
  signature: z.string().optional(),
  functions: z.array(
    z.object({ name: z.string(), stateVersion: z.int(), layout: z.string(), handlers: z.array(z.string()) }),
  ),
  flows: z.array(z.object({ name: z.string(), exportName: z.string() })),
  deployed_ms: z.number(),
});

type ReadableStore = Pick<Store, "get" | "range">;

const prefix = "d\0module\0";

/** A module's name is a file's, without its ending. */
export function checkModuleName(name: string): void {
  if (typeof name === "string" && /^[a-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/.test(name)) return;
  const remedy =
    "a module's name is up to 64 letters, digits, dots, hyphens and underscores, the first a lower case one or digit";
  throw new InputError("name of the module", name, remedy);
}

/** What is deployed, by name. Records that cannot be read are told of, and left out. */
export function deployments(
  store: ReadableStore,
  report: (name: string, error: NeuroranError) => void,
): DeploymentRecord[] {
  const records: DeploymentRecord[] = [];
  for (const { key, value } of store.range(prefix, afterPrefix(prefix))) {
    const name = key.slice(prefix.length);
    const record = parse(name, value);
    if (record instanceof NeuroranError) report(name, record);
    else records.push(record);
  }
  return records;
}

function parse(name: string, value: Uint8Array): DeploymentRecord | NeuroranError {
  try {
    const record = recordSchema.parse(JSON.parse(new TextDecoder().decode(value)));
    return { ...record, signature: record.signature };
  } catch (cause) {
    const message = `the record of module ${name} cannot be read: deploy it again`;
    return new NeuroranError("DEPLOYMENT_CORRUPT", message, { cause });
  }
}

/**
 * What deploying a loaded module under a name takes, in place of what had the name.
 * @throws InputError where another module has one of its functions or flows, or the state that is there cannot be read.
 */
export function planDeployment(
  store: ReadableStore,
  name: string,
  module: Pick<LoadedModule, "hash" | "functions" | "flows">,
  signature: string | undefined,
  now_ms: number,
): PlannedDeployment {
  checkModuleName(name);
  const admitted = module.functions.map((one) => ({ one, ...admitSchema(store, one.name, one.state) }));
  const functions = admitted.map(({ one, codec }) => recordOf(one, codec.layout));
  const flows = [...module.flows].map(([exportName, flow]) => ({ name: flow.name, exportName }));
  const names = new Set([...functions, ...flows].map((one) => one.name));
  const retired: string[] = [];
  // A record that cannot be read says nothing; whoever began with it was told.
  for (const other of deployments(store, () => {})) {
    for (const one of [...other.functions, ...other.flows]) {
      if (other.name === name) {
        if (!names.has(one.name)) retired.push(one.name);
      } else if (names.has(one.name)) {
        const remedy = `module ${other.name} has it already: rename one, or undeploy that module`;
        throw new InputError(`function or flow of module ${name}`, one.name, remedy);
      }
    }
  }
  const record: DeploymentRecord = {
    name,
    hash: module.hash,
    signature,
    functions,
    flows,
    deployed_ms: now_ms,
  };
  const value = new TextEncoder().encode(JSON.stringify(record));
  // With the layouts, lest a version that comes soon after does not know how this one wrote.
  const layouts = admitted.flatMap(({ writes }) => writes);
  return { record, writes: [...layouts, { key: prefix + name, value }], retired };
}

function recordOf({ name, state, handlers }: StatefulFunctionData, layout: string): FunctionRecord {
  const requests = Object.entries(handlers).filter(([, { kind }]) => kind === "request");
  return { name, stateVersion: state.version, layout, handlers: requests.map(([handler]) => handler) };
}

/** What undeploying a module takes; state and the layouts that it was written in stay. */
export function planRemoval(name: string): Write[] {
  return [{ key: prefix + name, value: undefined }];
}
