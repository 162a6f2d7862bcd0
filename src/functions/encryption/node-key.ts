import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomUUID,
  sign,
  verify,
} from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { NeuroranError } from "../../errors.js";

/** What other nodes know of a node: the public halves of its keys, 32 bytes each in base64url. */
export interface NodeIdentity {
  /** X25519: what data keys are wrapped for. */
  readonly agreement: string;
  /** Ed25519: what the node signs with. */
  readonly signing: string;
}

/** The keys of this node. */
export interface NodeKey {
  readonly identity: NodeIdentity;
  /** Of the identity, 32 hexadecimal digits. */
  readonly fingerprint: string;
  readonly agreement: KeyObject;
  readonly signing: KeyObject;
}

const base64 = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const privateKey = (curve: string) =>
  z.object({ kty: z.literal("OKP"), crv: z.literal(curve), x: base64, d: base64 });
const keyFile = z.object({
  version: z.literal(1),
  agreement: privateKey("X25519"),
  signing: privateKey("Ed25519"),
});

/**
 * The key of the node whose data lie where `path` (of a JSON file) is, made when there is none.
 * @throws NeuroranError NODE_KEY_INVALID, also where others than its owner may read it.
 */
export function openNodeKey(path: string): NodeKey {
  try {
    return readNodeKey(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  writeOnce(path, `${JSON.stringify(freshKeys())}\n`);
  return readNodeKey(path);
}

/** A node key that is kept nowhere. */
export function createNodeKey(): NodeKey {
  return nodeKey(freshKeys());
}

function freshKeys(): z.infer<typeof keyFile> {
  const agreement = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  const signing = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  return keyFile.parse({ version: 1, agreement, signing });
}

function readNodeKey(path: string): NodeKey {
  const text = readFileSync(path, "utf8");
  if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) {
    throw new NeuroranError("NODE_KEY_INVALID", `${path} may be read by others; run: chmod 600 ${path}`);
  }
  try {
    return nodeKey(keyFile.parse(JSON.parse(text)));
  } catch (cause) {
    const remedy = "restore it from a backup; without it, what is sealed for this node cannot be opened";
    throw new NeuroranError("NODE_KEY_INVALID", `${path} is no node key; ${remedy}`, { cause });
  }
}

/** The file appears whole or not at all, and never in place of another. */
function writeOnce(path: string, text: string): void {
  const draft = `${path}.${randomUUID()}`;
  const file = openSync(draft, "wx", 0o600);
  try {
    try {
      // The whole text or an error, unlike one write.
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    unlinkSync(draft);
  }
  const directory = openSync(dirname(path), "r");
  fsyncSync(directory);
  closeSync(directory);
}

function nodeKey(keys: z.infer<typeof keyFile>): NodeKey {
  const agreement = createPrivateKey({ key: keys.agreement as JsonWebKey, format: "jwk" });
  const signing = createPrivateKey({ key: keys.signing as JsonWebKey, format: "jwk" });
  // Derived anew: a file whose public halves were changed must not give this node another name.
  const publicText = (key: KeyObject): string => createPublicKey(key).export({ format: "jwk" }).x!;
  const identity = { agreement: publicText(agreement), signing: publicText(signing) };
  return { identity, fingerprint: fingerprintOf(identity), agreement, signing };
}

/** Names a node by its keys: 32 hexadecimal digits. */
export function fingerprintOf(identity: NodeIdentity): string {
  const text = `neuroran/node/1\0${identity.agreement}\0${identity.signing}`;
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** The key that is wrapped for. */
export function agreementKeyOf(identity: NodeIdentity): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "X25519", x: identity.agreement }, format: "jwk" });
}

/** Signs a message of the given purpose, 64 bytes; a signature for one purpose does not hold for another. */
export function signBytes(key: NodeKey, purpose: string, message: Uint8Array): Uint8Array {
  return sign(null, withPurpose(purpose, message), key.signing);
}

/** Whether the node signed the message for the purpose. False for anything malformed. */
export function isSignedBy(
  identity: NodeIdentity,
  purpose: string,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: identity.signing }, format: "jwk" });
    return verify(null, withPurpose(purpose, message), key, signature);
  } catch {
    return false;
  }
}

function withPurpose(purpose: string, message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`neuroran/${purpose}\0`), message]);
}
