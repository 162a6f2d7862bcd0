import type { Region } from "../arena.js";
import type { View } from "../data-type.js";
import { type KeyedRows, keysPerSlot, rowViews } from "../keyed-rows.js";
import { describeTensor, type Tensor, withView } from "../tensor.js";
import { type KeptTensor, rowsBegin, type SharedRing } from "./slot-protocol.js";

/** A copy of what state holds, to be put back where a slot failed that had changed it. */
export interface KeptState {
  /** Where what is copied. */
  readonly tensors: readonly KeptTensor[];
  /** Copies all state that is not keyed, and of that which is, the rows that a slot of the ring says it writes. Allocates nothing. */
  keep(slot: number): void;
}

/** Rows of a keyed state, and where those of a slot are copied, in the order in which the slot names them. */
interface KeptRows {
  readonly rows: readonly View[];
  readonly copies: readonly View[];
}

/** Room in `region` for copies of `tensors`, and of as many rows of keyed state as a slot may write. */
export function createKeptState(
  memory: WebAssembly.Memory,
  region: Region,
  ring: SharedRing,
  tensors: readonly Tensor[],
  keyed: readonly KeyedRows[],
): KeptState {
  const { buffer } = memory;
  const copy = (of: Tensor, shape: readonly number[]): Tensor =>
    region.tensor(`kept ${of.name}`, of.dtype, shape);
  const whole = tensors.map((of) => ({ of, kept: copy(of, of.shape) }));
  const originals: View[] = whole.map(({ of }) => of.view);
  const copies: View[] = whole.map(({ kept }) => kept.view);
  const byKey = keyed.map(({ states }, key) =>
    states.map(({ tensor: of }) => ({ of, kept: copy(of, [keysPerSlot, ...of.shape.slice(1)]), key })),
  );
  const ofKeys: KeptRows[][] = byKey.map((states) =>
    states.map(({ of, kept }) => ({ rows: rowViews(buffer, of), copies: rowViews(buffer, kept) })),
  );
  const described = [...whole.map((one) => ({ ...one, key: undefined })), ...byKey.flat()].map(
    ({ of, kept, key }) => ({ of: describeTensor(of), kept: describeTensor(kept), key }),
  );
  return {
    tensors: described,
    keep(slot) {
      for (let index = 0; index < copies.length; index++) copies[index].set(originals[index]);
      for (let key = 0; key < ofKeys.length; key++) {
        const begin = rowsBegin(slot, key);
        const states = ofKeys[key];
        for (let place = 0; place < ring.rows[begin]; place++) {
          const row = ring.rows[begin + 1 + place];
          for (let index = 0; index < states.length; index++)
            states[index].copies[place].set(states[index].rows[row]);
        }
      }
    },
  };
}

/** Puts back what was kept for a slot. */
export function restoreKeptState(
  memory: WebAssembly.Memory,
  ring: SharedRing,
  slot: number,
  tensors: readonly KeptTensor[],
): void {
  for (const one of tensors) {
    const [of, kept] = [withView(memory, one.of), withView(memory, one.kept)];
    if (one.key === undefined) {
      of.view.set(kept.view);
      continue;
    }
    const [rows, copies] = [rowViews(memory.buffer, of), rowViews(memory.buffer, kept)];
    const begin = rowsBegin(slot, one.key);
    for (let place = 0; place < ring.rows[begin]; place++)
      rows[ring.rows[begin + 1 + place]].set(copies[place]);
  }
}
