import type { FunctionKeys } from "../functions/encryption/index.js";
import type { Address } from "../functions/turns/index.js";
import type { CanaryReport } from "./canary.js";
import { followEvents } from "./client-events.js";
import { createTransport, type Reply, refusalOf } from "./client-transport.js";
import type { DeployedFunction, DeployedModule } from "./deployment-routes.js";
import type { FlowInService, SwapReport } from "./flow-routes.js";
import type { LogLine } from "./node-log.js";

/** Looks after one node. Rejects with what the node refuses, and NODE_UNREACHABLE. */
export interface NodeClient {
  functions(): Promise<DeployedFunction[]>;
  flows(): Promise<FlowInService[]>;
  modules(): Promise<DeployedModule[]>;
  /** Puts a bundled module into service. @param signature in base64, where the node wants one. */
  deploy(name: string, module: string, signature?: string): Promise<DeployedModule>;
  /** Exchanges implementations of a flow of slots, by function; says how that went. */
  swap(
    flow: string,
    implementations: Readonly<Record<string, string>>,
    fallback: Readonly<Record<string, number>>,
  ): Promise<SwapReport>;
  /** Puts a model beside the implementation of a function in a share of the slots of a flow; says what that began with. */
  startCanary(
    flow: string,
    canary: { model: string; function?: string; share: number; slots: number },
  ): Promise<CanaryReport>;
  /** The latest canary of a flow; null where there was none since it was started. */
  canary(flow: string): Promise<CanaryReport | null>;
  decideCanary(flow: string, decision: "promote" | "rollback"): Promise<CanaryReport>;
  /** Takes a module out of service; state stays. */
  undeploy(name: string): Promise<DeployedModule>;
  /** The JSON form of a key's state. */
  state(address: Address): Promise<unknown>;
  setState(address: Address, json: unknown): Promise<void>;
  /** Keys that have state, those behind `after`. */
  keys(name: string, after: string | undefined, limit: number): Promise<string[]>;
  /** The data keys of functions; not the keys themselves. */
  dataKeys(): Promise<FunctionKeys[]>;
  rotateKey(name: string): Promise<FunctionKeys>;
  /** The bytes of a snapshot of all that the node has kept. */
  snapshot(): Promise<AsyncIterable<Uint8Array>>;
  logs(): Promise<LogLine[]>;
  /** The lines that are kept and those that come. */
  followLogs(signal: AbortSignal): AsyncIterable<LogLine>;
  close(): void;
}

/** @throws InputError where the URL is none. */
export function createNodeClient({ url, token }: { url: string; token: string }): NodeClient {
  const transport = createTransport(url, token);

  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return answerOf(await transport.request(method, path, {}, text));
  };

  return {
    functions: async () => (await ask("GET", "/functions")) as DeployedFunction[],
    flows: async () => (await ask("GET", "/flows")) as FlowInService[],
    modules: async () => (await ask("GET", "/deployments")) as DeployedModule[],
    deploy: async (name, module, signature) =>
      (await ask("POST", "/deployments", { name, module, signature })) as DeployedModule,
    swap: async (flow, implementations, fallback) =>
      (await ask("POST", `/flows/${encodeURIComponent(flow)}/swap`, {
        implementations,
        fallback,
      })) as SwapReport,
    startCanary: async (flow, canary) =>
      (await ask("POST", `/flows/${encodeURIComponent(flow)}/canary`, canary)) as CanaryReport,
    canary: async (flow) =>
      (await ask("GET", `/flows/${encodeURIComponent(flow)}/canary`)) as CanaryReport | null,
    decideCanary: async (flow, decision) =>
      (await ask("POST", `/flows/${encodeURIComponent(flow)}/canary/${decision}`)) as CanaryReport,
    undeploy: async (name) =>
      (await ask("DELETE", `/deployments/${encodeURIComponent(name)}`)) as DeployedModule,
    state: (address) => ask("GET", `${pathTo(address)}/state`),
    async setState(address, json) {
      await ask("PUT", `${pathTo(address)}/state`, json);
    },
    async keys(name, after, limit) {
      const behind = after === undefined ? "" : `&after=${encodeURIComponent(after)}`;
      return (await ask(
        "GET",
        `/functions/${encodeURIComponent(name)}/keys?limit=${limit}${behind}`,
      )) as string[];
    },
    dataKeys: async () => (await ask("GET", "/keys")) as FunctionKeys[],
    rotateKey: async (name) =>
      (await ask("POST", `/keys/${encodeURIComponent(name)}/rotate`)) as FunctionKeys,
    snapshot: () => transport.stream("/snapshot", {}),
    logs: async () => (await ask("GET", "/logs")) as LogLine[],
    async *followLogs(signal) {
      for await (const { event } of followEvents(transport, "/logs", { from: 1, signal }, 0))
        yield event as LogLine;
    },
    close: () => transport.close(),
  };
}

/** The path of a key of a function. */
export function pathTo({ function: name, key }: Address): string {
  return `/functions/${encodeURIComponent(name)}/${encodeURIComponent(key)}`;
}

function answerOf(reply: Reply): unknown {
  if (reply.status >= 300) throw refusalOf(reply);
  return reply.text === "" ? undefined : JSON.parse(reply.text);
}
