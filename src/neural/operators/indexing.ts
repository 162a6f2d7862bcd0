import { InputError } from "../../errors.js";
import type { TensorType, ValueName } from "../graph/graph.js";
import { int, string } from "../graph/graph.js";
import { elementCount, int64Tensor } from "../graph/tensor.js";
import {
  expanded,
  filled,
  matricesTransposed,
  reshaped,
  scalarLike,
  transposed,
} from "../network/expressions.js";
import { attribute, normalAxis, requiredConstant, requiredInput, requiredType } from "./arguments.js";
import { numeric, storedTensor } from "./numeric.js";
import type { GradientContext, NumericTensor, Operator, TypedNode } from "./operator.js";

const range = (count: number, first = 0) => Array.from({ length: count }, (_, index) => first + index);

/** Type of an input of indices. @throws InputError for anything but int32 or int64. */
function indexType(node: TypedNode, input: number): TensorType {
  const type = requiredType(node, input);
  if (type.elementType !== "int64" && type.elementType !== "int32")
    throw new InputError(
      `input ${input} of node ${node.node.name}`,
      type.elementType,
      "give indices of int64 or int32",
    );
  return type;
}

/** An index from 0. @throws InputError outside -size … size - 1. */
function checkedIndex({ node }: TypedNode, index: number, size: number): number {
  if (!(index >= -size && index < size))
    throw new InputError(`index of node ${node.name}`, index, `give one from ${-size} to ${size - 1}`);
  return index < 0 ? index + size : index;
}

function axisOf(node: TypedNode, fallback: number): number {
  const { shape } = requiredType(node, 0);
  return normalAxis(node.node, attribute(node.node, "axis", "int", fallback), shape.length);
}

/** Zeros of the type of an input. */
function zerosLike({ builder, inputTypes }: GradientContext, index: number): ValueName {
  const { elementType, shape } = inputTypes[index]!;
  return expanded(builder, builder.constant(filled(0, elementType)), shape);
}

/** Sums can be scattered from operator set 16 on. @throws InputError before. */
export function requireScatteredSums({ node, opset }: GradientContext): void {
  if (opset < 16)
    throw new InputError(
      `node ${node.name}`,
      node.operator,
      `its gradient needs operator set 16, and the graph has ${opset}`,
    );
}

const gather: Operator = {
  name: "Gather",
  infer(node) {
    const { elementType, shape } = requiredType(node, 0);
    const axis = axisOf(node, 0);
    return [{ elementType, shape: shape.toSpliced(axis, 1, ...indexType(node, 1).shape) }];
  },
  evaluate(node, inputs) {
    const [{ elementType, shape, data }, indices] = [
      requiredInput(node, inputs, 0),
      requiredInput(node, inputs, 1),
    ];
    const axis = axisOf(node, 0);
    const size = shape[axis]!;
    const inner = elementCount(shape.slice(axis + 1));
    const result = numeric(elementType, shape.toSpliced(axis, 1, ...indices.shape));
    let at = 0;
    for (let outer = 0; outer < elementCount(shape.slice(0, axis)); outer++)
      for (const index of indices.data) {
        const from = (outer * size + checkedIndex(node, index, size)) * inner;
        result.data.set(data.subarray(from, from + inner), at);
        at += inner;
      }
    return [result];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined || !context.isWanted(0)) return [];
    const { builder, input, inputTypes } = context;
    const { shape } = inputTypes[0]!;
    const axis = axisOf(context, 0);
    const [count, size, others] = [
      elementCount(inputTypes[1]!.shape),
      shape[axis]!,
      shape.toSpliced(axis, 1),
    ];
    // The axis first, so that each index stands for a row.
    const flat = reshaped(builder, gradient, shape.with(axis, count));
    const back = [...range(axis, 1), 0, ...range(shape.length - axis - 1, axis + 1)];
    const first = transposed(builder, flat, [axis, ...range(shape.length).filter((one) => one !== axis)]);
    if (context.opset >= 16) {
      const indices = reshaped(builder, input(1), [count, 1]);
      const zeros = expanded(builder, scalarLike(builder, gradient, 0), [size, ...others]);
      const sum = builder.add("ScatterND", [zeros, indices, first], { reduction: string("add") });
      return [transposed(builder, sum, back)];
    }
    const { elementType } = inputTypes[0]!;
    const choices = builder.add("OneHot", [
      reshaped(builder, input(1), [count]),
      builder.constant(int64Tensor([size])),
      builder.constant(storedTensor(numeric(elementType, [2], Float64Array.of(0, 1)))),
    ]);
    const rows = reshaped(builder, first, [count, elementCount(others)]);
    const sum = builder.add("MatMul", [matricesTransposed(builder, choices), rows]);
    return [transposed(builder, reshaped(builder, sum, [size, ...others]), back)];
  },
};

