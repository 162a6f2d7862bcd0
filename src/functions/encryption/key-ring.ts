import { z } from "zod";
import { afterPrefix, type Store, type Write } from "../../bus/index.js";
import { InputError, NeuroranError } from "../../errors.js";
import {
  agreementKeyOf,
  fingerprintOf,
  isSignedBy,
  type NodeIdentity,
  type NodeKey,
  signBytes,
} from "./node-key.js";
import { unwrapKey, wrapKey } from "./wrapping.js";

/*
 * The data keys of all functions as they lie in the store, one record a version: the key wrapped for every permitted node,
 * and signed, since whoever could put a key of his own here could read what is sealed from then on.
 */

/** One version of a function's data key. */
export interface KeyRecord {
  readonly function: string;
  /** From 1. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly created_ms: number;
  /** The fingerprint of the node that wrapped it. */
  readonly signer: string;
  /** The wrapped key in base64url by the fingerprint of the node that may open it. */
  readonly wraps: Readonly<Record<string, string>>;
  readonly signature: string;
}

const prefix = "k\0";
const signaturePurpose = "key-ring/1";
const stored = z.object({
  created_ms: z.number(),
  signer: z.string(),
  wraps: z.record(z.string(), z.string()),
  signature: z.string(),
});

/** Refuses what cannot name a function in the store's keys. */
export function checkFunctionName(name: string): void {
  if (name.length > 0 && name.isWellFormed() && !name.includes("\0")) return;
  throw new InputError("function", name, "a function's name is a text without NUL");
}

/** Wraps a data key for the nodes and signs it with the key of this one. */
export function sealRecord(
  node: NodeKey,
  nodes: readonly NodeIdentity[],
  about: Pick<KeyRecord, "function" | "version" | "created_ms">,
  dataKey: Uint8Array,
): KeyRecord {
  const wraps: Record<string, string> = {};
  for (const identity of nodes) {
    const wrapped = wrapKey(dataKey, agreementKeyOf(identity), contextOf(about));
    wraps[fingerprintOf(identity)] = Buffer.from(wrapped).toString("base64url");
  }
  const unsigned = { ...about, signer: node.fingerprint, wraps };
  const signature = signBytes(node, signaturePurpose, signedBytes(unsigned));
  return { ...unsigned, signature: Buffer.from(signature).toString("base64url") };
}

/**
 * The data key, 32 bytes.
 * @throws NeuroranError KEY_RING_CORRUPT: not signed by one of `nodes`; KEY_NOT_PERMITTED: not wrapped for this node.
 */
export function openRecord(record: KeyRecord, node: NodeKey, nodes: readonly NodeIdentity[]): Uint8Array {
  const name = `version ${record.version} of the key of ${record.function}`;
  const signer = nodes.find((identity) => fingerprintOf(identity) === record.signer);
  const signature = Buffer.from(record.signature, "base64url");
  if (signer === undefined || !isSignedBy(signer, signaturePurpose, signedBytes(record), signature)) {
    const remedy = "permit the node that made it, or restore the store from a snapshot";
    throw new NeuroranError("KEY_RING_CORRUPT", `${name} is not signed by a permitted node; ${remedy}`);
  }
  const wrapped = record.wraps[node.fingerprint];
  if (wrapped === undefined) {
    const remedy = "let a node that may open it permit this one";
    throw new NeuroranError(
      "KEY_NOT_PERMITTED",
      `${name} is not for this node, ${node.fingerprint}; ${remedy}`,
    );
  }
  const dataKey = unwrapKey(Buffer.from(wrapped, "base64url"), node.agreement, contextOf(record));
  if (dataKey !== undefined) return dataKey;
  throw new NeuroranError("KEY_RING_CORRUPT", `${name} does not unwrap; restore the store from a snapshot`);
}

/** The records of one function or of all, in the order of functions and versions. */
export function readRecords(store: Store, name?: string): KeyRecord[] {
  const from = name === undefined ? prefix : `${prefix}${name}\0`;
  return [...store.range(from, afterPrefix(from))].map(({ key, value }) => decode(key, value));
}

/** One version; undefined where there is none. */
export function readRecord(store: Store, name: string, version: number): KeyRecord | undefined {
  const key = keyOf(name, version);
  const value = store.get(key);
  return value && decode(key, value);
}

export function writeOfRecord({ function: name, version, ...rest }: KeyRecord): Write {
  return { key: keyOf(name, version), value: Buffer.from(JSON.stringify(rest)) };
}

export function removalOfRecord(name: string, version: number): Write {
  return { key: keyOf(name, version), value: undefined };
}

function keyOf(name: string, version: number): string {
  return `${prefix}${name}\0${version.toString(16).padStart(8, "0")}`;
}

function decode(key: string, value: Uint8Array): KeyRecord {
  const [, name, version] = key.split("\0");
  try {
    const fields = stored.parse(JSON.parse(Buffer.from(value).toString()));
    const record = { function: name!, version: Number.parseInt(version!, 16), ...fields };
    // Otherwise an old version could be put behind the newest under another writing of its number, and would seal again.
    if (keyOf(record.function, record.version) !== key)
      throw new Error(`no version has the number ${version}`);
    return record;
  } catch (cause) {
    const what = `the record of a key of ${name} is damaged; restore the store from a snapshot`;
    throw new NeuroranError("KEY_RING_CORRUPT", what, { cause });
  }
}

function contextOf({ function: name, version }: Pick<KeyRecord, "function" | "version">): string {
  return `${name}\0${version}`;
}

function signedBytes(record: Omit<KeyRecord, "signature">): Buffer {
  const wraps = Object.entries(record.wraps).sort(([one], [other]) => (one < other ? -1 : 1));
  return Buffer.from(
    JSON.stringify([record.function, record.version, record.created_ms, record.signer, wraps]),
  );
}
