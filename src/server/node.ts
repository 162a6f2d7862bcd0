import { type KeyObject, randomUUID } from "node:crypto";
import { embeddedBus, openLmdbStore, type Store, systemClock } from "../bus/index.js";
import type { NeuroranError } from "../errors.js";
import { createDeployments, warmUp } from "../functions/deployment/index.js";
import { openEncryption, openNodeKey } from "../functions/encryption/index.js";
import { checkRestored } from "../functions/snapshot/index.js";
import {
  createCommitDomain,
  type DomainProblem,
  type StatefulFunctionData,
} from "../functions/turns/index.js";
import { pinModel } from "../neural/models/pinned.js";
import { announceNode, dataDirectory, makeDataDirectory, openToken } from "./data-directory.js";
import { deployedFunctions, serveDeployments } from "./deployment-routes.js";
import { serveFlows } from "./flow-routes.js";
import { type FunctionService, type OpenStreams, serveFunctions } from "./function-routes.js";
import { type HttpServer, type Listen, startHttpServer } from "./http-server.js";
import { ciphersOf, nodeOwner } from "./node-ciphers.js";
import { createNodeFlows } from "./node-flows.js";
import type { NodeLog } from "./node-log.js";
import { serveHealth, serveKeys, serveLogs, serveMetrics, serveSessions } from "./node-routes.js";
import { serveSnapshot } from "./snapshot-route.js";

/** What a node needs to know. */
export interface NodeOptions {
  /** The data directory, made where there is none. */
  readonly data: string;
  readonly listen: Listen;
  readonly log: NodeLog;
  /** Ed25519 public keys, one of which must have signed a module; without any, none need be signed. */
  readonly trustedKeys?: readonly KeyObject[];
  /** About the memory that states of keys may take. */
  readonly cache_bytes?: number;
}

/** A node that serves. */
export interface RunningNode {
  readonly url: string;
  /** The file that holds the token. */
  readonly token: string;
  /**
   * Ends: takes no more requests, finishes and commits what has come, replies, and gives the data directory back.
   */
  close(): Promise<void>;
}

/** Its name on the bus, where it is alone. */
const nodeName = "node";

/** Clients that do not take their replies are waited for so long when a node ends. */
const farewell_ms = 5000;

/**
 * Starts a node over its data directory: takes up the state as it was, puts back into service what was deployed, and listens.
 * @throws (rejections) NeuroranError STORE_LOCKED where another node has the directory; what opening store and keys throws; InputError
 * where the directory cannot be made or nobody can listen there.
 */
