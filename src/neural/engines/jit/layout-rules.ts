import { InputError } from "../../../errors.js";
import { elementCount } from "../../graph/tensor.js";
import { attribute, normalAxis } from "../../operators/arguments.js";
import { constantInput, sampledInput } from "./elementwise-rules.js";
import type { Cell } from "./plan.js";
import type { PlanContext, PlanRule } from "./planner.js";
import {
  broadcastElements,
  isSampled,
  lacks,
  mixesSamples,
  rowMajorStrides,
  type SampleTensor,
  sampleAxis,
  sampleShape,
  stridedElements,
} from "./sample-tensor.js";

/** Values of an argument that is an attribute before `opset` and an input from it on. */
export function listArgument(
  context: PlanContext,
  opset: number,
  name: string,
  index: number,
): readonly number[] | undefined {
  if (context.opset < opset) return attribute(context.node, name, "ints", undefined);
  const given = constantInput(context, index);
  return given === undefined ? undefined : [...given];
}

/** The same elements under another shape; the batch stays where as many elements stand before it. */
function reshaped(context: PlanContext, value: SampleTensor, shape: readonly number[]): SampleTensor {
  const before = (sizes: readonly number[], axis: number): number => elementCount(sizes.slice(0, axis));
  const batch = value.shape[value.batchAxis]!;
  const outer = before(value.shape, value.batchAxis);
  if (elementCount(shape) !== elementCount(value.shape))
    throw new InputError(
      `shape of node ${context.node.name}`,
      shape,
      `fill ${elementCount(value.shape)} elements`,
    );
  const batchAxis = shape.findIndex((size, axis) => size === batch && before(shape, axis) === outer);
  if (batchAxis < 0) throw mixesSamples(context.node);
  return { shape, batchAxis, cells: value.cells };
}

const reshape: PlanRule = (context) => {
  const value = sampledInput(context);
  const wanted = constantInput(context, 1) ?? new Float64Array();
  const keepsZero = attribute(context.node, "allowzero", "int", 0) !== 0;
  const shape = [...wanted].map((size, axis) => (size === 0 && !keepsZero ? (value.shape[axis] ?? 0) : size));
  const open = shape.indexOf(-1);
  if (open >= 0) {
    const others = shape.filter((_, axis) => axis !== open);
    shape[open] = elementCount(value.shape) / elementCount(others);
  }
  return reshaped(context, value, shape);
};

const flatten: PlanRule = (context) => {
  const value = sampledInput(context);
  const rank = value.shape.length;
  const given = attribute(context.node, "axis", "int", 1);
  const axis = given === rank ? rank : normalAxis(context.node, given, rank);
  return reshaped(context, value, [
    elementCount(value.shape.slice(0, axis)),
    elementCount(value.shape.slice(axis)),
  ]);
};

const squeeze: PlanRule = (context) => {
  const value = sampledInput(context);
  const { node } = context;
  const given = listArgument(context, 13, "axes", 1);
  const axes = new Set(
    given?.map((axis) => normalAxis(node, axis, value.shape.length)) ??
      value.shape.flatMap((size, axis) => (size === 1 && axis !== value.batchAxis ? [axis] : [])),
  );
  if (axes.has(value.batchAxis)) throw mixesSamples(node);
  return {
    ...value,
    shape: value.shape.filter((_, axis) => !axes.has(axis)),
    batchAxis: value.batchAxis - [...axes].filter((axis) => axis < value.batchAxis).length,
  };
};

const unsqueeze: PlanRule = (context) => {
  const value = sampledInput(context);
  const given = listArgument(context, 13, "axes", 1) ?? [];
  const rank = value.shape.length + given.length;
  const axes = new Set(given.map((axis) => normalAxis(context.node, axis, rank)));
  const shape: number[] = [];
  let batchAxis = 0;
  let taken = 0;
  for (let axis = 0; axis < rank; axis++) {
    if (axes.has(axis)) shape.push(1);
    else {
      if (taken === value.batchAxis) batchAxis = axis;
      shape.push(value.shape[taken++]!);
    }
  }
  return { ...value, shape, batchAxis };
};

