import type { EntryCodec } from "./ledger.js";
import { deserialise, serialise } from "./serialisable.js";

/** What seals a function's or a flow's entries. */
export interface EntryCipher {
  seal(plain: Uint8Array, associated: string): Uint8Array;
  /** @throws NeuroranError naming what is corrupt. */
  open(sealed: Uint8Array, associated: string): Uint8Array;
}

/**
 * Entries as sealed bytes: states as they are, all else as MessagePack, under the key of the function, or flow, that the entry
 * belongs to. The entry's key is associated, so that no value can stand in the place of another.
 */
export function createEntryCodec(cipherOf: (owner: string) => EntryCipher): EntryCodec {
  return {
    encode(key, value) {
      const plain = value instanceof Uint8Array ? value : serialise(value);
      if (isPublic(key)) return plain;
      return cipherOf(ownerOf(key)).seal(plain, key);
    },
    decode(key, bytes) {
      if (isPublic(key)) return bytes;
      const plain = cipherOf(ownerOf(key)).open(bytes, key);
      return holdsBytes(key) ? plain : deserialise(plain);
    },
  };
}

/** The function of an entry of turns, the flow of an entry of flows. */
function ownerOf(key: string): string {
  const begin = key.startsWith("t\0") ? key.indexOf("\0", 2) + 1 : 2;
  return key.slice(begin, key.indexOf("\0", begin));
}

function holdsBytes(key: string): boolean {
  return key.startsWith("t\0state\0") || key.startsWith("t\0forgotten\0");
}

/** What deployments keep (how states are laid out, for one) is no secret, and must be read before there are keys. */
function isPublic(key: string): boolean {
  return key.startsWith("d\0");
}
