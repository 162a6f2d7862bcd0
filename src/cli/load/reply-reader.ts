import { NeuroranError } from "../../errors.js";

/** A reply of an HTTP/1.1 server, its body whole. */
export interface HttpReply {
  readonly status: number;
  /** Names in lower case; the first of several of one name. */
  header(name: string): string | undefined;
  readonly body: Buffer;
}

const longestHead_bytes = 2 ** 16;
const lineEnd = "\r\n";
const headEnd = "\r\n\r\n";

/**
 * Takes the bytes of one connection as they come, and hands over each reply as soon as it is whole. Bodies have a length or
 * come in chunks; interim replies (1xx) are passed over. Made for short replies: what is not whole is read again from its head.
 *
 * @returns takes the next bytes. @throws NeuroranError HTTP_MALFORMED for what is no reply, or one that only the end of the
 * connection would end; the connection is of no use after that.
 */
export function createReplyReader(hand: (reply: HttpReply) => void): (bytes: Buffer) => void {
  let pending: Buffer | undefined;
  return (bytes) => {
    let rest = pending === undefined ? bytes : Buffer.concat([pending, bytes]);
    pending = undefined;
    while (rest.length > 0) {
      const read = readReply(rest);
      if (read === undefined) {
        pending = rest;
        return;
      }
      rest = rest.subarray(read.end);
      if (read.reply.status >= 200) hand(read.reply);
    }
  };
}

function readReply(bytes: Buffer): { reply: HttpReply; end: number } | undefined {
  const headLength = bytes.indexOf(headEnd);
  if (headLength < 0) {
    if (bytes.length > longestHead_bytes) throw malformed("a head without end");
    return undefined;
  }
  const head = bytes.toString("latin1", 0, headLength);
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |\r|$)/.exec(head)?.[1]);
  if (!(status >= 100)) throw malformed(`the first line ${JSON.stringify(head.split(lineEnd, 1)[0])}`);
  const header = headerReader(head);
  const start = headLength + headEnd.length;
  if (status < 200 || status === 204 || status === 304) {
    return { reply: { status, header, body: bytes.subarray(start, start) }, end: start };
  }
  if (header("transfer-encoding")?.toLowerCase() === "chunked") {
    const chunks = readChunks(bytes, start);
    return chunks && { reply: { status, header, body: chunks.body }, end: chunks.end };
  }
  const length = header("content-length");
  if (length === undefined || !/^\d{1,15}$/.test(length)) throw malformed(`the length ${length}`);
  const end = start + Number(length);
  if (end > bytes.length) return undefined;
  return { reply: { status, header, body: bytes.subarray(start, end) }, end };
}

/** Reads the head's lines after the first. */
function headerReader(head: string): HttpReply["header"] {
  const lower = head.toLowerCase();
  return (name) => {
    const line = lower.indexOf(`${lineEnd}${name}:`);
    if (line < 0) return undefined;
    const end = head.indexOf(lineEnd, line + lineEnd.length);
    return head.slice(line + lineEnd.length + name.length + 1, end < 0 ? undefined : end).trim();
  };
}

function readChunks(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const chunks: Buffer[] = [];
  for (let position = start; ; ) {
    const sizeEnd = bytes.indexOf(lineEnd, position);
    if (sizeEnd < 0) return undefined;
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;|$)/i.exec(bytes.toString("latin1", position, sizeEnd))?.[1];
    if (size === undefined) throw malformed("the size of a chunk");
    const chunkStart = sizeEnd + lineEnd.length;
    const chunkEnd = chunkStart + Number.parseInt(size, 16);
    if (chunkEnd === chunkStart) {
      const end = trailersEnd(bytes, sizeEnd);
      return end === undefined ? undefined : { body: Buffer.concat(chunks), end };
    }
    position = chunkEnd + lineEnd.length;
    if (position > bytes.length) return undefined;
    if (bytes.toString("latin1", chunkEnd, position) !== lineEnd) throw malformed("the end of a chunk");
    chunks.push(bytes.subarray(chunkStart, chunkEnd));
  }
}

/** Where an empty line ends what follows the last chunk, whose size ends at `sizeEnd`. */
function trailersEnd(bytes: Buffer, sizeEnd: number): number | undefined {
  const end = bytes.indexOf(headEnd, sizeEnd);
  return end < 0 ? undefined : end + headEnd.length;
}

function malformed(what: string): NeuroranError {
  return new NeuroranError("HTTP_MALFORMED", `The server's reply cannot be read: ${what}`);
}