const transpose: PlanRule = (context) => {
  const value = sampledInput(context);
  const rank = value.shape.length;
  const order = attribute(context.node, "perm", "ints", undefined) ?? value.shape.map((_, k) => rank - 1 - k);
  const own = sampleShape(value);
  const strides = rowMajorStrides(own);
  const axes = order
    .filter((axis) => axis !== value.batchAxis)
    .map((axis) => sampleAxis(context.node, value, axis));
  return {
    shape: order.map((axis) => value.shape[axis]!),
    batchAxis: order.indexOf(value.batchAxis),
    cells: stridedElements(
      value.cells,
      axes.map((axis) => own[axis]!),
      axes.map((axis) => strides[axis]!),
    ),
  };
};

const concat: PlanRule = (context) => {
  const { node, inputs } = context;
  const model = inputs.find((value) => value !== undefined && isSampled(value)) as SampleTensor;
  const axis = normalAxis(node, attribute(node, "axis", "int", 0), model.shape.length);
  const own = sampleAxis(node, model, axis);
  const outer = elementCount(sampleShape(model).slice(0, own));
  const parts = inputs.map((value) => {
    if (value === undefined) throw lacks(node, "it with an input left out");
    if (isSampled(value) && value.batchAxis !== model.batchAxis) throw mixesSamples(node);
    if (
      !isSampled(value) &&
      value.shape[model.batchAxis] !== 1 &&
      value.shape[model.batchAxis] !== model.shape[model.batchAxis]
    )
      throw mixesSamples(node);
    if (!isSampled(value) && value.shape[model.batchAxis] !== 1)
      throw lacks(node, "it of constants for each sample");
    const cells = isSampled(value) ? value.cells : context.constants(value.data);
    return { cells, size: value.shape[axis]!, inner: cells.length / outer };
  });
  const cells: Cell[] = [];
  for (let k = 0; k < outer; k++)
    for (const part of parts)
      for (let at = k * part.inner; at < (k + 1) * part.inner; at++) cells.push(part.cells[at]!);
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  return { ...model, shape: model.shape.map((size, k) => (k === axis ? total : size)), cells };
};

/** Elements `start`, `start + step`, … of some axes. */
function taken(
  context: PlanContext,
  value: SampleTensor,
  ranges: ReadonlyMap<number, { readonly start: number; readonly step: number; readonly count: number }>,
): SampleTensor {
  const own = sampleShape(value);
  const strides = rowMajorStrides(own);
  let first = 0;
  const sizes = [...own];
  const steps = [...strides];
  for (const [axis, { start, step, count }] of ranges) {
    const k = sampleAxis(context.node, value, axis);
    first += start * strides[k]!;
    steps[k] = step * strides[k]!;
    sizes[k] = count;
  }
  return {
    ...value,
    shape: value.shape.map((size, axis) => ranges.get(axis)?.count ?? size),
    cells: stridedElements(value.cells, sizes, steps, first),
  };
}

const slice: PlanRule = (context) => {
  const value = sampledInput(context);
  const { node } = context;
  const starts = listArgument(context, 10, "starts", 1) ?? [];
  const ends = listArgument(context, 10, "ends", 2) ?? [];
  const axes = listArgument(context, 10, "axes", 3) ?? starts.map((_, k) => k);
  const steps = context.opset < 10 ? undefined : constantInput(context, 4);
  const ranges = new Map<number, { start: number; step: number; count: number }>();
  axes.forEach((given, k) => {
    const axis = normalAxis(node, given, value.shape.length);
    const size = value.shape[axis]!;
    const step = steps?.[k] ?? 1;
    const bounded = (position: number, least: number, most: number): number =>
      Math.min(Math.max(position < 0 ? position + size : position, least), most);
    const [start, end] =
      step > 0
        ? [bounded(starts[k]!, 0, size), bounded(ends[k]!, 0, size)]
        : [bounded(starts[k]!, 0, size - 1), bounded(ends[k]!, -1, size - 1)];
    const count = Math.max(0, Math.ceil((end - start) / step));
    if (axis === value.batchAxis) {
      if (start !== 0 || step !== 1 || count !== size) throw mixesSamples(node);
    } else ranges.set(axis, { start, step, count });
  });
  return taken(context, value, ranges);
};

