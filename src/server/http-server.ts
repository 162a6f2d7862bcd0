import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { InputError, NeuroranError } from "../errors.js";
import { authoriseBy } from "./access-token.js";
import { type Exchange, replyProblem, takeApart } from "./exchange.js";
import type { NodeLog } from "./node-log.js";
import { listed, problemOf } from "./problem.js";

/** Serves one exchange: what it throws or rejects with becomes the reply, where there is none yet. */
export type Route = (exchange: Exchange) => void | Promise<void>;

/** What a server does with requests, by the first part of their path. */
export interface Routes {
  readonly [first: string]: {
    readonly route: Route;
    /** Serves without a token. */
    readonly open?: boolean;
  };
}

/** Where a server listens. */
export interface Listen {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
}

/** A server that takes requests. */
export interface HttpServer {
  readonly url: string;
  /** Requests served, by status, and those without a reply yet. */
  counts(): { readonly served: ReadonlyMap<number, number>; readonly open: number };
  /** Takes no more connections, and ends those that are idle; others end with the reply that they wait for. */
  drain(): void;
  /** To be called after `drain`: resolves when all connections have ended; those that have not within the time are cut. */
  closed(within_ms: number): Promise<void>;
}

/** A slow client holds a connection, not a node: it has so long for its headers, and for its whole request. */
const headers_ms = 10_000;
const request_ms = 30_000;
const idle_ms = 60_000;

/** @throws InputError (rejection) where nobody can listen there. */
export async function startHttpServer(
  listen: Listen,
  token: string,
  routes: Routes,
  log: NodeLog,
): Promise<HttpServer> {
  const authorised = authoriseBy(token);
  const served = new Map<number, number>();
  const connections = new Set<Socket>();
  /** Without a reply yet, in the order of their requests. */
  const open = new Set<ServerResponse>();
  let draining = false;

  const failed = (response: ServerResponse, error: unknown): void => {
    const { status, problem } = problemOf(error);
    replyProblem(response, status, problem);
    if (status === 500) {
      log.write("error", "http", error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  };

  const finished = function (this: ServerResponse): void {
    open.delete(this);
    served.set(this.statusCode, (served.get(this.statusCode) ?? 0) + 1);
  };

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    open.add(response);
    response.on("close", finished);
    if (draining) response.shouldKeepAlive = false;
    const fail = (error: unknown): void => failed(response, error);
    try {
      const { path, query } = takeApart(request.url ?? "/");
      const first = path[0]!;
      const found = Object.hasOwn(routes, first) ? routes[first] : undefined;
      if (found?.open !== true && !authorised(request.socket, request.headers.authorization)) {
        refuse(response);
        return;
      }
      if (found === undefined) throw pathUnknown(`there is ${listed(Object.keys(routes), "nothing")}`);
      found.route({ request, response, path, query, fail })?.catch(fail);
    } catch (error) {
      fail(error);
    }
  };

  const server = createServer(
    {
      noDelay: true,
      keepAlive: true,
      requestTimeout: request_ms,
      headersTimeout: headers_ms,
      keepAliveTimeout: idle_ms,
      connectionsCheckingInterval: 2000,
    },
    serve,
  );
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  await listening(server, listen);
  return {
    url: urlOf(server.address() as AddressInfo),
    counts: () => ({ served, open: open.size }),
    drain() {
      draining = true;
      server.close();
      // Behind the last reply of each connection, as clients may have sent several requests.
      const last = new Map([...open].map((response) => [response.req.socket, response]));
      for (const response of last.values()) response.shouldKeepAlive = false;
      // Node would leave those alone that have not sent anything yet.
      for (const socket of connections) if (!last.has(socket)) socket.destroySoon();
    },
    async closed(within_ms) {
      const cut = setTimeout(() => server.closeAllConnections(), within_ms);
      await Promise.all([...connections].map((socket) => new Promise((done) => socket.once("close", done))));
      clearTimeout(cut);
    },
  };
}

function refuse(response: ServerResponse): void {
  response.setHeader("www-authenticate", "Bearer");
  replyProblem(response, 401, {
    code: "UNAUTHORISED",
    field: "authorization",
    message: "authorization: send `Bearer` and the token that stands in the data directory of the node",
  });
}

/** Nothing stands at this path. @param there what stands beside it. */
export function pathUnknown(there: string): NeuroranError {
  return new NeuroranError("PATH_UNKNOWN", `nothing stands at this path: ${there}`);
}

/** The path takes other methods; says which. */
export function methodRefused({ response, request }: Exchange, allowed: string): NeuroranError {
  response.setHeader("allow", allowed);
  return new NeuroranError("METHOD_REFUSED", `${request.method} is not served here: use ${allowed}`);
}

function listening(server: Server, { host, port }: Listen): Promise<void> {
  return new Promise((done, failed) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const remedy =
        cause.code === "EADDRINUSE"
          ? "another program listens there: give another port, or 0 for a free one"
          : `give an address and a port of this machine (${cause.message})`;
      failed(new InputError("--listen", `${host}:${port}`, remedy, { cause }));
    });
    server.listen(port, host, done);
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  // Whoever listens everywhere is reached here, too.
  const host = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
  return `http://${family === "IPv6" || host.includes(":") ? `[${host}]` : host}:${port}`;
}
