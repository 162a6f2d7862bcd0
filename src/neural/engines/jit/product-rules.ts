import { InputError } from "../../../errors.js";
import { elementCount } from "../../graph/tensor.js";
import { attribute } from "../../operators/arguments.js";
import { applyBinary, constantInput, sampledInput } from "./elementwise-rules.js";
import { type Cell, numberOfPlace } from "./plan.js";
import type { PlanContext, PlanRule } from "./planner.js";
import { isSampled, lacks, mixesSamples, type SampleTensor, sampleShape } from "./sample-tensor.js";

/** Products up to which a layer at several places is a layer for each. */
const MOST_APART = 512;

/** Appends weighted sums of each row of cells, or 0; weights as `[tap][output]`. @returns the cells `[row][output]` */
function layer(
  { append, constants, tabulate }: PlanContext,
  rows: readonly (readonly (Cell | undefined)[])[],
  outputs: number,
  weights: number,
  bias: number | undefined,
): Cell[] {
  const taps = rows[0]!.length;
  const common = { outputs, weights, bias, activation: undefined };
  if (rows.length === 1 || rows.length * taps * outputs <= MOST_APART)
    return rows.flatMap((row) => {
      const inputs = row.map((cell) => cell ?? constants([0])[0]!);
      return append({ kind: "dense", inputs, ...common });
    });
  const given = rows.flat().filter((cell) => cell !== undefined);
  const inputs = [...new Set(given)].sort((a, b) => a - b);
  const positions = new Map<Cell | undefined, number>(inputs.map((cell, position) => [cell, position]));
  positions.set(undefined, inputs.length);
  const places = tabulate(rows.flatMap((row) => row.map((cell) => numberOfPlace(positions.get(cell)!))));
  return append({ kind: "repeated", inputs, rows: rows.length, taps, places, ...common });
}

/** The matrix with rows and columns exchanged. */
function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from(matrix, (_, k) => matrix[(k % rows) * columns + Math.floor(k / rows)]!);
}

function badShapes({ node, inputs }: PlanContext): InputError {
  return new InputError(
    `shapes of node ${node.name}`,
    inputs.map((value) => `[${value?.shape.join(", ")}]`).join(" and "),
    "give matrices whose inner sizes are equal",
  );
}

/** `value · weights + bias` over the last axis, with a weight matrix that is the same for all samples. */
function product(
  context: PlanContext,
  value: SampleTensor,
  matrix: Float64Array,
  outputs: number,
  bias?: Float64Array,
): SampleTensor {
  const rank = value.shape.length;
  const inner = value.shape.at(-1)!;
  if (value.batchAxis === rank - 1) throw mixesSamples(context.node);
  const weights = context.tabulate(matrix);
  const biasAt = bias === undefined ? undefined : context.tabulate(bias);
  const rows = Array.from({ length: value.cells.length / inner }, (_, row) =>
    value.cells.slice(row * inner, (row + 1) * inner),
  );
  const cells = layer(context, rows, outputs, weights, biasAt);
  return { ...value, shape: [...value.shape.slice(0, -1), outputs], cells };
}

const matMul: PlanRule = (context) => {
  const [a, b] = context.inputs;
  if (a === undefined || b === undefined) throw lacks(context.node, "it with an input left out");
  if (isSampled(b)) throw lacks(context.node, "it with a second factor that depends on the network's inputs");
  const value = sampledInput(context);
  const rank = b.shape.length;
  const [rows, columns] = rank === 1 ? [b.shape[0]!, 1] : [b.shape.at(-2)!, b.shape.at(-1)!];
  if (elementCount(b.shape) !== rows * columns)
    throw lacks(context.node, "it with a batch of constant matrices");
  if (value.shape.length < 2 || value.shape.at(-1) !== rows) throw badShapes(context);
  const result = product(context, value, b.data, columns);
  return rank === 1 ? { ...result, shape: result.shape.slice(0, -1) } : result;
};

const gemm: PlanRule = (context) => {
  const { node, inputs } = context;
  const [alpha, beta] = [attribute(node, "alpha", "float", 1), attribute(node, "beta", "float", 1)];
  const value = sampledInput(context);
  const b = inputs[1];
  if (b === undefined || isSampled(b))
    throw lacks(node, "it with weights that depend on the network's inputs");
  if (attribute(node, "transA", "int", 0) !== 0) throw mixesSamples(node);
  if (value.shape.length !== 2 || value.batchAxis !== 0 || b.shape.length !== 2) throw badShapes(context);
  const isTransposed = attribute(node, "transB", "int", 0) !== 0;
  const [rows, columns] = isTransposed ? [b.shape[1]!, b.shape[0]!] : [b.shape[0]!, b.shape[1]!];
  if (value.shape[1] !== rows) throw badShapes(context);
  const matrix = (isTransposed ? transposed(b.data, columns, rows) : b.data).map((weight) => alpha * weight);
  const c = inputs[2];
  if (c === undefined) return product(context, value, matrix, columns);
  if (isSampled(c)) {
    const scaled =
      beta === 1
        ? c
        : applyBinary(context, "mul", c, { elementType: "float32", shape: [], data: Float64Array.of(beta) });
    return applyBinary(context, "add", product(context, value, matrix, columns), scaled);
  }
  if (c.data.length !== 1 && (c.data.length !== columns || c.shape.at(-1) !== columns))
    throw mixesSamples(node);
  const bias = Float64Array.from({ length: columns }, (_, k) => beta * c.data[c.data.length === 1 ? 0 : k]!);
  return product(context, value, matrix, columns, bias);
};

