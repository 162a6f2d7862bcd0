import { afterAll } from "vitest";
import type { CommitDomain } from "../../src/functions/turns/commit-domain.js";
import type { StatefulFunctionData } from "../../src/functions/turns/declaration.js";
import { type OpenStreams, serveFunctions } from "../../src/server/function-routes.js";
import { type HttpServer, startHttpServer } from "../../src/server/http-server.js";
import { createNodeLog, type NodeLog } from "../../src/server/node-log.js";
import { serveLogs, serveSessions } from "../../src/server/node-routes.js";
import { counter } from "./counter.js";
import { lenient } from "./lenient.js";
import { memoryDomain } from "./memory-domain.js";

/** What serves in front of a domain in memory. */
export interface TestNode {
  readonly url: string;
  readonly token: string;
  readonly domain: CommitDomain;
  readonly log: NodeLog;
  readonly server: HttpServer;
}

/** Serves a counter until the tests of the file are done. */
export async function startTestNode(domain: CommitDomain = memoryDomain(), port = 0): Promise<TestNode> {
  const token = "secret-of-the-tests";
  const log = createNodeLog(1000, Date.now);
  const streams: OpenStreams = new Set();
  const loaded = new Map<string, StatefulFunctionData>([
    ["counter", counter],
    ["lenient", lenient],
  ]);
  const functions = {
    loaded,
    names: () => loaded.keys(),
    ready: async (name: string) => loaded.has(name),
  };
  const service = { domain, functions, streams, list: () => [] };
  domain.deploy([counter, lenient]);
  const server = await startHttpServer(
    { host: "127.0.0.1", port },
    token,
    {
      functions: { route: (exchange) => serveFunctions(exchange, service) },
      sessions: { route: (exchange) => serveSessions(exchange, domain) },
      logs: { route: (exchange) => serveLogs(exchange, log, streams) },
    },
    log,
  );
  afterAll(() => {
    server.drain();
    return server.closed(0);
  });
  return { url: server.url, token, domain, log, server };
}
