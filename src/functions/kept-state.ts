import type { Region } from "./arena.js";
import type { View } from "./data-type.js";
import type { Tensor } from "./tensor.js";

/** A copy of what tensors hold, to be put back where a slot failed that had changed them. */
export interface KeptState {
  /** The tensors, and the copies of each. */
  readonly tensors: readonly { readonly of: Tensor; readonly kept: Tensor }[];
  /** Copies them. Allocates nothing. */
  keep(): void;
  /** Puts back what they held when `keep` was called last. */
  restore(): void;
}

/** Room in `region` for copies of `tensors`. */
export function createKeptState(region: Region, tensors: readonly Tensor[]): KeptState {
  const pairs = tensors.map((of) => ({ of, kept: region.tensor(`kept ${of.name}`, of.dtype, of.shape) }));
  const originals: View[] = pairs.map(({ of }) => of.view);
  const copies: View[] = pairs.map(({ kept }) => kept.view);
  return {
    tensors: pairs,
    keep() {
      for (let index = 0; index < copies.length; index++) copies[index].set(originals[index]);
    },
    restore() {
      for (let index = 0; index < copies.length; index++) originals[index].set(copies[index]);
    },
  };
}
