/**
 * The keys whose state is in memory: a cache over the ledger, bounded in bytes.
 *
 * Invariants:
 * 1. `bytes` is what the ledger has. Values are made of them anew for each turn, so that no turn sees what another has kept
 *    of its state, and every turn what a restart would show it.
 * 2. Whatever is dropped comes back from the ledger as it was.
 */
import type { Address } from "./address.js";
import { entryKey } from "./entries.js";
import type { Ledger } from "./ledger.js";

/** One key with its state. */
export interface ActiveKey {
  readonly address: Address;
  /** Of its entry in the ledger. */
  readonly entry: string;
  /** Turns so far that left anything behind. */
  turn: number;
  /** The position of its latest event; 0 before the first. */
  events: number;
  /** Its log has no more events than its function keeps. */
  trimmed: boolean;
  /** Its state, canonical; undefined while the key has none. */
  bytes: Uint8Array | undefined;
  /** The turn counter lies in an entry of its own, as there is no state. */
  forgotten: boolean;
  /** About what it takes in memory. */
  size_bytes: number;
}

export interface ActiveKeys {
  /** The key, from the ledger unless it is in memory. */
  activate(address: Address): ActiveKey;
  /** Writes turn counter, position and state of the key to the ledger. */
  write(key: ActiveKey): void;
  /** Drops the keys of a function, or all. */
  drop(functionName?: string): void;
  count(functionName: string): number;
  /** About what they take. */
  readonly bytes: number;
}

/** Turn counter and position, each a float64. */
const header_bytes = 16;

/** What a key takes beside its state: about what objects, texts and the map take. */
const overhead_bytes = 600;

/** Keys in memory, of at most about `limit_bytes`. */
export function createActiveKeys(ledger: Ledger, limit_bytes: number): ActiveKeys {
  const functions = new Map<string, Map<string, ActiveKey>>();
  /** All, the one used least recently first. */
  const byUse = new Map<string, ActiveKey>();
  let bytes = 0;

  const measure = (key: ActiveKey): void => {
    const size_bytes = overhead_bytes + 2 * key.entry.length + (key.bytes?.length ?? 0);
    bytes += size_bytes - key.size_bytes;
    key.size_bytes = size_bytes;
  };

  const dropKey = (key: ActiveKey): void => {
    byUse.delete(key.entry);
    functions.get(key.address.function)?.delete(key.address.key);
    bytes -= key.size_bytes;
  };

  const load = (address: Address): ActiveKey => {
    const entry = entryKey("state", address);
    const stored = ledger.read(entry) as Uint8Array | undefined;
    const header = stored ?? (ledger.read(entryKey("forgotten", address)) as Uint8Array | undefined);
    const numbers =
      header === undefined ? undefined : new DataView(header.buffer, header.byteOffset, header_bytes);
    return {
      address,
      entry,
      turn: numbers?.getFloat64(0, true) ?? 0,
      events: numbers?.getFloat64(8, true) ?? 0,
      trimmed: false,
      bytes: stored?.subarray(header_bytes),
      forgotten: stored === undefined && header !== undefined,
      size_bytes: 0,
    };
  };

  const evict = (): void => {
    for (const key of byUse.values()) {
      if (bytes <= limit_bytes || byUse.size === 1) return;
      dropKey(key);
    }
  };

  return {
    activate(address) {
      let keys = functions.get(address.function);
      if (keys === undefined) {
        keys = new Map();
        functions.set(address.function, keys);
      }
      let key = keys.get(address.key);
      if (key === undefined) {
        key = load(address);
        keys.set(address.key, key);
        byUse.set(key.entry, key);
        measure(key);
        evict();
      } else {
        byUse.delete(key.entry);
        byUse.set(key.entry, key);
      }
      return key;
    },
    write(key) {
      const { address, entry, turn, events, bytes: state } = key;
      const stored = new Uint8Array(header_bytes + (state?.length ?? 0));
      const numbers = new DataView(stored.buffer);
      numbers.setFloat64(0, turn, true);
      numbers.setFloat64(8, events, true);
      if (state === undefined) {
        ledger.remove(entry);
        ledger.put(entryKey("forgotten", address), stored);
      } else {
        stored.set(state, header_bytes);
        ledger.put(entry, stored);
        if (key.forgotten) ledger.remove(entryKey("forgotten", address));
      }
      key.forgotten = state === undefined;
      measure(key);
    },
    drop(functionName) {
      for (const key of byUse.values()) {
        if (functionName === undefined || key.address.function === functionName) dropKey(key);
      }
    },
    count: (functionName) => functions.get(functionName)?.size ?? 0,
    get bytes() {
      return bytes;
    },
  };
}
