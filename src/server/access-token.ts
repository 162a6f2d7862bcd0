import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";

/** A new token: 256 bits, in letters that stand in headers and shells as they are. */
export function createToken(): string {
  return randomBytes(32).toString("base64url");
}

/** Says of a request whether it bears the token. */
export type Authorise = (socket: Socket, header: string | undefined) => boolean;

/**
 * Compares in constant time. A connection that has borne the token once is not asked for the whole comparison again while its
 * header stays the same: it knows the token already.
 */
export function authoriseBy(token: string): Authorise {
  const expected = digestOf(token);
  const known = new WeakMap<Socket, string>();
  return (socket, header) => {
    if (header === undefined) return false;
    if (known.get(socket) === header) return true;
    const given = /^bearer +([^ ]+) *$/i.exec(header)?.[1];
    if (given === undefined || !timingSafeEqual(digestOf(given), expected)) return false;
    known.set(socket, header);
    return true;
  };
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
