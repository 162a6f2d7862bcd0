import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { InputError, NeuroranError } from "../../errors.js";

/** What names a module: the SHA-256 digest of its text, 64 hexadecimal digits. */
export function hashOfModule(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Refuses what is no hash: one names a file. */
export function checkHash(hash: string): void {
  if (typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash)) return;
  throw new InputError("hash of the module", hash, "give 64 hexadecimal digits in lower case");
}

/** What is signed says what it is, so that no signature for another purpose serves for a module. */
function signedText(hash: string): Buffer {
  checkHash(hash);
  return Buffer.from(`neuroran module\0${hash}`);
}

/**
 * The signature of a module by an Ed25519 private key, in base64.
 * @throws InputError for a key of another kind.
 */
export function signModule(hash: string, privateKey: KeyObject): string {
  if (privateKey.type !== "private" || privateKey.asymmetricKeyType !== "ed25519") {
    const kind = `${privateKey.type} ${privateKey.asymmetricKeyType ?? ""}`.trim();
    throw new InputError("signing key", kind, "give an Ed25519 private key");
  }
  return sign(null, signedText(hash), privateKey).toString("base64");
}

/**
 * Refuses a module that none of these Ed25519 public keys has signed.
 * @throws NeuroranError MODULE_UNSIGNED.
 */
export function verifyModule(
  hash: string,
  signature: string | undefined,
  trustedKeys: readonly KeyObject[],
): void {
  const signedBy = (key: KeyObject) =>
    key.asymmetricKeyType === "ed25519" &&
    verify(null, signedText(hash), key, Buffer.from(signature ?? "", "base64"));
  if (trustedKeys.some(signedBy)) return;
  const problem =
    signature === undefined ? "bears no signature" : "was signed by none of the keys that the node trusts";
  throw new NeuroranError("MODULE_UNSIGNED", `module ${hash} ${problem}: have it signed by one of them`);
}
