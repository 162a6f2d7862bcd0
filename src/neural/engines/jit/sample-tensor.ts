import { InputError } from "../../../errors.js";
import type { GraphNode } from "../../graph/graph.js";
import { elementCount } from "../../graph/tensor.js";
import { broadcastStrides } from "../../operators/arguments.js";
import type { NumericTensor } from "../../operators/operator.js";
import type { Cell } from "./plan.js";

/** A value of the graph that every sample of the batch has its own of. */
export interface SampleTensor {
  /** With the batch. */
  readonly shape: readonly number[];
  /** The axis that counts samples. */
  readonly batchAxis: number;
  /** A sample's elements in row-major order: the shape's without the batch. */
  readonly cells: readonly Cell[];
}

/** A value of the graph: the same for all samples, or each its own. */
export type PlannedValue = NumericTensor | SampleTensor;

export function isSampled(value: PlannedValue): value is SampleTensor {
  return "cells" in value;
}

/** The shape of one sample. */
export function sampleShape({ shape, batchAxis }: SampleTensor): number[] {
  return shape.filter((_, axis) => axis !== batchAxis);
}

/** The axis without the batch. @throws InputError for the batch's own. */
export function sampleAxis(node: GraphNode, { batchAxis }: SampleTensor, axis: number): number {
  if (axis === batchAxis) throw mixesSamples(node);
  return axis < batchAxis ? axis : axis - 1;
}

/** The error for a node whose results depend on other samples of the batch. */
export function mixesSamples(node: GraphNode): InputError {
  return new InputError(
    `operator of node ${node.name}`,
    node.operator,
    "keep the samples of a batch apart for the engine jit, or choose the engine onnxruntime",
  );
}

/** The error for what this engine lacks. */
export function lacks(node: GraphNode, what: string): InputError {
  return new InputError(
    `operator of node ${node.name}`,
    node.operator,
    `the engine jit lacks ${what}: choose the engine onnxruntime`,
  );
}

/** The elements of `from`, of shape `shape`, that stand at each element of the broadcast to `target`. */
export function broadcastElements<T>(
  from: ArrayLike<T>,
  shape: readonly number[],
  target: readonly number[],
): T[] {
  const strides = broadcastStrides(shape, target);
  const elements: T[] = [];
  const visit = (axis: number, at: number): void => {
    if (axis === target.length) {
      elements.push(from[at]!);
      return;
    }
    for (let k = 0; k < target[axis]!; k++) visit(axis + 1, at + k * strides[axis]!);
  };
  if (elementCount(target) > 0) visit(0, 0);
  return elements;
}

/** Elements at `start + k·step` along each axis, in row-major order. */
export function stridedElements<T>(
  from: ArrayLike<T>,
  sizes: readonly number[],
  strides: readonly number[],
  start = 0,
): T[] {
  const elements: T[] = [];
  const visit = (axis: number, at: number): void => {
    if (axis === sizes.length) {
      elements.push(from[at]!);
      return;
    }
    for (let k = 0; k < sizes[axis]!; k++) visit(axis + 1, at + k * strides[axis]!);
  };
  visit(0, start);
  return elements;
}

/** Row-major steps of a shape. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}
