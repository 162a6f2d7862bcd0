import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createReplyReader } from "./reply-reader.js";

interface Read {
  readonly status: number;
  readonly body: string;
}

/** All replies in bytes that come in the given pieces. */
function readAll(pieces: readonly Buffer[]): Read[] {
  const replies: Read[] = [];
  const read = createReplyReader(({ status, body }) => replies.push({ status, body: body.toString("hex") }));
  for (const piece of pieces) read(piece);
  return replies;
}

/** The bytes cut at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends
    .map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
    .filter(({ length }) => length > 0);
}

const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const status = fc.constantFrom(200, 201, 404, 503);

const withLength = fc.tuple(status, body).map(([code, content]) => ({
  read: { status: code, body: content.toString("hex") },
  bytes: Buffer.concat([
    Buffer.from(`HTTP/1.1 ${code} Words\r\nContent-Length: ${content.length}\r\nx-other: 1\r\n\r\n`),
    content,
  ]),
}));

const inChunks = fc
  .tuple(status, fc.array(body), fc.constantFrom("", ";name=value"), fc.constantFrom("", "x-trailer: 1\r\n"))
  .map(([code, parts, extension, trailer]) => {
    const chunks = parts.filter(({ length }) => length > 0);
    return {
      read: { status: code, body: Buffer.concat(chunks).toString("hex") },
      bytes: Buffer.concat([
        Buffer.from(`HTTP/1.1 ${code} Words\r\ntransfer-encoding: chunked\r\n\r\n`),
        ...chunks.flatMap((chunk) => [
          Buffer.from(`${chunk.length.toString(16)}${extension}\r\n`),
          chunk,
          Buffer.from("\r\n"),
        ]),
        Buffer.from(`0\r\n${trailer}\r\n`),
      ]),
    };
  });

const without = fc.constantFrom(
  {
    read: { status: 204, body: "" },
    bytes: Buffer.from("HTTP/1.1 204 No Content\r\nx: y\r\n\r\n"),
  },
  { read: undefined, bytes: Buffer.from("HTTP/1.1 100 Continue\r\n\r\n") },
);

describe("the reader of replies", () => {
  it("reads the same replies wherever their bytes are cut (seed 1)", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(withLength, inChunks, without), { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (replies, places) => {
          const bytes = Buffer.concat(replies.map((reply) => reply.bytes));
          const sent = replies.flatMap(({ read }) => (read === undefined ? [] : [read]));
          expect(readAll(cut(bytes, places))).toEqual(sent);
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });

  it("gives headers by their names in lower case", () => {
    let type: string | undefined;
    let missing: string | undefined = "something";
    createReplyReader(({ header }) => {
      type = header("content-type");
      missing = header("tent-type");
    })(Buffer.from("HTTP/1.1 200 OK\r\nContent-Type:  application/json \r\nContent-Length: 0\r\n\r\n"));
    expect(type).toBe("application/json");
    expect(missing).toBeUndefined();
  });

  it.each([
    ["another protocol", "SSH-2.0-OpenSSH\r\n\r\n"],
    ["a reply without length", "HTTP/1.1 200 OK\r\nx: y\r\n\r\nhello"],
    ["a length that is no number", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"],
    ["a chunk without size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"],
    [
      "a chunk that is longer than its size",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n",
    ],
    ["a head without end", "x".repeat(70_000)],
  ])("refuses %s", (_, text) => {
    expect(() => readAll([Buffer.from(text)])).toThrowError(
      expect.objectContaining({ code: "HTTP_MALFORMED" }),
    );
  });
});
