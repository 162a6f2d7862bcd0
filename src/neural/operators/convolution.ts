import { InputError } from "../../errors.js";
import { elementCount } from "../graph/tensor.js";
import { attribute, floatingType, requiredInput, requireSameType } from "./arguments.js";
import {
  convolve,
  gradientToBias,
  gradientToConvolutionInput,
  gradientToConvolutionWeight,
} from "./convolution-gradient.js";
import { numeric } from "./numeric.js";
import type { NumericTensor, Operator, TypedNode } from "./operator.js";
import { autoPad, slidingWindow, spatialAttribute, splitPadding, type Window, windowTaps } from "./window.js";

/** What a convolution's inputs and attributes say. */
export interface Convolution {
  readonly window: Window;
  readonly groups: number;
  readonly batch: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
}

/** Groups of channels. @throws InputError where they do not divide `channels`. */
function groupsOf({ node }: TypedNode, channels: number): number {
  const groups = attribute(node, "group", "int", 1);
  if (!Number.isSafeInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new InputError(
      `attribute group of node ${node.name}`,
      groups,
      `give a divisor of ${channels} channels`,
    );
  return groups;
}

/** Checks that input, weight and bias are of one type and rank. */
function checkTypes(node: TypedNode, biasSize: (weight: readonly number[]) => number): void {
  const { name } = node.node;
  const [x, weight] = [floatingType(node, 0).shape, floatingType(node, 1).shape];
  requireSameType(node, 0, 1);
  if (x.length < 3)
    throw new InputError(`input 0 of node ${name}`, x, "give [batch, channels, one or more spatial axes]");
  if (weight.length !== x.length)
    throw new InputError(`input 1 of node ${name}`, weight, `give a weight of ${x.length} axes`);
  if (node.inputTypes[2] === undefined) return;
  requireSameType(node, 0, 2);
  const bias = floatingType(node, 2).shape;
  if (bias.length !== 1 || bias[0] !== biasSize(weight))
    throw new InputError(`input 2 of node ${name}`, bias, `give a bias of ${biasSize(weight)} numbers`);
}

/** The kernel, which is the weight's spatial shape. @throws InputError where the node says another. */
function kernelOf({ node }: TypedNode, weight: readonly number[]): readonly number[] {
  const kernel = weight.slice(2);
  const given = attribute(node, "kernel_shape", "ints", kernel);
  if (given.length !== kernel.length || given.some((size, axis) => size !== kernel[axis] || size < 1))
    throw new InputError(
      `attribute kernel_shape of node ${node.name}`,
      given,
      `give [${kernel.join(", ")}], the weight's, without zeros`,
    );
  return kernel;
}

/** The convolution of a Conv node. @throws InputError for shapes and attributes that do not fit. */
export function convolutionOf(node: TypedNode): Convolution {
  checkTypes(node, (weight) => weight[0]!);
  const [x, weight] = [floatingType(node, 0).shape, floatingType(node, 1).shape];
  const groups = groupsOf(node, weight[0]!);
  if (weight[1]! * groups !== x[1])
    throw new InputError(
      `input 1 of node ${node.node.name}`,
      weight,
      `give a weight of ${x[1]! / groups} input channels for each of ${groups} groups`,
    );
  const window = slidingWindow(node.node, x.slice(2), kernelOf(node, weight));
  return { window, groups, batch: x[0]!, inputChannels: x[1]!, outputChannels: weight[0]! };
}

/** Calls `visit` with each pair of channels that a weight connects, and the weight's place without its taps. */
function channelPairs(
  { groups, inputChannels, outputChannels }: Convolution,
  visit: (input: number, output: number, pair: number) => void,
): void {
  const [from, to] = [inputChannels / groups, outputChannels / groups];
  for (let output = 0; output < outputChannels; output++)
    for (let index = 0; index < from; index++)
      visit(Math.floor(output / to) * from + index, output, output * from + index);
}

/** A tensor whose channels begin with the bias. */
function biased(
  like: NumericTensor,
  shape: readonly number[],
  bias: NumericTensor | undefined,
): NumericTensor {
  const result = numeric(like.elementType, shape);
  if (bias === undefined) return result;
  const [channels, area] = [shape[1]!, elementCount(shape.slice(2))];
  for (let at = 0, row = 0; at < result.data.length; at += area, row++)
    result.data.fill(bias.data[row % channels]!, at, at + area);
  return result;
}

/** The convolution of any number of spatial axes, as machine learning calls the cross-correlation. */
const convolution: Operator = {
  name: "Conv",
  infer(node) {
    const { window, batch, outputChannels } = convolutionOf(node);
    return [
      { elementType: floatingType(node, 0).elementType, shape: [batch, outputChannels, ...window.output] },
    ];
  },
  evaluate(node, inputs) {
    const [x, weight] = [requiredInput(node, inputs, 0), requiredInput(node, inputs, 1)];
    const convolution = convolutionOf(node);
    const { window, batch, inputChannels, outputChannels } = convolution;
    const result = biased(x, [batch, outputChannels, ...window.output], inputs[2]);
    const [from, to] = [elementCount(window.input), elementCount(window.output)];
    const taps = elementCount(window.kernel);
    for (const { tap, input, output } of windowTaps(window))
      channelPairs(convolution, (inputChannel, outputChannel, pair) => {
        const factor = weight.data[pair * taps + tap]!;
        for (let sample = 0; sample < batch; sample++) {
          const source = (sample * inputChannels + inputChannel) * from;
          const target = (sample * outputChannels + outputChannel) * to;
          for (let at = 0; at < input.length; at++)
            result.data[target + output[at]!]! += factor * x.data[source + input[at]!]!;
        }
      });
    return [result];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined) return [];
    const of = convolutionOf(context);
    return [
      context.isWanted(0)
        ? gradientToConvolutionInput(context.builder, of, context.input(1), gradient)
        : undefined,
      context.isWanted(1)
        ? gradientToConvolutionWeight(context.builder, of, context.input(0), gradient)
        : undefined,
      context.isWanted(2) ? gradientToBias(context.builder, gradient) : undefined,
    ];
  },
};

