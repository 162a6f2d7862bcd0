import type { Cipher, Encryption } from "../functions/encryption/index.js";
import type { EntryCipher } from "../functions/turns/index.js";

/** The owner of clients' sessions, and of what waits for functions that were never deployed here. */
export const nodeOwner = "session";

/**
 * What seals the entries of functions and flows: the function's key; where it has none, as it was never deployed, the node's own.
 */
export function ciphersOf(encryption: Encryption): (owner: string) => EntryCipher {
  const own = encryption.forFunction(nodeOwner);
  const known = new Map<string, EntryCipher>();
  return (owner) => {
    const found = known.get(owner);
    if (found !== undefined) return found;
    const cipher = cipherOf(encryption, owner);
    if (cipher === undefined) return own;
    const both: EntryCipher = {
      seal: cipher.seal,
      open(sealed, associated) {
        try {
          return cipher.open(sealed, associated);
        } catch (error) {
          return openOr(own, sealed, associated, error);
        }
      },
    };
    known.set(owner, both);
    return both;
  };
}

function cipherOf(encryption: Encryption, owner: string): Cipher | undefined {
  try {
    return encryption.forFunction(owner);
  } catch (error) {
    if ((error as { code?: unknown }).code === "KEY_MISSING") return undefined;
    throw error;
  }
}

/** What came before the function had its key. What does not open so either is damaged, as the first cipher says. */
function openOr(cipher: Cipher, sealed: Uint8Array, associated: string, problem: unknown): Uint8Array {
  try {
    return cipher.open(sealed, associated);
  } catch {
    throw problem;
  }
}