/** Sizes and steps of a convolution, an entry an axis. */
interface ConvolutionGeometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begins: readonly number[];
  readonly outputs: readonly number[];
}

function geometryOf(
  { node }: PlanContext,
  sizes: readonly number[],
  kernel: readonly number[],
): ConvolutionGeometry {
  const ones = kernel.map(() => 1);
  const strides = attribute(node, "strides", "ints", ones);
  const dilations = attribute(node, "dilations", "ints", ones);
  const automatic = attribute(node, "auto_pad", "string", "NOTSET");
  const given = attribute(node, "pads", "ints", [...ones, ...ones].fill(0));
  const spans = kernel.map((size, k) => (size - 1) * dilations[k]! + 1);
  const same = automatic === "SAME_UPPER" || automatic === "SAME_LOWER";
  const outputs: number[] = [];
  const begins = sizes.map((size, k) => {
    if (same) {
      outputs.push(Math.ceil(size / strides[k]!));
      const total = Math.max(0, (outputs[k]! - 1) * strides[k]! + spans[k]! - size);
      return automatic === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
    }
    const [begin, end] = automatic === "VALID" ? [0, 0] : [given[k]!, given[k + kernel.length]!];
    outputs.push(Math.floor((size + begin + end - spans[k]!) / strides[k]!) + 1);
    return begin;
  });
  return { kernel, strides, dilations, begins, outputs };
}

/** Positions in row-major order. */
function positionsOf(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (all, size) => all.flatMap((one) => Array.from({ length: size }, (_, k) => [...one, k])),
    [[]],
  );
}

/** Weighted sums at every position of a small picture, whose margin is left out of them. */
const conv: PlanRule = (context) => {
  const { node, inputs } = context;
  const value = sampledInput(context);
  const filter = inputs[1];
  if (filter === undefined || isSampled(filter))
    throw lacks(node, "it with weights that depend on the inputs");
  const group = attribute(node, "group", "int", 1);
  const [channels, ...sizes] = sampleShape(value);
  const [outputs, groupInputs, ...kernel] = filter.shape as [number, number, ...number[]];
  if (value.batchAxis !== 0 || kernel.length !== sizes.length || channels !== groupInputs * group)
    throw badShapes(context);
  const geometry = geometryOf(context, sizes, kernel);
  const bias = constantInput(context, 2);
  const groupOutputs = outputs / group;
  const taps = positionsOf(kernel);
  const positions = positionsOf(geometry.outputs);
  const area = elementCount(sizes);
  const cells = new Array<Cell>(outputs * positions.length);
  for (let g = 0; g < group; g++) {
    // [channel and tap][output]
    const matrix = new Float64Array(groupInputs * taps.length * groupOutputs);
    for (let o = 0; o < groupOutputs; o++)
      for (let k = 0; k < groupInputs * taps.length; k++)
        matrix[k * groupOutputs + o] = filter.data[(g * groupOutputs + o) * groupInputs * taps.length + k]!;
    const weights = context.tabulate(matrix);
    const biasAt =
      bias === undefined ? undefined : context.tabulate(bias.slice(g * groupOutputs, (g + 1) * groupOutputs));
    const rows = positions.map((position) => {
      const places = taps.map((tap) => placeOf(geometry, sizes, position, tap));
      return Array.from({ length: groupInputs }, (_, channel) =>
        places.map((place) =>
          place === undefined ? undefined : value.cells[(g * groupInputs + channel) * area + place]!,
        ),
      ).flat();
    });
    layer(context, rows, groupOutputs, weights, biasAt).forEach((cell, k) => {
      const [index, o] = [Math.floor(k / groupOutputs), k % groupOutputs];
      cells[(g * groupOutputs + o) * positions.length + index] = cell;
    });
  }
  return { shape: [value.shape[0]!, outputs, ...geometry.outputs], batchAxis: 0, cells };
};

/** Where in the picture a tap falls; undefined for the margin. */
function placeOf(
  { strides, dilations, begins }: ConvolutionGeometry,
  sizes: readonly number[],
  position: readonly number[],
  tap: readonly number[],
): number | undefined {
  let place = 0;
  for (let axis = 0; axis < sizes.length; axis++) {
    const at = position[axis]! * strides[axis]! - begins[axis]! + tap[axis]! * dilations[axis]!;
    if (at < 0 || at >= sizes[axis]!) return undefined;
    place = place * sizes[axis]! + at;
  }
  return place;
}

/** Weighted sums. */
export const productRules: readonly (readonly [string, PlanRule])[] = [
  ["Conv", conv],
  ["Gemm", gemm],
  ["MatMul", matMul],
];