/**
 * For each element of `indices` the place in a tensor of `shape` that it stands for: its own, but along the axis the
 * one that it says.
 */
function elementPlaces(
  node: TypedNode,
  shape: readonly number[],
  indices: NumericTensor,
  axis: number,
): Int32Array {
  const strides = shape.map((_, at) => elementCount(shape.slice(at + 1)));
  const places = new Int32Array(indices.data.length);
  const index = new Array<number>(shape.length).fill(0);
  for (let at = 0; at < places.length; at++) {
    let place = checkedIndex(node, indices.data[at]!, shape[axis]!) * strides[axis]!;
    for (let one = 0; one < shape.length; one++) if (one !== axis) place += index[one]! * strides[one]!;
    places[at] = place;
    for (let one = shape.length - 1; one >= 0; one--) {
      if (++index[one]! < indices.shape[one]!) break;
      index[one] = 0;
    }
  }
  return places;
}

/** Axis of GatherElements and ScatterElements. @throws InputError for indices that do not fit beside the data. */
function elementsAxis(node: TypedNode): number {
  const { shape } = requiredType(node, 0);
  const axis = axisOf(node, 0);
  const indices = indexType(node, 1).shape;
  if (indices.length !== shape.length || indices.some((size, at) => at !== axis && size > shape[at]!))
    throw new InputError(
      `input 1 of node ${node.node.name}`,
      indices,
      `give indices of a shape within [${shape.join(", ")}], but for axis ${axis}`,
    );
  return axis;
}

const gatherElements: Operator = {
  name: "GatherElements",
  infer(node) {
    elementsAxis(node);
    return [{ elementType: requiredType(node, 0).elementType, shape: indexType(node, 1).shape }];
  },
  evaluate(node, inputs) {
    const [{ elementType, shape, data }, indices] = [
      requiredInput(node, inputs, 0),
      requiredInput(node, inputs, 1),
    ];
    const places = elementPlaces(node, shape, indices, elementsAxis(node));
    return [
      numeric(
        elementType,
        indices.shape,
        Float64Array.from(places, (place) => data[place]!),
      ),
    ];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined || !context.isWanted(0)) return [];
    requireScatteredSums(context);
    const attributes = { axis: int(elementsAxis(context)), reduction: string("add") };
    const { builder, input } = context;
    return [builder.add("ScatterElements", [zerosLike(context, 0), input(1), gradient], attributes)];
  },
};

/** Rows that a tensor of N-dimensional indices stands for. */
interface Rows {
  /** Leading axes that data and indices share. */
  readonly batchAxes: number;
  /** Axes of the data that an index covers. */
  readonly depth: number;
  /** Shape of what one index stands for. */
  readonly row: readonly number[];
}

function rowsOf(node: TypedNode, batchAxes: number): Rows {
  const { shape } = requiredType(node, 0);
  const indices = indexType(node, 1).shape;
  const depth = indices.at(-1) ?? 0;
  const fits =
    indices.length > batchAxes &&
    depth >= 1 &&
    batchAxes >= 0 &&
    batchAxes + depth <= shape.length &&
    indices.slice(0, batchAxes).every((size, axis) => size === shape[axis]);
  if (!fits)
    throw new InputError(
      `input 1 of node ${node.node.name}`,
      indices,
      `give indices whose last axis covers 1 to ${shape.length - batchAxes} axes of [${shape.join(", ")}]`,
    );
  return { batchAxes, depth, row: shape.slice(batchAxes + depth) };
}

/** For each index the first element of its row. */
function rowPlaces(
  node: TypedNode,
  shape: readonly number[],
  indices: NumericTensor,
  { batchAxes, depth, row }: Rows,
): Int32Array {
  const covered = shape.slice(batchAxes, batchAxes + depth);
  const count = elementCount(indices.shape.slice(0, -1));
  const batches = elementCount(shape.slice(0, batchAxes));
  const [perBatch, size] = [count / batches, elementCount(row)];
  return Int32Array.from({ length: count }, (_, at) => {
    let place = Math.floor(at / perBatch);
    covered.forEach((extent, axis) => {
      place = place * extent + checkedIndex(node, indices.data[at * depth + axis]!, extent);
    });
    return place * size;
  });
}

