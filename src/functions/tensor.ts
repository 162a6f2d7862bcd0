import type { DataType, Views } from "./data-type.js";

/**
 * A named block of numbers in an arena, row major and dense. A kernel takes `offset`, TypeScript takes `view`.
 * A kernel may read up to 64 bytes past the end (their content is unspecified) and must not write there.
 */
export interface Tensor<D extends DataType = DataType> {
  readonly name: string;
  readonly dtype: D;
  /** Elements in each dimension, slowest first; a complex64 element counts as one. */
  readonly shape: readonly number[];
  /** Byte offset in the arena's memory, a multiple of 64 and never 0. */
  readonly offset: number;
  /** Bytes of the elements, without padding. */
  readonly byteLength: number;
  /** The elements; a complex64 tensor shows two numbers an element: real, imaginary. */
  readonly view: Views[D];
}

/** A tensor without its view: what travels between threads. */
export type TensorDescription<D extends DataType = DataType> = Omit<Tensor<D>, "view">;
