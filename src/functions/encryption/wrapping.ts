import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from "node:crypto";

/*
 * A key for one public key: an ephemeral X25519 key agrees with it, HKDF-SHA-256 makes an AES-256-GCM key of that, used
 * once, so that its nonce may be zero. As in HPKE's base mode (RFC 9180): who wrapped is not said, which the signature of
 * the key ring's record does.
 */

const [keyBytes, tagBytes] = [32, 16];
const nonce = new Uint8Array(12);

/** Wraps 32 bytes; `context` must be given again to unwrap. 80 bytes: ephemeral key, ciphertext, tag. */
export function wrapKey(key: Uint8Array, recipient: KeyObject, context: string): Uint8Array {
  const ephemeral = generateKeyPairSync("x25519");
  const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: recipient });
  const sender = rawPublic(ephemeral.publicKey);
  const cipher = createCipheriv(
    "aes-256-gcm",
    wrappingKey(shared, sender, rawPublic(recipient), context),
    nonce,
  );
  return Buffer.concat([sender, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined where it was not wrapped for this key and context, or was changed. */
export function unwrapKey(
  wrapped: Uint8Array,
  recipient: KeyObject,
  context: string,
): Uint8Array | undefined {
  if (wrapped.length !== 2 * keyBytes + tagBytes) return undefined;
  try {
    const sender = Buffer.from(wrapped.subarray(0, keyBytes));
    const publicKey = createPublicKey({
      key: { kty: "OKP", crv: "X25519", x: sender.toString("base64url") },
      format: "jwk",
    });
    const shared = diffieHellman({ privateKey: recipient, publicKey });
    const key = wrappingKey(shared, sender, rawPublic(createPublicKey(recipient)), context);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(wrapped.subarray(2 * keyBytes));
    return Buffer.concat([decipher.update(wrapped.subarray(keyBytes, 2 * keyBytes)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function rawPublic(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: "jwk" }).x!, "base64url");
}

function wrappingKey(shared: Buffer, sender: Buffer, recipient: Buffer, context: string): Buffer {
  const salt = Buffer.concat([sender, recipient]);
  return Buffer.from(hkdfSync("sha256", shared, salt, `neuroran/wrap/1\0${context}`, keyBytes));
}
