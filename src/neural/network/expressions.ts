import { elementTypeCodes } from "../graph/element-type-codes.js";
import { type Attribute, int, ints, type ValueName } from "../graph/graph.js";
import { type ElementType, elementCount, int64Tensor, type Tensor } from "../graph/tensor.js";
import { numeric, storedTensor } from "../operators/numeric.js";
import type { NetworkBuilder } from "./builder.js";

// Small pieces of graphs of which gradients, losses and layers are built. They mean the same in every operator set
// from 13 on.

/** A constant of the element type and shape, every element `value`. */
export function filled(value: number, elementType: ElementType, shape: readonly number[] = []): Tensor {
  return storedTensor(numeric(elementType, shape, new Float64Array(elementCount(shape)).fill(value)));
}

/** A scalar constant of the element type of `like`. */
export function scalarLike(builder: NetworkBuilder, like: ValueName, value: number): ValueName {
  return builder.constant(filled(value, builder.typeOf(like).elementType));
}

/** `value` times a number; `value` itself for 1. */
export function scaled(builder: NetworkBuilder, value: ValueName, factor: number): ValueName {
  return factor === 1 ? value : builder.add("Mul", [value, scalarLike(builder, value, factor)]);
}

/** `value` plus a number. */
export function shifted(builder: NetworkBuilder, value: ValueName, offset: number): ValueName {
  return builder.add("Add", [value, scalarLike(builder, value, offset)]);
}

/** The value in another shape of as many elements; itself where it has that shape. */
export function reshaped(builder: NetworkBuilder, value: ValueName, shape: readonly number[]): ValueName {
  if (isShape(builder.typeOf(value).shape, shape)) return value;
  return builder.add("Reshape", [value, builder.constant(int64Tensor(shape))]);
}

/** The value broadcast to a shape; itself where it has that shape. */
export function expanded(builder: NetworkBuilder, value: ValueName, shape: readonly number[]): ValueName {
  if (isShape(builder.typeOf(value).shape, shape)) return value;
  return builder.add("Expand", [value, builder.constant(int64Tensor(shape))]);
}

/** The value with its axes in the order of `permutation`. */
export function transposed(
  builder: NetworkBuilder,
  value: ValueName,
  permutation: readonly number[],
): ValueName {
  if (permutation.every((axis, index) => axis === index)) return value;
  return builder.add("Transpose", [value], { perm: ints(permutation) });
}

/** Each matrix of the last two axes transposed. */
export function matricesTransposed(builder: NetworkBuilder, value: ValueName): ValueName {
  const rank = builder.typeOf(value).shape.length;
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return transposed(builder, value, [...axes.slice(0, -2), rank - 1, rank - 2]);
}

/** The sum over the axes, which stay as 1 with `keep` and else vanish; the value itself for no axes. */
export function summed(
  builder: NetworkBuilder,
  value: ValueName,
  axes: readonly number[],
  keep = true,
): ValueName {
  return reduced(builder, "ReduceSum", value, axes, keep);
}

/** The mean over the axes, which stay as 1 with `keep` and else vanish; the value itself for no axes. */
export function averaged(
  builder: NetworkBuilder,
  value: ValueName,
  axes: readonly number[],
  keep = true,
): ValueName {
  return reduced(builder, "ReduceMean", value, axes, keep);
}

/** Any of ONNX's reductions over the axes, written as the builder's operator set has it. */
export function reduced(
  builder: NetworkBuilder,
  operator: string,
  value: ValueName,
  axes: readonly number[],
  keep = true,
): ValueName {
  if (axes.length === 0) return value;
  const keepdims = int(keep ? 1 : 0);
  if (operator !== "ReduceSum" && builder.opset < 18)
    return builder.add(operator, [value], { axes: ints(axes), keepdims });
  return builder.add(operator, [value, builder.constant(int64Tensor(axes))], { keepdims });
}

/** The value with its elements converted; itself where it is of that type. */
export function converted(builder: NetworkBuilder, value: ValueName, elementType: ElementType): ValueName {
  if (builder.typeOf(value).elementType === elementType) return value;
  const to: Attribute = int(elementTypeCodes[elementType]);
  return builder.add("Cast", [value], { to });
}

/** `value` where the condition holds, else 0. */
export function masked(builder: NetworkBuilder, condition: ValueName, value: ValueName): ValueName {
  return builder.add("Where", [condition, value, scalarLike(builder, value, 0)]);
}

function isShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