const batchAxesOf = (node: TypedNode) => attribute(node.node, "batch_dims", "int", 0);

const gatherRows: Operator = {
  name: "GatherND",
  infer(node) {
    const { row } = rowsOf(node, batchAxesOf(node));
    return [
      {
        elementType: requiredType(node, 0).elementType,
        shape: [...indexType(node, 1).shape.slice(0, -1), ...row],
      },
    ];
  },
  evaluate(node, inputs) {
    const [{ elementType, shape, data }, indices] = [
      requiredInput(node, inputs, 0),
      requiredInput(node, inputs, 1),
    ];
    const rows = rowsOf(node, batchAxesOf(node));
    const result = numeric(elementType, [...indices.shape.slice(0, -1), ...rows.row]);
    const size = elementCount(rows.row);
    rowPlaces(node, shape, indices, rows).forEach((place, at) => {
      result.data.set(data.subarray(place, place + size), at * size);
    });
    return [result];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined || !context.isWanted(0)) return [];
    requireScatteredSums(context);
    const { builder } = context;
    const indices = completeIndices(context, rowsOf(context, batchAxesOf(context)));
    const reduction = string("add");
    return [builder.add("ScatterND", [zerosLike(context, 0), indices, gradient], { reduction })];
  },
};

/** Indices that also cover the batch's axes: ScatterND has none. */
function completeIndices({ builder, input, inputTypes }: GradientContext, { batchAxes }: Rows): ValueName {
  if (batchAxes === 0) return input(1);
  const { elementType, shape } = inputTypes[1]!;
  const leading = shape.slice(0, -1);
  const places = range(batchAxes).map((axis) => {
    const numbers = numeric(elementType, [...leading, 1]);
    const inner = elementCount(leading.slice(axis + 1));
    const places = numbers.data.map((_, at) => Math.floor(at / inner) % leading[axis]!);
    return builder.constant(int64Tensor(places, numbers.shape));
  });
  return builder.add("Concat", [...places, input(1)], { axis: int(leading.length) });
}

type Reduction = (old: number, update: number) => number;

