import { z } from "zod";
import type { DeploymentRecord, Deployments } from "../functions/deployment/index.js";
import type { DomainStatistics } from "../functions/turns/index.js";
import { type Exchange, replyJson } from "./exchange.js";
import { methodRefused, pathUnknown } from "./http-server.js";
import { checkWith, parseJson, readBody } from "./json-body.js";
import type { NodeFlows } from "./node-flows.js";
import type { NodeLog } from "./node-log.js";

/** A deployed module, as a node tells of it. */
export interface DeployedModule {
  readonly name: string;
  /** SHA-256 of its text. */
  readonly hash: string;
  readonly signed: boolean;
  readonly functions: readonly string[];
  readonly flows: readonly string[];
  /** Milliseconds since 1970. */
  readonly deployed_ms: number;
}

/** A deployed function, as a node tells of it. Numbers are since the node started. */
export interface DeployedFunction {
  readonly name: string;
  readonly module: string;
  /** Of its state. */
  readonly version: number;
  /** The handlers of requests. */
  readonly requests: readonly string[];
  /** Whether its module is loaded, as it is when it is first needed. */
  readonly loaded: boolean;
  /** Keys whose state is in memory. */
  readonly activeKeys: number;
  readonly turns: number;
  readonly failedTurns: number;
  /** Messages that wait until it is loaded. */
  readonly waiting: number;
}

const longestModule_bytes = 64 * 2 ** 20;

const deployment = z.strictObject({
  name: z.string("give the module a name"),
  module: z.string("give the text of a bundled module"),
  signature: z.string("give a signature in base64").optional(),
});

/**
 * `GET /deployments` lists the modules, `POST /deployments` puts one into service (`{name, module, signature?}`: the text of a
 * bundled module), in place of what has its name, `DELETE /deployments/{name}` takes one out.
 */
export function serveDeployments(
  exchange: Exchange,
  deployments: Deployments,
  flows: NodeFlows,
  log: NodeLog,
): void | Promise<void> {
  const { request, response, path } = exchange;
  if (path.length === 1 && request.method === "GET") {
    replyJson(response, 200, JSON.stringify(deployments.list().map(deployedModule)));
  } else if (path.length === 1 && request.method === "POST") {
    // JSON escapes some letters.
    readBody(request, 2 * longestModule_bytes, (problem, bytes) => {
      deploy(problem, bytes, deployments, flows, log).then(
        (told) => replyJson(response, 201, JSON.stringify(told)),
        exchange.fail,
      );
    });
  } else if (path.length === 2 && request.method === "DELETE") {
    return deployments.undeploy(path[1]!).then(async (record) => {
      await flows.stop(record.flows.map(({ name }) => name));
      log.write("info", "deployment", `${record.name} is out of service`);
      replyJson(response, 200, JSON.stringify(deployedModule(record)));
    });
  } else if (path.length > 2) throw pathUnknown("there is /deployments and /deployments/{name}");
  else throw methodRefused(exchange, path.length === 1 ? "GET, POST" : "DELETE");
}

async function deploy(
  problem: Error | undefined,
  bytes: Buffer,
  deployments: Deployments,
  flows: NodeFlows,
  log: NodeLog,
): Promise<DeployedModule> {
  if (problem !== undefined) throw problem;
  const { name, module, signature } = checkWith(deployment, parseJson(bytes));
  const before = deployments.list().find((one) => one.name === name);
  const { record, retired } = await deployments.deploy(name, module, signature);
  try {
    await flows.stop(retired);
    await flows.start(record);
  } catch (error) {
    await goBack(name, before, record, deployments, flows, log);
    throw error;
  }
  const gone = retired.length === 0 ? "" : `; no longer: ${retired.join(", ")}`;
  const told = deployedModule(record);
  const there = [...told.functions, ...told.flows].join(", ");
  log.write("info", "deployment", `${name} ${record.hash.slice(0, 12)} is in service: ${there}${gone}`);
  return told;
}

/** What was deployed when flows of its successor could not be started is in service again, and what of its flows has ended. */
async function goBack(
  name: string,
  before: DeploymentRecord | undefined,
  failed: DeploymentRecord,
  deployments: Deployments,
  flows: NodeFlows,
  log: NodeLog,
): Promise<void> {
  try {
    await deployments.goBack(name, before);
    const kept = new Set(before?.flows.map((one) => one.name));
    await flows.stop(failed.flows.map((one) => one.name).filter((one) => !kept.has(one)));
    if (before === undefined) return;
    const running = new Set(flows.flows().map(({ flow }) => flow.name));
    await flows.start({ ...before, flows: before.flows.filter((one) => !running.has(one.name)) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.write("error", "deployment", `${name} cannot go back to what it was: ${reason}`);
  }
}

function deployedModule({
  name,
  hash,
  signature,
  functions,
  flows,
  deployed_ms,
}: DeploymentRecord): DeployedModule {
  const names = (named: readonly { readonly name: string }[]): string[] => named.map((one) => one.name);
  const signed = signature !== undefined;
  return { name, hash, signed, functions: names(functions), flows: names(flows), deployed_ms };
}

/** What is deployed, with what the domain counts of it. */
export function deployedFunctions(
  records: readonly DeploymentRecord[],
  { functions }: DomainStatistics,
): DeployedFunction[] {
  const counted = new Map(functions.map((one) => [one.name, one]));
  return records.flatMap((record) =>
    record.functions.map(({ name, stateVersion, handlers }) => {
      const { activeKeys = 0, turns = 0, failedTurns = 0, waiting = 0 } = counted.get(name) ?? {};
      const loaded = counted.has(name);
      const about = { name, module: record.name, version: stateVersion, requests: handlers };
      return { ...about, loaded, activeKeys, turns, failedTurns, waiting };
    }),
  );
}
