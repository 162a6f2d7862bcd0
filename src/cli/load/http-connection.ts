import { connect, type Socket } from "node:net";
import { NeuroranError } from "../../errors.js";
import { createReplyReader, type HttpReply } from "./reply-reader.js";

/** Where a server listens. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

/** One connection that is kept alive, with one request at a time on it. */
export interface HttpConnection {
  /** Sends what `postRequest` gave; `reply` or `lost` of the connection's events follows. */
  send(request: Uint8Array): void;
  /** Ends the connection at once; no event follows. */
  close(): void;
}

export interface HttpEvents {
  /** May send the next request. */
  reply(reply: HttpReply): void;
  /** The connection ended, or never came about, or brought what is no reply; comes once, and nothing after it. */
  lost(cause: NeuroranError): void;
}

/** The bytes of a POST request with a body of JSON, to be sent as often as wanted. */
export function postRequest(
  address: HttpAddress,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): Buffer {
  return requestBytes("POST", address, path, headers, Buffer.from(JSON.stringify(body)));
}

/** The bytes of a GET request. */
export function getRequest(
  address: HttpAddress,
  path: string,
  headers: Readonly<Record<string, string>>,
): Buffer {
  return requestBytes("GET", address, path, headers, undefined);
}

function requestBytes(
  method: string,
  { host, port }: HttpAddress,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer | undefined,
): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${host}:${port}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push("content-type: application/json", `content-length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body ?? Buffer.alloc(0)]);
}

/** Connects; requests may be sent at once. */
export function openHttpConnection(address: HttpAddress, events: HttpEvents): HttpConnection {
  const socket: Socket = connect({ ...address, noDelay: true });
  let over = false;
  const lose = (cause: NeuroranError): void => {
    if (over) return;
    over = true;
    socket.destroy();
    events.lost(cause);
  };
  const read = createReplyReader((reply) => {
    if (!over) events.reply(reply);
  });
  const server = `${address.host}:${address.port}`;
  socket.on("data", (bytes: Buffer) => {
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof NeuroranError)) throw error;
      lose(error);
    }
  });
  socket.on("error", (cause) =>
    lose(new NeuroranError("CONNECTION_LOST", `No connection to ${server}: ${cause.message}`, { cause })),
  );
  socket.on("close", () =>
    lose(new NeuroranError("CONNECTION_LOST", `${server} ended the connection; is the server running?`)),
  );
  return {
    send: (request) => void socket.write(request),
    close() {
      over = true;
      socket.destroy();
    },
  };
}

/** A connection whose replies are awaited one by one; opened with the first request, and again after it was lost. */
export interface HttpCaller {
  /** To be called when the last reply has come. @throws NeuroranError as `lost` has it (rejection). */
  call(request: Uint8Array): Promise<HttpReply>;
  /** Ends the connection; who waits for a reply is rejected with `cause`, and nothing can be called any more. */
  close(cause?: NeuroranError): void;
}

export function createHttpCaller(address: HttpAddress): HttpCaller {
  let connection: HttpConnection | undefined;
  let waiting: { resolve(reply: HttpReply): void; reject(cause: NeuroranError): void } | undefined;
  let closedBy: NeuroranError | undefined;
  return {
    call: (request) =>
      new Promise((resolve, reject) => {
        if (closedBy !== undefined) {
          reject(closedBy);
          return;
        }
        waiting = { resolve, reject };
        connection ??= openHttpConnection(address, {
          reply: (reply) => waiting?.resolve(reply),
          lost(cause) {
            connection = undefined;
            waiting?.reject(cause);
          },
        });
        connection.send(request);
      }),
    close(cause = new NeuroranError("CONNECTION_CLOSED", "The connection was closed on this side")) {
      closedBy ??= cause;
      connection?.close();
      waiting?.reject(closedBy);
    },
  };
}

/** A single request on a connection of its own. @throws (rejections) as `lost`, and CONNECTION_TIMEOUT. */
export async function requestOnce(
  address: HttpAddress,
  request: Uint8Array,
  timeout_ms: number,
): Promise<HttpReply> {
  const caller = createHttpCaller(address);
  const server = `${address.host}:${address.port}`;
  const late = new NeuroranError("CONNECTION_TIMEOUT", `${server} gave no reply within ${timeout_ms} ms`);
  const timer = setTimeout(() => caller.close(late), timeout_ms);
  try {
    return await caller.call(request);
  } finally {
    clearTimeout(timer);
    caller.close();
  }
}
