/**
 * The whole of a store in one file: entries as they are, sealed ones sealed, the key ring among them.
 *
 * Invariants:
 * 1. The file says at its end how many entries it has and what the digest of everything before is, signed; nothing is
 *    restored before that has been verified, so that a file that is cut off or changed restores nothing; one that changes
 *    while it is restored leaves the store unfinished.
 * 2. While a restore is under way a mark stands in the store, from its first batch to its last: a store that a crash left
 *    half restored is told apart from a whole one.
 */
import { createHash, type Hash, randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { Store, Write } from "../../bus/index.js";
import { InputError, NeuroranError } from "../../errors.js";
import {
  fingerprintOf,
  isSignedBy,
  type NodeIdentity,
  type NodeKey,
  signBytes,
} from "../encryption/index.js";

/** What a file holds. */
export interface ArchiveSummary {
  readonly entries: number;
  /** Of keys and values. */
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly created_ms: number;
  /** The fingerprint of the node that wrote it. */
  readonly signer: string;
}

/*
 * The mark, then frames: a length of 4 bytes, and entries (length of the key in 2 bytes, of the value in 4, key, value). A
 * frame of length 0 ends them; behind it the signed summary, with its length before it. Numbers are little-endian.
 */
const mark = Buffer.from("NRSNAP1\n");
const signaturePurpose = "archive/1";
const frame_bytes = 256 * 1024;
const entryHeaderBytes = 6;
/** The most that one read gives. */
const longestFrame_bytes = 2 ** 31 - 1;
const longestTrailer_bytes = 2 ** 16;
/** The mark of invariant 2. */
const restoringKey = "n\0restoring";
const lastKey = "\u{10ffff}";

const summarySchema = z.object({
  entries: z.number(),
  bytes: z.number(),
  created_ms: z.number(),
  signer: z.string(),
  sha256: z.string(),
});
const signedSchema = z.object({ summary: z.string(), signature: z.string() });

/**
 * Writes what the store holds as of now to a file, which appears when it is whole and durable; commits go on meanwhile. Entries'
 * keys can be read in it, as can values that are not sealed: only its owner may.
 * @throws NeuroranError (rejections) STORE_CORRUPT; errors of the file system as they are.
 */
export async function exportStore(store: Store, node: NodeKey, path: string): Promise<ArchiveSummary> {
  // A name of its own: what lies there, or is being written beside it, is somebody else's.
  const draft = `${path}.${randomUUID()}.partial`;
  const file = await open(draft, "wx", 0o600);
  const digest = createHash("sha256");
  const append = async (bytes: Uint8Array): Promise<void> => {
    digest.update(bytes);
    // The whole of them or an error, unlike one write.
    await file.writeFile(bytes);
  };
  try {
    let [entries, bytes] = [0, 0];
    let frame: Buffer[] = [];
    let size = 0;
    await append(mark);
    for (const { key, value } of store.range("", lastKey)) {
      if (key === restoringKey) throw unfinished();
      const encoded = encodeEntry(key, value);
      frame.push(encoded);
      size += encoded.length;
      entries++;
      bytes += encoded.length - entryHeaderBytes;
      if (size < frame_bytes) continue;
      await append(Buffer.concat([lengthOf(size), ...frame]));
      frame = [];
      size = 0;
    }
    if (size > 0) await append(Buffer.concat([lengthOf(size), ...frame]));
    await append(lengthOf(0));
    const summary = { entries, bytes, created_ms: Date.now(), signer: node.fingerprint };
    const text = JSON.stringify({ ...summary, sha256: digest.digest("hex") });
    const signature = Buffer.from(signBytes(node, signaturePurpose, Buffer.from(text))).toString("base64url");
    const trailer = Buffer.from(JSON.stringify({ summary: text, signature }));
    await file.writeFile(Buffer.concat([lengthOf(trailer.length), trailer]));
    await file.sync();
    await file.close();
    await rename(draft, path);
    await syncFolder(dirname(path));
    return summary;
  } catch (error) {
    await file.close().catch(() => {});
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * Reads a file into a store.
 * @param nodes those whose signature under the file holds.
 * @param replace whether to drop what the store holds; refused where it holds something and this is false.
 * @throws NeuroranError (rejections) SNAPSHOT_CORRUPT: nothing has changed, unless the file changed meanwhile; InputError; what
 * the store's commit throws: the restore is unfinished, and has to be repeated with `replace`.
 */
export async function importStore(
  store: Store,
  path: string,
  nodes: readonly NodeIdentity[],
  replace = false,
): Promise<ArchiveSummary> {
  const file = await open(path, "r");
  try {
    const { summary, sha256 } = await verify(file, path, nodes);
    const present = firstKey(store);
    if (present !== undefined && !replace) {
      const remedy = "restore into an empty store, or say that what it holds is to be replaced";
      throw new InputError("store", present.replaceAll("\0", "/"), remedy);
    }
    await store.commit([{ key: restoringKey, value: new Uint8Array(1) }]);
    if (present !== undefined) await removeAll(store);
    const digest = createHash("sha256").update(mark);
    for await (const frame of framesOf(file, path)) {
      addFrame(digest, frame);
      await store.commit(decodeEntries(frame, path));
    }
    if (digest.update(lengthOf(0)).digest("hex") !== sha256)
      throw corruptArchive(path, "was changed while it was restored");
    await store.commit([{ key: restoringKey, value: undefined }]);
    return summary;
  } finally {
    await file.close();
  }
}

/** @throws NeuroranError RESTORE_UNFINISHED where a restore into the store was begun and not ended. */
export function checkRestored(store: Store): void {
  if (store.get(restoringKey) !== undefined) throw unfinished();
}

function unfinished(): NeuroranError {
  const what = "a restore into this store was interrupted, so that only a part of it is there";
  return new NeuroranError(
    "RESTORE_UNFINISHED",
    `${what}; repeat the restore and let it replace what is there`,
  );
}

function firstKey(store: Store): string | undefined {
  for (const { key } of store.range("", lastKey)) return key;
  return undefined;
}

async function removeAll(store: Store): Promise<void> {
  let batch: Write[] = [];
  for (const { key } of store.range("", lastKey)) {
    if (key === restoringKey) continue;
    batch.push({ key, value: undefined });
    if (batch.length < 1000) continue;
    await store.commit(batch);
    batch = [];
  }
  await store.commit(batch);
}

async function verify(
  file: FileHandle,
  path: string,
  nodes: readonly NodeIdentity[],
): Promise<{ summary: ArchiveSummary; sha256: string }> {
  const digest = createHash("sha256").update(mark);
  let at = mark.length;
  let entries = 0;
  for await (const frame of framesOf(file, path)) {
    addFrame(digest, frame);
    at += 4 + frame.length;
    entries += decodeEntries(frame, path).length;
  }
  digest.update(lengthOf(0));
  const { size } = await file.stat();
  if (size - at - 4 > longestTrailer_bytes) throw corruptArchive(path, "does not end where it should");
  const trailer = await readAt(file, path, at + 4, size - at - 4);
  if (trailer.length < 4 || trailer.readUInt32LE(0) !== trailer.length - 4) {
    throw corruptArchive(path, "does not end where it should");
  }
  let signed: z.infer<typeof signedSchema>;
  let summary: z.infer<typeof summarySchema>;
  try {
    signed = signedSchema.parse(JSON.parse(trailer.toString("utf8", 4)));
    summary = summarySchema.parse(JSON.parse(signed.summary));
  } catch (cause) {
    throw corruptArchive(path, "has a damaged summary", cause);
  }
  const signer = nodes.find((node) => fingerprintOf(node) === summary.signer);
  const signature = Buffer.from(signed.signature, "base64url");
  if (signer === undefined || !isSignedBy(signer, signaturePurpose, Buffer.from(signed.summary), signature)) {
    throw corruptArchive(path, "is not signed by a permitted node");
  }
  if (digest.digest("hex") !== summary.sha256 || entries !== summary.entries) {
    throw corruptArchive(path, "was changed after it was written");
  }
  const { sha256, ...rest } = summary;
  return { summary: rest, sha256 };
}

/** The frames from the beginning to the one that ends them. */
async function* framesOf(file: FileHandle, path: string): AsyncGenerator<Buffer> {
  const { size } = await file.stat();
  if (!(await readAt(file, path, 0, mark.length)).equals(mark)) throw corruptArchive(path, "is no snapshot");
  let at = mark.length;
  for (;;) {
    const length = (await readAt(file, path, at, 4)).readUInt32LE(0);
    if (length === 0) return;
    if (length > longestFrame_bytes || at + 4 + length > size)
      throw corruptArchive(path, "is cut off or damaged");
    yield await readAt(file, path, at + 4, length);
    at += 4 + length;
  }
}

async function readAt(file: FileHandle, path: string, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, length));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
  if (bytesRead < length || length < 0) throw corruptArchive(path, `is cut off at byte ${at + bytesRead}`);
  return buffer;
}

function encodeEntry(key: string, value: Uint8Array): Buffer {
  const keyBytes = Buffer.byteLength(key);
  const buffer = Buffer.allocUnsafe(entryHeaderBytes + keyBytes + value.length);
  buffer.writeUInt16LE(keyBytes, 0);
  buffer.writeUInt32LE(value.length, 2);
  buffer.write(key, entryHeaderBytes);
  buffer.set(value, entryHeaderBytes + keyBytes);
  return buffer;
}

function decodeEntries(frame: Buffer, path: string): Write[] {
  const writes: Write[] = [];
  for (let at = 0; at < frame.length; ) {
    const keyAt = at + entryHeaderBytes;
    const keyEnd = keyAt <= frame.length ? keyAt + frame.readUInt16LE(at) : frame.length + 1;
    const end = keyEnd <= frame.length ? keyEnd + frame.readUInt32LE(at + 2) : keyEnd;
    if (end > frame.length) throw corruptArchive(path, "has a damaged frame");
    writes.push({ key: frame.toString("utf8", keyAt, keyEnd), value: frame.subarray(keyEnd, end) });
    at = end;
  }
  return writes;
}

function addFrame(digest: Hash, frame: Buffer): void {
  digest.update(lengthOf(frame.length)).update(frame);
}

/** Makes durable which files a folder has. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function lengthOf(size: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(size);
  return buffer;
}

function corruptArchive(path: string, what: string, cause?: unknown): NeuroranError {
  return new NeuroranError("SNAPSHOT_CORRUPT", `${path} ${what}; use another snapshot`, { cause });
}
