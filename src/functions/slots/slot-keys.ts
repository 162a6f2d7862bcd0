/**
 * Which rows of keyed state the slots of an executor work on. Rows are a cache: those of keys that were not used for long
 * are given to others, once what they hold is stored.
 */
import { InputError, NeuroranError } from "../../errors.js";
import { checkRowKey, keysPerSlot, resetRow, rowsTaken, rowViews } from "../keyed-rows.js";
import type { KeyedDescription } from "../keyed-shape.js";
import { createRowTable, type RowTable } from "../row-table.js";
import { withView } from "../tensor.js";
import { rowsStride } from "./slot-protocol.js";

/** The keys of one kind that a slot touches, at most eight in all. */
export interface TouchedKeys {
  readonly writes?: readonly number[];
  /** Read only. */
  readonly reads?: readonly number[];
}

/** What a slot touches, by the names that states are keyed by. What it does not declare to write it must not write. */
export type KeysOfSlot = Readonly<Record<string, TouchedKeys>>;

/** The bytes of a key's rows by state, such as `decoding.softBits`. */
export type RowBytes = Readonly<Record<string, Uint8Array>>;

/** Where keyed state is that has no row. */
export interface KeyedStateStore {
  /** Undefined for a key that has none. */
  load(name: string, key: number): Promise<RowBytes | undefined>;
}

/** Keyed state of one kind. */
export interface KeyedKind {
  readonly name: string;
  readonly table: RowTable;
  /** 1 for rows written since a checkpoint began. */
  readonly writtenSince: Uint8Array;
  /** 1 for rows that got another key since a checkpoint began. */
  readonly givenAway: Uint8Array;
  readonly states: {
    readonly name: string;
    readonly rows: readonly Uint8Array[];
    reset(row: number): void;
  }[];
}

export interface SlotKeys {
  readonly kinds: readonly KeyedKind[];
  /** Takes note of the keyed state of a thread's instance. @throws NeuroranError STATE_LAYOUT where it is not that of the first. */
  describe(keyed: readonly KeyedDescription[]): void;
  /** The rows of a slot as they stand in the ring, held until they are given back; undefined where no state is keyed. */
  hold(keys: KeysOfSlot | undefined): Int32Array | undefined;
  giveBack(rows: Int32Array | undefined): void;
  /** Has rows for keys before slots are submitted that touch them. */
  load(keys: KeysOfSlot): Promise<void>;
  /** A checkpoint begins: what is written from now on is not in it. */
  beginEpoch(): void;
  /** The rows of a checkpoint are stored: those not written since are clean. */
  endEpoch(rows: readonly { readonly kind: number; readonly row: number }[]): void;
  /** The row of a key, given one where it has none; -1 where none can be had. */
  assign(kind: KeyedKind, key: number): number;
}

