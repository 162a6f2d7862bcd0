import { InputError } from "../../errors.js";
import { int, string } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import { expanded, filled, reshaped, scaled } from "../network/expressions.js";
import { attribute, floatingType, numberType, requiredInput } from "./arguments.js";
import { gradientToConvolutionInput } from "./convolution-gradient.js";
import { requireScatteredSums } from "./indexing.js";
import { numeric, storedTensor } from "./numeric.js";
import type { Operator, TypedNode } from "./operator.js";
import { slidingWindow, spatialAttribute, type Window, windowTaps } from "./window.js";

/** Larger windows are no pooling that anybody means, and a file must not buy hours by one. */
const MOST_TAPS = 2 ** 20;

/** The window of a pooling over all spatial axes. @throws InputError where rank, sizes or attributes do not fit. */
function poolingWindow(node: TypedNode): Window {
  const { shape } = numberType(node, 0);
  const { name } = node.node;
  if (shape.length < 3)
    throw new InputError(
      `input 0 of node ${name}`,
      shape,
      "give [batch, channels, one or more spatial axes]",
    );
  const spatial = shape.slice(2);
  const window = slidingWindow(
    node.node,
    spatial,
    spatialAttribute(node.node, "kernel_shape", spatial.length, 1, []),
  );
  if (elementCount(window.kernel) > MOST_TAPS)
    throw new InputError(
      `attribute kernel_shape of node ${name}`,
      window.kernel,
      `give a window of at most ${MOST_TAPS} elements`,
    );
  // A window of nothing but padding has no extreme and no mean.
  window.kernel.forEach((size, axis) => {
    const extent = (size - 1) * window.dilations[axis]! + 1;
    if (window.begins[axis]! >= extent || window.ends[axis]! >= extent)
      throw new InputError(
        `pads of node ${name}`,
        [window.begins[axis], window.ends[axis]],
        `give less than the kernel's ${extent} along spatial axis ${axis}`,
      );
  });
  return window;
}

const pooledShape = (node: TypedNode, window: Window) => [
  ...numberType(node, 0).shape.slice(0, 2),
  ...window.output,
];

function checkStorageOrder({ node }: TypedNode): void {
  const order = attribute(node, "storage_order", "int", 0);
  if (order !== 0)
    throw new InputError(`attribute storage_order of node ${node.name}`, order, "give 0, row-major");
}

/** The second output has the places of the extremes among all elements of the input. */
const maxPool: Operator = {
  name: "MaxPool",
  infer(node) {
    checkStorageOrder(node);
    const shape = pooledShape(node, poolingWindow(node));
    return [
      { elementType: numberType(node, 0).elementType, shape },
      { elementType: "int64", shape },
    ];
  },
  evaluate(node, inputs) {
    const { elementType, data } = requiredInput(node, inputs, 0);
    const window = poolingWindow(node);
    const shape = pooledShape(node, window);
    const [values, places] = [numeric(elementType, shape), numeric("int64", shape)];
    values.data.fill(Number.NEGATIVE_INFINITY);
    const [from, to] = [elementCount(window.input), elementCount(window.output)];
    for (const { input, output } of windowTaps(window))
      for (let image = 0; image * to < values.data.length; image++)
        for (let at = 0; at < input.length; at++) {
          const [source, target] = [image * from + input[at]!, image * to + output[at]!];
          if (!(data[source]! > values.data[target]!)) continue;
          values.data[target] = data[source]!;
          places.data[target] = source;
        }
    return [values, places];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined) return [];
    requireScatteredSums(context);
    const { builder, inputTypes, outputTypes, input, node } = context;
    const { elementType, shape } = inputTypes[0]!;
    const [, places] = builder.addMany("MaxPool", [input(0)], 2, node.attributes);
    const count = elementCount(outputTypes[0]!.shape);
    const zeros = expanded(builder, builder.constant(filled(0, elementType)), [elementCount(shape)]);
    const sum = builder.add(
      "ScatterElements",
      [zeros, reshaped(builder, places!, [count]), reshaped(builder, gradient, [count])],
      { axis: int(0), reduction: string("add") },
    );
    return [reshaped(builder, sum, shape)];
  },
};

