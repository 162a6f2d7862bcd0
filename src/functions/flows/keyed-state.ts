/**
 * What one replica of an operator keeps for its keys: all of it in memory; the store has what epochs have copied.
 *
 * Invariants:
 * 1. A copy has each key that was used since the copy before, with its value when the copy is made, or says that it is gone.
 * 2. A full copy has each key that there is, and nothing of keys that are gone.
 */
import type { Codec } from "../schema/index.js";
import { keyGroupOf } from "../turns/address.js";
import { decodePart, encodePart, type StateEntry } from "./part.js";
import type { CopiedPart } from "./worker-protocol.js";

/** One key. */
export interface KeyState {
  readonly key: string;
  readonly group: number;
  /** Undefined where it was restored and not used since, or is gone. */
  value: unknown;
  encoded: Uint8Array | undefined;
  changed: boolean;
  gone: boolean;
}

export interface KeyedState {
  /** The state of a key, counted as changed. */
  use(key: string): KeyState;
  /** Drops the state. */
  forget(state: KeyState): void;
  /** What changed since the copy before, or all; by key group. */
  copy(full: boolean): CopiedPart[];
  /** Adds what a part has of the groups that are owned. */
  restore(part: Uint8Array): void;
  size(): number;
}

/** State of the groups that `owns` says. */
export function createKeyedState(codec: Codec, owns: (group: number) => boolean): KeyedState {
  const states = new Map<string, KeyState>();
  let changed: KeyState[] = [];

  const bytesOf = (state: KeyState): Uint8Array => {
    if (state.value === undefined && state.encoded !== undefined) return state.encoded;
    return codec.encode(state.value);
  };

  return {
    use(key) {
      let state = states.get(key);
      if (state === undefined) {
        state = {
          key,
          group: keyGroupOf(key),
          value: undefined,
          encoded: undefined,
          changed: false,
          gone: false,
        };
        states.set(key, state);
      }
      if (!state.changed) {
        state.changed = true;
        changed.push(state);
      }
      if (state.value === undefined) {
        state.value = state.encoded === undefined ? codec.initial() : codec.decode(state.encoded);
        state.encoded = undefined;
        state.gone = false;
      }
      return state;
    },
    forget(state) {
      state.value = undefined;
      state.encoded = undefined;
      state.gone = true;
    },
    copy(full) {
      const groups = new Map<number, StateEntry[]>();
      for (const state of full ? states.values() : changed) {
        if (full && state.gone) continue;
        const entry = { key: state.key, value: state.gone ? undefined : bytesOf(state) };
        const entries = groups.get(state.group);
        if (entries === undefined) groups.set(state.group, [entry]);
        else entries.push(entry);
      }
      for (const state of changed) {
        state.changed = false;
        if (state.gone) states.delete(state.key);
      }
      changed = [];
      return [...groups].map(([group, entries]) => ({ group, bytes: encodePart(entries) }));
    },
    restore(part) {
      for (const { key, value } of decodePart(part)) {
        const group = keyGroupOf(key);
        if (!owns(group)) continue;
        if (value === undefined) states.delete(key);
        else states.set(key, { key, group, value: undefined, encoded: value, changed: false, gone: false });
      }
    },
    size: () => states.size,
  };
}
