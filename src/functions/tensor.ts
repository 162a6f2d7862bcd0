import { type DataType, type Views, viewOf } from "./data-type.js";

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

/** What of a tensor travels between threads. */
export function describeTensor<D extends DataType>(tensor: Tensor<D>): TensorDescription<D> {
  const { name, dtype, shape, offset, byteLength } = tensor;
  return { name, dtype, shape, offset, byteLength };
}

export function describeTensors(
  tensors: Readonly<Record<string, Tensor>>,
): Readonly<Record<string, TensorDescription>> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, describeTensor(tensor)]));
}

/** The tensor that another thread described, in the memory that both see. */
export function withView<D extends DataType>(
  memory: WebAssembly.Memory,
  description: TensorDescription<D>,
): Tensor<D> {
  const { dtype, offset, shape } = description;
  const elements = shape.reduce((product, size) => product * size, 1);
  return { ...description, view: viewOf(dtype, memory.buffer, offset, elements) };
}

export function withViews(
  memory: WebAssembly.Memory,
  descriptions: Readonly<Record<string, TensorDescription>>,
): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(descriptions).map(([name, one]) => [name, withView(memory, one)]));
}
