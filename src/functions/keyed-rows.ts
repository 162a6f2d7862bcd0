import { InputError, NeuroranError } from "../errors.js";
import { type View, viewOf } from "./data-type.js";
import type { State } from "./declaration.js";
import { createRowTable } from "./row-table.js";
import type { Tensor } from "./tensor.js";

/** Keys of one kind that a slot may touch at most. */
export const keysPerSlot = 8;

/** One state of those that a key chooses the row of. */
export interface KeyedState {
  /** Node path and name: `decoding.softBits`. */
  readonly name: string;
  readonly tensor: Tensor;
  /** What a row holds for a new key; zeros unless given. */
  readonly initial: ArrayLike<number> | undefined;
}

/** All states of a flow that one kind of key chooses the row of. */
export interface KeyedRows {
  readonly key: string;
  readonly capacity: number;
  /** int32 [8]: rows of the keys that the slot touches, those it writes first, -1 behind the last. */
  readonly rows: Tensor<"int32">;
  readonly states: readonly KeyedState[];
}

/** The tensor of a keyed state's rows as one view a row. */
export function rowViews(memory: ArrayBufferLike, { dtype, shape, offset, byteLength }: Tensor): View[] {
  const [rows, ...rest] = shape;
  const elements = rest.reduce((product, size) => product * size, 1);
  const bytes = rows === 0 ? 0 : byteLength / rows;
  return Array.from({ length: rows }, (_, row) => viewOf(dtype, memory, offset + row * bytes, elements));
}

/** Makes a row what it is for a new key. */
export function resetRow(row: View, initial: ArrayLike<number> | undefined): void {
  if (initial === undefined) row.fill(0);
  else row.set(initial);
}

/** Refuses what cannot be a key. */
export function checkRowKey(name: string, key: number): void {
  if (!Number.isInteger(key) || key < 0 || key > 2 ** 31 - 1)
    throw new InputError(name, key, "give a whole number from 0 to 2^31 - 1");
}

export function rowsTaken(name: string, capacity: number): NeuroranError {
  const problem = `all ${capacity} rows of ${name} are in use, or hold what is stored nowhere else`;
  return new NeuroranError("KEYED_STATE_FULL", `${problem}: give it more rows, or take a checkpoint`);
}

/**
 * What chooses the rows of the next slot in the thread that runs it: a key that has none gets a new one, and where all are
 * taken, the one that was chosen least recently loses its own. Allocates nothing.
 */
export function createRowChoice(memory: ArrayBufferLike, { capacity, rows, states }: KeyedRows) {
  const table = createRowTable(capacity);
  const views = states.map(({ tensor }) => rowViews(memory, tensor));
  return (key: number | undefined): void => {
    rows.view.fill(-1);
    if (key === undefined || capacity === 0) return;
    let row = table.find(key);
    if (row >= 0) table.touch(row);
    else {
      row = table.take(key, false);
      for (let index = 0; index < states.length; index++) resetRow(views[index][row], states[index].initial);
    }
    rows.view[0] = row;
  };
}

/** Sizes of a state with the leading one of its rows, if it is keyed. */
export function dimensionsOf(state: State): readonly (number | string)[] {
  return state.key === undefined ? state.dimensions : [state.key, ...state.dimensions];
}