export async function startNode({
  data,
  listen,
  log,
  trustedKeys,
  cache_bytes,
}: NodeOptions): Promise<RunningNode> {
  const directory = dataDirectory(data);
  makeDataDirectory(directory);
  const { store, problem } = watchedStore(await openLmdbStore(directory.store), log);
  const opened: (() => Promise<void> | void)[] = [() => store.close()];
  const undo = async (): Promise<void> => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const token = openToken(directory);
    checkRestored(store);
    await warmUp(directory.path);
    const nodeKey = openNodeKey(directory.nodeKey);
    const encryption = openEncryption(store, nodeKey);
    await encryption.prepare([nodeOwner]);
    const streams: OpenStreams = new Set();
    const loaded = new Map<string, StatefulFunctionData>();
    const deployments = createDeployments({
      dataDirectory: directory.path,
      store,
      clock: systemClock,
      domain: () => inService,
      provide: (names) => encryption.prepare(names),
      report: (name, error) => log.write("error", "deployment", `${name}: ${messageOf(error)}`),
      ...(trustedKeys === undefined ? {} : { trustedKeys }),
    });
    const cipherOf = ciphersOf(encryption);
    const flows = createNodeFlows({
      dataDirectory: directory.path,
      store,
      encryption,
      guardOf: cipherOf,
      trustedKeys,
      log,
    });
    opened.push(() => flows.close());
    // Before any turn runs, as one may append to them.
    for (const record of deployments.list()) await flows.resume(record);
    const domain = createCommitDomain({
      store,
      bus: embeddedBus(nodeName),
      clock: systemClock,
      uniqueId: randomUUID,
      cipherOf,
      sources: flows.sources,
      awaits: deployments.awaits,
      report: (problem) => log.write("error", "function", problemText(problem)),
      ...(cache_bytes === undefined ? {} : { cache_bytes }),
    });
    opened.push(() => domain.close());
    flows.sendTo(domain);
    const inService = {
      deploy(functions: readonly StatefulFunctionData[]): void {
        domain.deploy(functions);
        for (const one of functions) loaded.set(one.name, one);
      },
      undeploy(name: string): void {
        domain.undeploy(name);
        loaded.delete(name);
      },
    };
    const service: FunctionService = {
      domain,
      functions: {
        loaded,
        names: () => deployments.list().flatMap(({ functions }) => functions.map(({ name }) => name)),
        ready: deployments.ready,
      },
      streams,
      list: () => deployedFunctions(deployments.list(), domain.statistics()),
    };

    const models = { pin: (reference: string) => pinModel(reference, directory.path), log };
    const started = performance.now();
    let server: HttpServer | undefined;
    const metrics = () => ({
      domain: domain.statistics(),
      ...server!.counts(),
      uptime_s: (performance.now() - started) / 1000,
      residentMemory_bytes: process.memoryUsage.rss(),
    });
    server = await startHttpServer(
      listen,
      token,
      {
        functions: { route: (exchange) => serveFunctions(exchange, service) },
        flows: { route: (exchange) => serveFlows(exchange, flows, streams, models) },
        sessions: { route: (exchange) => serveSessions(exchange, domain) },
        deployments: { route: (exchange) => serveDeployments(exchange, deployments, flows, log) },
        keys: { route: (exchange) => serveKeys(exchange, encryption) },
        snapshot: {
          route: (exchange) => serveSnapshot(exchange, { store, nodeKey, directory: directory.path }),
        },
        logs: { route: (exchange) => serveLogs(exchange, log, streams) },
        metrics: { route: (exchange) => serveMetrics(exchange, metrics) },
        health: { route: (exchange) => serveHealth(exchange, problem), open: true },
      },
      log,
    );
    const withdraw = announceNode(directory, { pid: process.pid, url: server.url });
    if (!/^(127\.|::1$|localhost$)/.test(listen.host)) {
      log.write(
        "warning",
        "node",
        `${listen.host} is reached from other machines, and HTTP is not encrypted: keep it in a network that you trust`,
      );
    }
    log.write("info", "node", `serves; data in ${directory.path}`);

    const close = async (): Promise<void> => {
      log.write("info", "node", "ends: takes no more requests");
      server.drain();
      for (const stream of streams) stream.end("NODE_ENDS", "the node ends: come back with Last-Event-ID");
      await domain.close();
      // What they send now is kept, and handed over when the node is back.
      await flows.close().catch((error: Error) => log.write("error", "flow", error.message));
      await server.closed(farewell_ms);
      withdraw();
      await store.close();
    };
    let closing: Promise<void> | undefined;
    return {
      url: server.url,
      token: directory.token,
      close() {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await undo();
    throw error;
  }
}

/** Says in the log when the store begins to fail. `problem` is what it failed with last, until it commits again. */
function watchedStore(
  store: Store,
  log: NodeLog,
): { store: Store; problem: () => NeuroranError | undefined } {
  let problem: NeuroranError | undefined;
  const commit: Store["commit"] = (batch) => {
    const committed = store.commit(batch);
    committed.then(
      () => {
        problem = undefined;
      },
      (error: NeuroranError) => {
        if (problem === undefined) log.write("error", "store", error.message);
        problem = error;
      },
    );
    return committed;
  };
  return { store: { ...store, commit }, problem: () => problem };
}

function problemText(problem: DomainProblem): string {
  if ("entry" in problem) return `an entry of the store cannot be read: ${problem.error.message}`;
  const { target } = problem.message;
  return `${target.function} ${JSON.stringify(target.key)}: ${problem.error.message}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