/**
 * The transposed convolution as the convolution that it is the adjoint of: `output` is the smaller side, the node's
 * input.
 */
function transposedConvolutionOf(node: TypedNode): Convolution {
  checkTypes(node, (weight) => weight[1]! * attribute(node.node, "group", "int", 1));
  const [x, weight] = [floatingType(node, 0).shape, floatingType(node, 1).shape];
  const groups = groupsOf(node, x[1]!);
  if (weight[0] !== x[1])
    throw new InputError(
      `input 1 of node ${node.node.name}`,
      weight,
      `give a weight of ${x[1]} input channels`,
    );
  return {
    window: transposedWindow(node, x.slice(2), kernelOf(node, weight)),
    groups,
    batch: x[0]!,
    inputChannels: weight[1]! * groups,
    outputChannels: x[1]!,
  };
}

function transposedWindow({ node }: TypedNode, output: readonly number[], kernel: readonly number[]): Window {
  const rank = output.length;
  const ones = new Array<number>(rank).fill(1);
  const zeros = new Array<number>(2 * rank).fill(0);
  const strides = spatialAttribute(node, "strides", rank, 1, ones);
  const dilations = spatialAttribute(node, "dilations", rank, 1, ones);
  const pads = spatialAttribute(node, "pads", 2 * rank, 0, zeros);
  const extra = spatialAttribute(node, "output_padding", rank, 0, zeros.slice(rank));
  const isSized = node.attributes.output_shape !== undefined;
  const kind = autoPad(node);
  const [input, begins, ends]: [number[], number[], number[]] = [[], [], []];
  const asked = isSized ? spatialAttribute(node, "output_shape", rank, 1, []) : [];
  output.forEach((size, axis) => {
    const [stride, dilation, more] = [strides[axis]!, dilations[axis]!, extra[axis]!];
    if (more >= Math.max(stride, dilation))
      throw new InputError(
        `attribute output_padding of node ${node.name}`,
        extra,
        "give less than the larger of stride and dilation",
      );
    const extent = (kernel[axis]! - 1) * dilation + 1;
    const full = size === 0 ? 0 : (size - 1) * stride + extent + more;
    let [begin, end] = kind === "NOTSET" ? [pads[axis]!, pads[axis + rank]!] : [0, 0];
    if (isSized || kind.startsWith("SAME")) {
      const target = asked[axis] ?? size * stride;
      [begin, end] = splitPadding(Math.max(0, full - target), kind !== "SAME_UPPER");
      if (target > full) end = full - target;
    }
    if (full - begin - end < 1)
      throw new InputError(
        `pads of node ${node.name}`,
        [begin, end],
        `give less than ${full} along spatial axis ${axis}, the size of what they cut`,
      );
    input.push(full - begin - end);
    begins.push(begin);
    // Behind the input of the convolution, the padding and what stride and output_padding leave unseen.
    ends.push(end - more);
  });
  return { input, output, kernel, strides, dilations, begins, ends };
}

/** The adjoint of a convolution in its input, which upsamples where the convolution has strides. */
const transposedConvolution: Operator = {
  name: "ConvTranspose",
  infer(node) {
    const { window, batch, inputChannels } = transposedConvolutionOf(node);
    return [
      { elementType: floatingType(node, 0).elementType, shape: [batch, inputChannels, ...window.input] },
    ];
  },
  evaluate(node, inputs) {
    const [x, weight] = [requiredInput(node, inputs, 0), requiredInput(node, inputs, 1)];
    const adjoint = transposedConvolutionOf(node);
    const { window, batch, inputChannels, outputChannels } = adjoint;
    const result = biased(x, [batch, inputChannels, ...window.input], inputs[2]);
    const [to, from] = [elementCount(window.input), elementCount(window.output)];
    const taps = elementCount(window.kernel);
    for (const { tap, input, output } of windowTaps(window))
      channelPairs(adjoint, (inputChannel, outputChannel, pair) => {
        const factor = weight.data[pair * taps + tap]!;
        for (let sample = 0; sample < batch; sample++) {
          const target = (sample * inputChannels + inputChannel) * to;
          const source = (sample * outputChannels + outputChannel) * from;
          for (let at = 0; at < input.length; at++)
            result.data[target + input[at]!]! += factor * x.data[source + output[at]!]!;
        }
      });
    return [result];
  },
  gradient({ builder, input, outputGradient, isWanted, ...node }) {
    const gradient = outputGradient(0);
    if (gradient === undefined) return [];
    const adjoint = transposedConvolutionOf(node);
    return [
      isWanted(0) ? convolve(builder, adjoint, gradient, input(1)) : undefined,
      isWanted(1) ? gradientToConvolutionWeight(builder, adjoint, gradient, input(0)) : undefined,
      isWanted(2) ? gradientToBias(builder, gradient) : undefined,
    ];
  },
};

export const convolutionOperators: readonly Operator[] = [convolution, transposedConvolution];
