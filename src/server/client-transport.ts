import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { InputError, NeuroranError } from "../errors.js";
import type { Problem } from "./problem.js";

/** A reply of a node. */
export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** A connection that broke before the reply was there. */
export class ConnectionLost extends NeuroranError {
  constructor(
    /** Whether the node may have taken the request. */
    readonly sent: boolean,
    url: string,
    cause: Error,
  ) {
    const message = sent
      ? `the connection to ${url} broke before the reply`
      : `nobody answers at ${url}: is the node up?`;
    super(sent ? "CONNECTION_LOST" : "NODE_UNREACHABLE", message, { cause });
  }
}

/** Requests to one node over connections that are kept. */
export interface Transport {
  /** Resolves with whatever the node replies. @throws (rejections) ConnectionLost. */
  request(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string | Uint8Array,
  ): Promise<Reply>;
  /** Resolves when the reply begins, with a status of 200. @throws (rejections) ConnectionLost, or what the node refused. */
  stream(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<IncomingMessage>;
  /** Ends connections that nothing waits for. */
  close(): void;
}

/** @param url of the node: `http://host:port`. @throws InputError where it is none. */
export function createTransport(url: string, token: string): Transport {
  const { hostname, port } = parseUrl(url);
  const agent = new Agent({ keepAlive: true, scheduling: "lifo" });
  const authorization = `Bearer ${token}`;

  function open(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array | undefined,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    return new Promise((done, failed) => {
      let sent = false;
      const length = body === undefined ? undefined : Buffer.byteLength(body);
      const request = httpRequest({
        agent,
        hostname,
        port,
        method,
        path,
        headers: {
          authorization,
          ...headers,
          ...(length === undefined ? {} : { "content-type": "application/json", "content-length": length }),
        },
        ...(signal === undefined ? {} : { signal }),
      });
      request.on("socket", (socket) => {
        if (!socket.connecting) sent = true;
        else
          socket.once("connect", () => {
            sent = true;
          });
      });
      request.on("response", done);
      request.on("error", (cause) => failed(new ConnectionLost(sent, url, cause)));
      request.end(body);
    });
  }

  const textOf = (response: IncomingMessage): Promise<string> =>
    new Promise((done, failed) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => done(text));
      response.on("error", (cause) => failed(new ConnectionLost(true, url, cause)));
    });

  return {
    async request(method, path, headers, body) {
      const response = await open(method, path, headers, body);
      return { status: response.statusCode!, text: await textOf(response) };
    },
    async stream(path, headers, signal) {
      const response = await open("GET", path, headers, undefined, signal);
      if (response.statusCode !== 200)
        throw refusalOf({ status: response.statusCode!, text: await textOf(response) });
      return response;
    },
    close: () => agent.destroy(),
  };
}

/** What a reply that is no success says went wrong. */
export function refusalOf({ status, text }: Reply): NeuroranError {
  let problem: Partial<Problem> = {};
  try {
    problem = Object(JSON.parse(text)) as Partial<Problem>;
  } catch {
    // Whatever stands between may reply in its own words.
  }
  const { code, message, field, value, remedy } = problem;
  if (code === "INPUT_INVALID" && field !== undefined && remedy !== undefined) {
    return new InputError(field, value, remedy);
  }
  return new NeuroranError(
    code ?? "REPLY_UNKNOWN",
    message ?? `the reply has the status ${status}: is this a node?`,
  );
}

function parseUrl(url: string): { hostname: string; port: number } {
  const remedy = "give the address of a node: http://host:port";
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw new InputError("url", url, remedy, { cause });
  }
  if (parsed.protocol !== "http:") throw new InputError("url", url, remedy);
  // Brackets are of addresses in URLs only.
  return { hostname: parsed.hostname.replace(/^\[|\]$/g, ""), port: Number(parsed.port || 80) };
}