/** @param store without one, what a key had that loses its row is gone */
export function createSlotKeys(memory: WebAssembly.Memory, store: KeyedStateStore | undefined): SlotKeys {
  const kinds: KeyedKind[] = [];
  const loading = new Map<string, Promise<void>>();
  let layout: string | undefined;

  const kindOf = (name: string): KeyedKind => {
    const kind = kinds.find((one) => one.name === name);
    if (kind !== undefined) return kind;
    const known = kinds.map((one) => one.name).join(", ") || "nothing";
    throw new InputError("keys", name, `state of this flow is keyed by ${known}`);
  };

  const assign = (kind: KeyedKind, key: number): number => {
    const known = kind.table.find(key);
    if (known >= 0) return known;
    const row = kind.table.take(key, store !== undefined);
    if (row < 0) return row;
    for (const state of kind.states) state.reset(row);
    kind.givenAway[row] = 1;
    return row;
  };

  const rowOf = (kind: KeyedKind, key: number): number => {
    const { name, table } = kind;
    let row = table.find(key);
    if (row < 0 && store !== undefined) {
      checkRowKey(name, key);
      const problem = `${name} ${key} has no row`;
      throw new NeuroranError("KEY_NOT_RESIDENT", `${problem}: await load(...) before its slot is submitted`);
    }
    if (row < 0) {
      checkRowKey(name, key);
      row = assign(kind, key);
    }
    if (row < 0) throw rowsTaken(name, table.capacity);
    return row;
  };

  const loadKey = async (kind: KeyedKind, key: number, hold: () => void): Promise<void> => {
    checkRowKey(kind.name, key);
    const bytes = await store?.load(kind.name, key);
    const row = assign(kind, key);
    if (row < 0) throw rowsTaken(kind.name, kind.table.capacity);
    hold();
    for (const { name, rows } of kind.states) {
      const content = bytes?.[name];
      if (content !== undefined) rows[row].set(content);
    }
  };

  /** `hold` is called as soon as there is a row, so that no other key takes it. */
  const loadOnce = (kind: KeyedKind, key: number, hold: () => void): Promise<void> => {
    const id = `${kind.name} ${key}`;
    const underway = loading.get(id);
    if (underway !== undefined) return underway.then(hold);
    const mine = loadKey(kind, key, hold).finally(() => {
      loading.delete(id);
    });
    loading.set(id, mine);
    return mine;
  };

  return {
    kinds,
    assign,
    describe(keyed) {
      if (layout !== undefined) {
        if (keyed.map(kindText).join("; ") !== layout)
          throw new NeuroranError(
            "STATE_LAYOUT",
            `the flow's keyed state was ${layout || "none"}, and must stay so: start another executor and restore a checkpoint`,
          );
        return;
      }
      layout = keyed.map(kindText).join("; ");
      for (const { key, capacity, states } of keyed) {
        kinds.push({
          name: key,
          table: createRowTable(capacity),
          writtenSince: new Uint8Array(capacity),
          givenAway: new Uint8Array(capacity),
          states: states.map(({ name, tensor, initial }) => {
            const views = rowViews(memory.buffer, withView(memory, tensor));
            const rows = views.map((view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
            return { name, rows, reset: (row) => resetRow(views[row], initial) };
          }),
        });
      }
    },
    hold(keys) {
      if (kinds.length === 0 && keys === undefined) return undefined;
      for (const name of Object.keys(keys ?? {})) kindOf(name);
      const rows = new Int32Array(kinds.length * rowsStride).fill(-1);
      try {
        for (const [index, kind] of kinds.entries()) {
          const { writes = [], reads = [] } = keys?.[kind.name] ?? {};
          const count = writes.length + reads.length;
          if (count > keysPerSlot)
            throw new InputError(`keys.${kind.name}`, count, `touch at most ${keysPerSlot}`);
          rows[index * rowsStride] = writes.length;
          for (const [place, key] of [...writes, ...reads].entries()) {
            const row = rowOf(kind, key);
            rows[index * rowsStride + 1 + place] = row;
            // At once: what the slot touches besides must not take this row.
            kind.table.held[row]++;
            kind.table.touch(row);
          }
        }
      } catch (error) {
        each(rows, (table, row) => table.held[row]--);
        throw error;
      }
      each(rows, (table, row, isWritten, writtenSince) => {
        if (!isWritten) return;
        table.dirty[row] = 1;
        writtenSince[row] = 1;
      });
      return rows;
    },
    giveBack(rows) {
      if (rows !== undefined) each(rows, (table, row) => table.held[row]--);
    },
    beginEpoch() {
      for (const { writtenSince, givenAway } of kinds) {
        writtenSince.fill(0);
        givenAway.fill(0);
      }
    },
    endEpoch(rows) {
      for (const { kind, row } of rows) {
        const { table, writtenSince } = kinds[kind];
        if (writtenSince[row] === 0) table.dirty[row] = 0;
      }
    },
    async load(keys) {
      const held: { readonly table: RowTable; readonly row: number }[] = [];
      const hold = ({ table }: KeyedKind, key: number): void => {
        const row = table.find(key);
        table.touch(row);
        table.held[row]++;
        held.push({ table, row });
      };
      try {
        const missing: Promise<void>[] = [];
        for (const [name, { writes = [], reads = [] }] of Object.entries(keys)) {
          const kind = kindOf(name);
          for (const key of [...writes, ...reads]) {
            if (kind.table.find(key) >= 0) hold(kind, key);
            else missing.push(loadOnce(kind, key, () => hold(kind, key)));
          }
        }
        for (const result of await Promise.allSettled(missing))
          if (result.status === "rejected") throw result.reason;
      } finally {
        for (const { table, row } of held) table.held[row]--;
      }
    },
  };

  function each(
    rows: Int32Array,
    visit: (table: RowTable, row: number, isWritten: boolean, writtenSince: Uint8Array) => void,
  ): void {
    for (const [index, { table, writtenSince }] of kinds.entries()) {
      const first = index * rowsStride;
      for (let place = 0; place < keysPerSlot && rows[first + 1 + place] >= 0; place++)
        visit(table, rows[first + 1 + place], place < rows[first], writtenSince);
    }
  }
}

function kindText({ key, capacity, states }: KeyedDescription): string {
  const texts = states.map(({ name, tensor }) => `${name} as ${tensor.dtype}[${tensor.shape.join(", ")}]`);
  return `${texts.join(", ")} in ${capacity} rows by ${key}`;
}
