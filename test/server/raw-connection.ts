import { connect, type Socket } from "node:net";

/** A reply as it came. */
export interface RawReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A connection over which bytes are written as they are given, so that what no client would send can be. */
export interface RawConnection {
  readonly socket: Socket;
  write(text: string | Uint8Array): void;
  /** The next reply that has a length. */
  reply(): Promise<RawReply>;
  /** Resolves with all that came and was not asked for, when the other side has ended. */
  ended(): Promise<string>;
}

export async function rawConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let text = "";
  let over = false;
  let wake = (): void => {};
  socket.setEncoding("latin1");
  socket.on("data", (part: string) => {
    text += part;
    wake();
  });
  const end = (): void => {
    over = true;
    wake();
  };
  socket.on("end", end);
  socket.on("close", end);
  socket.on("error", end);
  await new Promise((done, failed) => {
    socket.once("connect", done);
    socket.once("error", failed);
  });
  const more = (): Promise<void> =>
    new Promise((done) => {
      wake = done;
    });
  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    async reply() {
      for (;;) {
        const head = /^HTTP\/1\.1 (\d+)[^\r]*\r\n(.*?)\r\n\r\n/s.exec(text);
        if (head !== null) {
          const headers = new Map(
            head[2]!.split("\r\n").map((line) => {
              const colon = line.indexOf(":");
              return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
            }),
          );
          const length = Number(headers.get("content-length") ?? 0);
          const end_ = head[0].length + length;
          if (text.length >= end_) {
            const body = Buffer.from(text.slice(head[0].length, end_), "latin1").toString("utf8");
            text = text.slice(end_);
            return { status: Number(head[1]), headers, body };
          }
        }
        if (over) throw new Error(`the connection ended before a reply: ${JSON.stringify(text)}`);
        await more();
      }
    },
    async ended() {
      while (!over) await more();
      return text;
    },
  };
}

/** A POST with a body, as text. */
export function post(path: string, token: string, body: string, headers = ""): string {
  return `POST ${path} HTTP/1.1\r\nhost: node\r\nauthorization: Bearer ${token}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
