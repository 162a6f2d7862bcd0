/**
 * Sealing by AES-256-GCM.
 *
 * Invariants:
 * 1. No nonce is used twice with one key. What seals is not the data key, which is stored and may come back with an older
 *    state of the store, but a session's key: derived from it with 128 random bits that each cipher draws for itself and
 *    keeps nowhere. Within a session nonces are counted, and a session ends before its counter does.
 * 2. Sealed bytes say under which version of the data key, in which session and with which nonce they were sealed; what
 *    opens them needs nothing else but the data key.
 * What is not hidden: how long a value is, and the texts that values are sealed under. Keys of entries, with names of functions
 * and the keys that clients gave, lie in the store as they are. What is not detected: an earlier value of an entry in its place.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { NeuroranError } from "../../errors.js";

/** Seals what belongs to one function. */
export interface Cipher {
  /**
   * @param associated what the bytes are, such as the key of their entry, which names function, key group and key: the same
   * text must be given to open them. Parts of it must not run into each other: put NUL between them.
   */
  seal(plain: Uint8Array, associated: string): Uint8Array;
  /** @throws NeuroranError STATE_CORRUPT where anything about the bytes, or the text, is not as it was when they were sealed. */
  open(sealed: Uint8Array, associated: string): Uint8Array;
  /** The same sealed under the newest data key; undefined where it is already. Throws as `open` does. */
  reseal(sealed: Uint8Array, associated: string): Uint8Array | undefined;
}

/** The versions of a function's data key. */
export interface DataKeys {
  /** The newest version. */
  current(): number;
  /** 32 bytes; undefined where there is no such version. */
  dataKey(version: number): Uint8Array | undefined;
}

interface Session {
  readonly version: number;
  readonly key: Uint8Array;
  /** What all bytes sealed in the session begin with, and the counter's place. */
  readonly header: Buffer;
  counter: number;
}

/** Format, version of the data key, salt, counter. */
const [versionAt, saltAt, counterAt, headerBytes] = [1, 5, 21, 25];
const tagBytes = 16;
const counterEnd = 2 ** 32;
const sealedFormat = 1;
const keptSessions = 256;

/** Bytes that sealing adds. */
export const sealingOverhead_bytes = headerBytes + tagBytes;

/** The version of the data key that bytes are sealed under, as they claim; undefined where they are not sealed. */
export function sealedVersion(sealed: Uint8Array): number | undefined {
  if (sealed.length < sealingOverhead_bytes || sealed[0] !== sealedFormat) return undefined;
  return asBuffer(sealed).readUInt32BE(versionAt);
}

export function createCipher(name: string, keys: DataKeys): Cipher {
  let session: Session | undefined;
  /** Keys of sessions, by version and salt, the least recently used first. */
  const opened = new Map<string, Uint8Array>();
  const nonce = Buffer.alloc(12);

  function begin(): Session {
    const version = keys.current();
    const header = Buffer.alloc(headerBytes);
    header[0] = sealedFormat;
    header.writeUInt32BE(version, versionAt);
    randomBytes(counterAt - saltAt).copy(header, saltAt);
    const key = sessionKey(name, keys.dataKey(version)!, header.subarray(saltAt, counterAt));
    session = { version, key, header, counter: 0 };
    return session;
  }

  function seal(plain: Uint8Array, associated: string): Uint8Array {
    let current = session;
    if (current === undefined || current.counter === counterEnd || current.version !== keys.current()) {
      current = begin();
    }
    nonce.writeUInt32BE(current.counter++, 8);
    const cipher = createCipheriv("aes-256-gcm", current.key, nonce);
    cipher.setAAD(Buffer.from(associated));
    const body = cipher.update(plain);
    cipher.final();
    // From Node's pool: an allocation of its own costs as much as the encryption.
    const sealed = Buffer.allocUnsafe(headerBytes + body.length + tagBytes);
    sealed.set(current.header);
    sealed.set(nonce.subarray(8), counterAt);
    sealed.set(body, headerBytes);
    sealed.set(cipher.getAuthTag(), headerBytes + body.length);
    return sealed;
  }

  function keyOf(sealed: Buffer, associated: string): Uint8Array {
    const id = sealed.toString("latin1", versionAt, counterAt);
    let key = opened.get(id);
    if (key === undefined) {
      const version = sealed.readUInt32BE(versionAt);
      const dataKey = keys.dataKey(version);
      if (dataKey === undefined) {
        throw corrupt(name, associated, `is sealed under version ${version} of its key, which is not there`);
      }
      key = sessionKey(name, dataKey, sealed.subarray(saltAt, counterAt));
      if (opened.size >= keptSessions) opened.delete(opened.keys().next().value!);
    } else opened.delete(id);
    opened.set(id, key);
    return key;
  }

  function open(bytes: Uint8Array, associated: string): Uint8Array {
    const sealed = asBuffer(bytes);
    if (sealed.length < sealingOverhead_bytes || sealed[0] !== sealedFormat) {
      throw corrupt(name, associated, "is cut off or was never sealed");
    }
    const bodyEnd = sealed.length - tagBytes;
    sealed.copy(nonce, 8, counterAt, headerBytes);
    const decipher = createDecipheriv("aes-256-gcm", keyOf(sealed, associated), nonce);
    decipher.setAAD(Buffer.from(associated));
    decipher.setAuthTag(sealed.subarray(bodyEnd));
    const plain = decipher.update(sealed.subarray(headerBytes, bodyEnd));
    try {
      decipher.final();
    } catch (cause) {
      throw corrupt(name, associated, "was changed, or stands where it was not sealed for", cause);
    }
    return plain;
  }

  return {
    seal,
    open,
    reseal(sealed, associated) {
      const plain = open(sealed, associated);
      return sealedVersion(sealed) === keys.current() ? undefined : seal(plain, associated);
    },
  };
}

function sessionKey(name: string, dataKey: Uint8Array, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", dataKey, salt, `neuroran/seal/1\0${name}`, 32));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function corrupt(name: string, associated: string, what: string, cause?: unknown): NeuroranError {
  const where = associated.replaceAll("\0", "/");
  const remedy = "restore it from a snapshot";
  return new NeuroranError("STATE_CORRUPT", `${where} of ${name} ${what}; ${remedy}`, { cause });
}
