import { createHash } from "node:crypto";
import { z } from "zod";
import { NeuroranError } from "../../errors.js";
import type { Cipher } from "../encryption/index.js";
import {
  fingerprintOf,
  isSignedBy,
  type NodeIdentity,
  type NodeKey,
  signBytes,
} from "../encryption/index.js";

/** What a part is: the state of one key group of a function as an epoch stored it. */
export interface PartName {
  readonly function: string;
  readonly keyGroup: number;
  /** The epoch that stored it: that of the snapshot, or an earlier one where nothing has changed since. */
  readonly epoch: number;
}

/** A part with its bytes, sealed for exactly this name. */
export interface Part extends PartName {
  readonly sealed: Uint8Array;
}

/** What a snapshot consists of, signed by the node that took it. */
export interface Manifest {
  /** The flow, or whatever else has epochs. */
  readonly flow: string;
  readonly epoch: number;
  /** Milliseconds since 1970. */
  readonly created_ms: number;
  /** The version of the state's schema by function. */
  readonly layouts: Readonly<Record<string, number>>;
  readonly parts: readonly (PartName & {
    readonly bytes: number;
    /** SHA-256 of the sealed bytes, hexadecimal. */
    readonly sha256: string;
  })[];
  /** The fingerprint of the node that took it. */
  readonly signer: string;
}

const signaturePurpose = "manifest/1";
const natural = z.number().int().nonnegative();
const partSchema = z.object({
  function: z.string(),
  keyGroup: natural,
  epoch: natural,
  bytes: natural,
  sha256: z.string(),
});
const manifestSchema = z.object({
  flow: z.string(),
  epoch: natural,
  created_ms: z.number(),
  layouts: z.record(z.string(), natural),
  parts: z.array(partSchema),
  signer: z.string(),
});
const signedSchema = z.object({ manifest: z.string(), signature: z.string() });

/** Seals the state of a key group as a part of a flow's snapshots. The cipher is the function's. */
export function sealPart(cipher: Cipher, flow: string, name: PartName, state: Uint8Array): Part {
  const { function: of, keyGroup, epoch } = name;
  return { function: of, keyGroup, epoch, sealed: cipher.seal(state, associatedText(flow, name)) };
}

/** The manifest of a snapshot that consists of these parts, as bytes. */
export function writeManifest(
  node: NodeKey,
  about: Pick<Manifest, "flow" | "epoch" | "created_ms" | "layouts">,
  parts: readonly Part[],
): Uint8Array {
  const { flow, epoch, created_ms, layouts } = about;
  const listed = parts.map((part) => ({
    function: part.function,
    keyGroup: part.keyGroup,
    epoch: part.epoch,
    bytes: part.sealed.length,
    sha256: digestOf(part.sealed),
  }));
  const manifest: Manifest = { flow, epoch, created_ms, layouts, parts: listed, signer: node.fingerprint };
  // Signed as the text that is stored, so that there is one way only to write what was signed.
  const text = JSON.stringify(manifest);
  const signature = Buffer.from(signBytes(node, signaturePurpose, Buffer.from(text))).toString("base64url");
  return Buffer.from(JSON.stringify({ manifest: text, signature }));
}

/**
 * The manifest of an epoch of a flow.
 * @param nodes those whose signature holds.
 * @throws NeuroranError SNAPSHOT_CORRUPT where it is missing, damaged, another epoch's or flow's, or nobody's of `nodes`.
 */
export function verifyManifest(
  bytes: Uint8Array | undefined,
  flow: string,
  epoch: number,
  nodes: readonly NodeIdentity[],
): Manifest {
  const name = `the manifest of epoch ${epoch} of ${flow}`;
  if (bytes === undefined) throw corruptSnapshot(`${name} is missing`);
  const signed = parse(signedSchema, Buffer.from(bytes).toString(), name);
  const manifest = parse(manifestSchema, signed.manifest, name);
  const signer = nodes.find((node) => fingerprintOf(node) === manifest.signer);
  const signature = Buffer.from(signed.signature, "base64url");
  if (
    signer === undefined ||
    !isSignedBy(signer, signaturePurpose, Buffer.from(signed.manifest), signature)
  ) {
    throw corruptSnapshot(`${name} is not signed by a permitted node`);
  }
  if (manifest.flow !== flow || manifest.epoch !== epoch) {
    throw corruptSnapshot(`in place of ${name} is that of epoch ${manifest.epoch} of ${manifest.flow}`);
  }
  return manifest;
}

/**
 * The state of a key group in the snapshot of a verified manifest.
 * @param cipher the function's.
 * @throws NeuroranError SNAPSHOT_CORRUPT, naming the part, where the bytes are not the ones that the manifest lists.
 */
export function openPart(
  manifest: Manifest,
  cipher: Cipher,
  name: Pick<PartName, "function" | "keyGroup">,
  sealed: Uint8Array | undefined,
): Uint8Array {
  const part = manifest.parts.find((one) => one.function === name.function && one.keyGroup === name.keyGroup);
  if (part === undefined) {
    const what = `key group ${name.keyGroup} of ${name.function} is not in the snapshot`;
    throw corruptSnapshot(`${what} of epoch ${manifest.epoch} of ${manifest.flow}`);
  }
  const text = nameOf(manifest.flow, part);
  if (sealed === undefined) throw corruptSnapshot(`${text} is missing`);
  if (sealed.length !== part.bytes) {
    throw corruptSnapshot(`${text} has ${sealed.length} bytes where ${part.bytes} were stored`);
  }
  if (digestOf(sealed) !== part.sha256) throw corruptSnapshot(`${text} was changed or is another's`);
  try {
    return cipher.open(sealed, associatedText(manifest.flow, part));
  } catch (cause) {
    if (!(cause instanceof NeuroranError)) throw cause;
    throw corruptSnapshot(`${text} cannot be opened (${cause.message})`, cause);
  }
}

/** A part as errors name it. */
function nameOf(flow: string, { function: of, keyGroup, epoch }: PartName): string {
  return `key group ${keyGroup} of ${of} in epoch ${epoch} of ${flow}`;
}

function associatedText(flow: string, { function: of, keyGroup, epoch }: PartName): string {
  // As JSON, so that no name can run into what follows it.
  return JSON.stringify(["part", flow, of, keyGroup, epoch]);
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function parse<T>(schema: z.ZodType<T>, text: string, name: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw corruptSnapshot(`${name} is damaged`, cause);
  }
}

function corruptSnapshot(what: string, cause?: unknown): NeuroranError {
  return new NeuroranError("SNAPSHOT_CORRUPT", `${what}; use an earlier epoch`, { cause });
}
