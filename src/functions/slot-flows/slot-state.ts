/**
 * The state of a slot flow in the store: parts of epochs, by key group; what is not keyed lies in group 0. An entry of a part is
 * a tensor, or one state's row of a key, as the canonical layout has it.
 *
 * Invariants:
 * 1. The index names, of every key, the newest committed epoch that holds its rows.
 * 2. A generation that begins holds all keys that the one before it held.
 */
import type { EpochStore, FlowKeys, Manifest } from "../flows/epoch-store.js";
import { decodePart, encodePart, type StateEntry } from "../flows/part.js";
import type { CopiedPart } from "../flows/worker-protocol.js";
import type { CheckpointPart } from "../slots/slot-checkpoint.js";
import type { KeyedStateStore, RowBytes } from "../slots/slot-keys.js";
import { keyGroupOf } from "../turns/address.js";

/** The name under which manifests and parts have the state, and positions the source. */
export const slotsName = "slots";

const tensorPrefix = "tensor\0";
const rowPrefix = (kind: string, key: number): string => `row\0${kind}\0${key}\0`;
const groupOf = (kind: string, key: number): number => keyGroupOf(`${kind}\0${key}`);

/** The parts of a checkpoint by key group, copied. */
export function partsOf(checkpoint: readonly CheckpointPart[]): CopiedPart[] {
  const groups = new Map<number, StateEntry[]>();
  const add = (group: number, key: string, value: Uint8Array): void => {
    const entries = groups.get(group) ?? [];
    groups.set(group, entries);
    entries.push({ key, value });
  };
  for (const part of checkpoint) {
    if (part.kind === "tensor") add(0, `${tensorPrefix}${part.name}`, part.bytes);
    else {
      const { name, key } = part;
      for (const [state, bytes] of Object.entries(part.bytes))
        add(groupOf(name, key), `${rowPrefix(name, key)}${state}`, bytes);
    }
  }
  return [...groups].map(([group, entries]) => ({ group, bytes: encodePart(entries) }));
}

export interface SlotState {
  /** What is not keyed, as of the epoch restored. */
  readonly tensors: readonly CheckpointPart[];
  /** Bytes of the parts of the generation restored: of its first epoch, and of all later ones. */
  readonly restored_bytes: { readonly base: number; readonly later: number };
  /** Rows as of the newest committed epoch. */
  readonly rows: KeyedStateStore;
  /** All state with these parts over it: for the first epoch of a generation. */
  merged(parts: readonly CopiedPart[]): CopiedPart[];
  /** An epoch with these parts is committed. */
  committed(manifest: Manifest, parts: readonly CopiedPart[]): void;
}

/** @param chain the generation up to the epoch restored */
export function createSlotState(epochs: EpochStore, keys: FlowKeys, chain: readonly Manifest[]): SlotState {
  const generation: Manifest[] = [];
  /** By the prefix of a key's rows, the epoch that has them. */
  const index = new Map<string, number>();
  const read = (epoch: number, group: number): StateEntry[] =>
    decodePart(epochs.open(keys.part(epoch, slotsName, group)));
  const take = (epoch: number, entries: readonly StateEntry[]): void => {
    for (const { key } of entries) {
      if (!key.startsWith(tensorPrefix)) index.set(key.slice(0, key.lastIndexOf("\0") + 1), epoch);
    }
  };
  const committed = (manifest: Manifest, parts: readonly CopiedPart[]): void => {
    if (manifest.base === manifest.epoch) generation.length = 0;
    generation.push(manifest);
    for (const { bytes } of parts) take(manifest.epoch, decodePart(bytes));
  };
  const tensors = new Map<string, CheckpointPart>();
  const restored_bytes = { base: 0, later: 0 };
  for (const manifest of chain) {
    generation.push(manifest);
    for (const [, group] of manifest.parts) {
      const entries = read(manifest.epoch, group);
      const bytes = entries.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      restored_bytes[manifest.base === manifest.epoch ? "base" : "later"] += bytes;
      take(manifest.epoch, entries);
      for (const { key, value } of entries) {
        if (!key.startsWith(tensorPrefix)) continue;
        const name = key.slice(tensorPrefix.length);
        tensors.set(name, { kind: "tensor", name, bytes: value as Uint8Array });
      }
    }
  }
  return {
    tensors: [...tensors.values()],
    restored_bytes,
    rows: {
      async load(kind, key): Promise<RowBytes | undefined> {
        const prefix = rowPrefix(kind, key);
        const epoch = index.get(prefix);
        if (epoch === undefined) return undefined;
        const found: Record<string, Uint8Array> = {};
        for (const entry of read(epoch, groupOf(kind, key))) {
          if (entry.key.startsWith(prefix)) found[entry.key.slice(prefix.length)] = entry.value as Uint8Array;
        }
        return found;
      },
    },
    merged(parts) {
      const groups = new Map<number, Map<string, StateEntry>>();
      const put = (group: number, entries: readonly StateEntry[]): void => {
        const known = groups.get(group) ?? new Map<string, StateEntry>();
        groups.set(group, known);
        for (const entry of entries) known.set(entry.key, entry);
      };
      for (const { epoch, parts: named } of generation)
        for (const [, group] of named) put(group, read(epoch, group));
      for (const { group, bytes } of parts) put(group, decodePart(bytes));
      return [...groups].map(([group, entries]) => ({ group, bytes: encodePart([...entries.values()]) }));
    },
    committed,
  };
}
