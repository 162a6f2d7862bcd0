import type { EntryCodec } from "./ledger.js";
import { deserialise, serialise } from "./serialisable.js";

/** What seals a function's entries. */
export interface EntryCipher {
  seal(plain: Uint8Array, associated: string): Uint8Array;
  /** @throws NeuroranError naming what is corrupt. */
  open(sealed: Uint8Array, associated: string): Uint8Array;
}

/**
 * Entries as sealed bytes: states as they are, all else as MessagePack, under the key of the function that the entry
 * belongs to. The entry's key is associated, so that no value can stand in the place of another.
 */
export function createEntryCodec(cipherOf: (functionName: string) => EntryCipher): EntryCodec {
  return {
    encode(key, value) {
      const plain = value instanceof Uint8Array ? value : serialise(value);
      return isOfTurns(key) ? cipherOf(functionOf(key)).seal(plain, key) : plain;
    },
    decode(key, bytes) {
      if (!isOfTurns(key)) return bytes;
      const plain = cipherOf(functionOf(key)).open(bytes, key);
      return holdsBytes(key) ? plain : deserialise(plain);
    },
  };
}

/** What flows and deployments keep comes as bytes that are theirs to seal. */
function isOfTurns(key: string): boolean {
  return key.startsWith("t\0");
}

function functionOf(key: string): string {
  const begin = key.indexOf("\0", 2) + 1;
  return key.slice(begin, key.indexOf("\0", begin));
}

function holdsBytes(key: string): boolean {
  return key.startsWith("t\0state\0") || key.startsWith("t\0forgotten\0");
}