/** For each output the number of elements that its mean is over. */
function counts({ node }: TypedNode, window: Window): Float64Array {
  const numbers = new Float64Array(elementCount(window.output));
  const countsPadding = attribute(node, "count_include_pad", "int", 0) !== 0;
  // With the padding counted, the padded input is what the window slides over.
  const seen: Window = countsPadding
    ? {
        ...window,
        input: window.input.map((size, axis) => size + window.begins[axis]! + window.ends[axis]!),
        begins: window.begins.map(() => 0),
      }
    : window;
  for (const { output } of windowTaps(seen)) for (const at of output) numbers[at]!++;
  return numbers;
}

const averagePool: Operator = {
  name: "AveragePool",
  infer(node) {
    const { elementType } = floatingType(node, 0);
    return [{ elementType, shape: pooledShape(node, poolingWindow(node)) }];
  },
  evaluate(node, inputs) {
    const { elementType, data } = requiredInput(node, inputs, 0);
    const window = poolingWindow(node);
    const result = numeric(elementType, pooledShape(node, window));
    const [from, to] = [elementCount(window.input), elementCount(window.output)];
    for (const { input, output } of windowTaps(window))
      for (let image = 0; image * to < result.data.length; image++)
        for (let at = 0; at < input.length; at++)
          result.data[image * to + output[at]!]! += data[image * from + input[at]!]!;
    const over = counts(node, window);
    for (let at = 0; at < result.data.length; at++) result.data[at]! /= over[at % to]!;
    return [result];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined) return [];
    const { builder, inputTypes } = context;
    const { elementType, shape } = inputTypes[0]!;
    const window = poolingWindow(context);
    const over = counts(context, window);
    const shares = numeric(
      elementType,
      [1, 1, ...window.output],
      over.map((count) => 1 / count),
    );
    const shared = builder.add("Mul", [gradient, builder.constant(storedTensor(shares))]);
    // The mean is a convolution of each channel with ones.
    const images = shape[0]! * shape[1]!;
    const convolution = { window, groups: 1, batch: images, inputChannels: 1, outputChannels: 1 };
    const ones = builder.constant(filled(1, elementType, [1, 1, ...window.kernel]));
    const each = reshaped(builder, shared, [images, 1, ...window.output]);
    const made = gradientToConvolutionInput(builder, convolution, ones, each);
    return [reshaped(builder, made, shape)];
  },
};

function spatialAxes(node: TypedNode): number[] {
  const { shape } = floatingType(node, 0);
  if (shape.length < 3)
    throw new InputError(
      `input 0 of node ${node.node.name}`,
      shape,
      "give [batch, channels, one or more spatial axes]",
    );
  return shape.slice(2).map((_, axis) => axis + 2);
}

const globalAveragePool: Operator = {
  name: "GlobalAveragePool",
  infer(node) {
    const { elementType, shape } = floatingType(node, 0);
    const axes = spatialAxes(node);
    return [{ elementType, shape: shape.map((size, axis) => (axes.includes(axis) ? 1 : size)) }];
  },
  evaluate(node, inputs) {
    const { elementType, shape, data } = requiredInput(node, inputs, 0);
    const area = elementCount(shape.slice(2));
    const result = numeric(elementType, [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)]);
    for (let at = 0; at < data.length; at++) result.data[Math.floor(at / area)]! += data[at]! / area;
    return [result];
  },
  gradient({ builder, inputTypes, outputGradient }) {
    const gradient = outputGradient(0);
    if (gradient === undefined) return [];
    const { shape } = inputTypes[0]!;
    return [expanded(builder, scaled(builder, gradient, 1 / elementCount(shape.slice(2))), shape)];
  },
};

export const poolingOperators: readonly Operator[] = [maxPool, averagePool, globalAveragePool];