/** The parts of an axis: of given sizes, or equal but for a smaller last one. */
const split: PlanRule = (context) => {
  const value = sampledInput(context);
  const { node } = context;
  const axis = normalAxis(node, attribute(node, "axis", "int", 0), value.shape.length);
  const size = value.shape[axis]!;
  const parts = node.outputs.length;
  const equal = Math.ceil(size / parts);
  const sizes =
    listArgument(context, 13, "split", 1) ??
    Array.from({ length: parts }, (_, k) => Math.min(equal, size - k * equal));
  let start = 0;
  return sizes.map((count) => {
    const part = taken(context, value, new Map([[axis, { start, step: 1, count }]]));
    start += count;
    return part;
  });
};

/** One element of an axis, or several in the order of constant indices. */
const gather: PlanRule = (context) => {
  const value = sampledInput(context);
  const { node, inputs } = context;
  const indices = constantInput(context, 1)!;
  const axis = normalAxis(node, attribute(node, "axis", "int", 0), value.shape.length);
  const own = sampleAxis(node, value, axis);
  const sizes = sampleShape(value);
  const [outer, inner] = [elementCount(sizes.slice(0, own)), elementCount(sizes.slice(own + 1))];
  const cells: Cell[] = [];
  for (let k = 0; k < outer; k++)
    for (const given of indices) {
      const index = given < 0 ? given + sizes[own]! : given;
      const at = (k * sizes[own]! + index) * inner;
      if (!(index >= 0 && index < sizes[own]!))
        throw new InputError(
          `indices of node ${node.name}`,
          given,
          `give -${sizes[own]} to ${sizes[own]! - 1}`,
        );
      for (let one = at; one < at + inner; one++) cells.push(value.cells[one]!);
    }
  const shape = [...value.shape.slice(0, axis), ...inputs[1]!.shape, ...value.shape.slice(axis + 1)];
  const batchAxis = value.batchAxis < axis ? value.batchAxis : value.batchAxis - 1 + inputs[1]!.shape.length;
  return { shape, batchAxis, cells };
};

const expand: PlanRule = (context) => {
  const value = sampledInput(context);
  const wanted = [...(constantInput(context, 1) ?? [])];
  const rank = Math.max(wanted.length, value.shape.length);
  const sizeAt = (sizes: readonly number[], axis: number): number => sizes[axis - rank + sizes.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, axis) =>
    Math.max(sizeAt(wanted, axis), sizeAt(value.shape, axis)),
  );
  const batchAxis = value.batchAxis + rank - value.shape.length;
  if (shape[batchAxis] !== value.shape[value.batchAxis]) throw mixesSamples(context.node);
  const sample = shape.filter((_, axis) => axis !== batchAxis);
  return { shape, batchAxis, cells: broadcastElements(value.cells, sampleShape(value), sample) };
};

const identity: PlanRule = (context) => sampledInput(context);

/** Between types of floats; all numbers are computed as float32. */
const cast: PlanRule = (context) => {
  const to = attribute(context.node, "to", "int", 1);
  const floats = new Set([1, 10, 11]);
  if (!floats.has(to)) throw lacks(context.node, "casts to integers");
  return sampledInput(context);
};

/** What moves numbers only: it costs nothing in the compiled code. */
export const layoutRules: readonly (readonly [string, PlanRule])[] = [
  ["Cast", cast],
  ["Concat", concat],
  ["Dropout", identity],
  ["Expand", expand],
  ["Flatten", flatten],
  ["Gather", gather],
  ["Identity", identity],
  ["Reshape", reshape],
  ["Slice", slice],
  ["Split", split],
  ["Squeeze", squeeze],
  ["Transpose", transpose],
  ["Unsqueeze", unsqueeze],
];