const reductions: Readonly<Record<string, Reduction>> = {
  none: (_, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  max: (old, update) => Math.max(old, update),
  min: (old, update) => Math.min(old, update),
};

function reductionOf({ node }: TypedNode): { readonly name: string; readonly apply: Reduction } {
  const name = attribute(node, "reduction", "string", "none");
  const apply = Object.hasOwn(reductions, name) ? reductions[name] : undefined;
  if (apply === undefined)
    throw new InputError(
      `attribute reduction of node ${node.name}`,
      name,
      `give one of ${Object.keys(reductions).join(", ")}`,
    );
  return { name, apply };
}

/** Checks type and shape of the updates. */
function checkUpdates(node: TypedNode, expected: readonly number[]): void {
  const { elementType } = requiredType(node, 0);
  const updates = requiredType(node, 2);
  const fits =
    updates.shape.length === expected.length && updates.shape.every((size, at) => size === expected[at]);
  if (updates.elementType !== elementType || !fits)
    throw new InputError(
      `input 2 of node ${node.node.name}`,
      `${updates.elementType} [${updates.shape.join(", ")}]`,
      `give ${elementType} [${expected.join(", ")}]`,
    );
}

/**
 * The gradients of a scatter whose updates are gathered back by `gatherBack`. Where updates fall on one place without a
 * reduction, ONNX leaves open which of them stays, and each gets its gradient.
 */
function scatterGradient(
  context: GradientContext,
  gatherBack: (gradient: ValueName) => ValueName,
  withoutUpdates: (gradient: ValueName) => ValueName,
): readonly (ValueName | undefined)[] {
  const gradient = context.outputGradient(0);
  if (gradient === undefined) return [];
  const { name } = reductionOf(context);
  if (name !== "none" && name !== "add")
    throw new InputError(
      `node ${context.node.name}`,
      `reduction ${name}`,
      "only none and add have a gradient",
    );
  return [
    context.isWanted(0) ? (name === "add" ? gradient : withoutUpdates(gradient)) : undefined,
    undefined,
    context.isWanted(2) ? gatherBack(gradient) : undefined,
  ];
}

const scatterElements: Operator = {
  name: "ScatterElements",
  infer(node) {
    elementsAxis(node);
    reductionOf(node);
    checkUpdates(node, indexType(node, 1).shape);
    return [requiredType(node, 0)];
  },
  evaluate(node, inputs) {
    const [{ elementType, shape, data }, indices] = [
      requiredInput(node, inputs, 0),
      requiredInput(node, inputs, 1),
    ];
    const updates = requiredInput(node, inputs, 2).data;
    const { apply } = reductionOf(node);
    const result = data.slice();
    elementPlaces(node, shape, indices, elementsAxis(node)).forEach((place, at) => {
      result[place] = apply(result[place]!, updates[at]!);
    });
    return [numeric(elementType, shape, result)];
  },
  gradient(context) {
    const { builder, input } = context;
    const axis = int(elementsAxis(context));
    return scatterGradient(
      context,
      (gradient) => builder.add("GatherElements", [gradient, input(1)], { axis }),
      (gradient) => builder.add("ScatterElements", [gradient, input(1), zerosLike(context, 2)], { axis }),
    );
  },
};

const scatterRows: Operator = {
  name: "ScatterND",
  infer(node) {
    const { row } = rowsOf(node, 0);
    reductionOf(node);
    checkUpdates(node, [...indexType(node, 1).shape.slice(0, -1), ...row]);
    return [requiredType(node, 0)];
  },
  evaluate(node, inputs) {
    const [{ elementType, shape, data }, indices] = [
      requiredInput(node, inputs, 0),
      requiredInput(node, inputs, 1),
    ];
    const updates = requiredInput(node, inputs, 2).data;
    const rows = rowsOf(node, 0);
    const { apply } = reductionOf(node);
    const result = data.slice();
    const size = elementCount(rows.row);
    rowPlaces(node, shape, indices, rows).forEach((place, at) => {
      for (let inner = 0; inner < size; inner++)
        result[place + inner] = apply(result[place + inner]!, updates[at * size + inner]!);
    });
    return [numeric(elementType, shape, result)];
  },
  gradient(context) {
    const { builder, input } = context;
    return scatterGradient(
      context,
      (gradient) => builder.add("GatherND", [gradient, input(1)]),
      (gradient) => builder.add("ScatterND", [gradient, input(1), zerosLike(context, 2)]),
    );
  },
};

/** Shape of a OneHot with the place and size of its new axis. */
function oneHotShape(node: TypedNode): {
  readonly shape: readonly number[];
  readonly axis: number;
  readonly depth: number;
} {
  const indices = requiredType(node, 0).shape;
  const depth = requiredConstant(node, 1).data[0]!;
  const values = requiredType(node, 2).shape;
  if (!Number.isSafeInteger(depth) || depth < 1)
    throw new InputError(`depth of node ${node.node.name}`, depth, "give a positive size");
  if (values.length !== 1 || values[0] !== 2)
    throw new InputError(`input 2 of node ${node.node.name}`, values, "give the two values for off and on");
  const axis = normalAxis(node.node, attribute(node.node, "axis", "int", -1), indices.length + 1);
  return { shape: indices.toSpliced(axis, 0, depth), axis, depth };
}

/** Indices outside of the depth have no element that is on. */
const oneHot: Operator = {
  name: "OneHot",
  infer: (node) => [{ elementType: requiredType(node, 2).elementType, shape: oneHotShape(node).shape }],
  evaluate(node, inputs) {
    const [{ data }, values] = [requiredInput(node, inputs, 0), requiredInput(node, inputs, 2)];
    const { shape, axis, depth } = oneHotShape(node);
    const result = numeric(values.elementType, shape);
    result.data.fill(values.data[0]!);
    const inner = elementCount(shape.slice(axis + 1));
    data.forEach((index, at) => {
      const place = index < 0 ? index + depth : index;
      if (place < 0 || place >= depth) return;
      result.data[(Math.floor(at / inner) * depth + place) * inner + (at % inner)] = values.data[1]!;
    });
    return [result];
  },
};

export const indexingOperators: readonly Operator[] = [
  gather,
  gatherElements,
  gatherRows,
  scatterElements,
  scatterRows,
  oneHot,
];
