import { type Attribute, int, ints, type ValueName } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import type { NetworkBuilder } from "../network/builder.js";
import { matricesTransposed, reshaped, summed, transposed } from "../network/expressions.js";
import { concatenated, flipped, padded, sliced } from "../network/selections.js";
import type { Convolution } from "./convolution.js";

// Equal graphs differ by factors of ten under ONNX Runtime. Those chosen here were the fastest on one processor over
// images of 72 x 14 and 14 x 14, 4 to 128 channels, kernels of 1 and 3 x 3, with dilations and groups.

/** Fewer channels than these fill the rows of a matrix product badly. */
const FEW_CHANNELS = 16;

/** Fewer positions than these make a product an image too short to be worth its call. */
const FEW_POSITIONS = 64;

const range = (count: number, first = 0) => Array.from({ length: count }, (_, index) => first + index);

function attributes({ window, groups }: Convolution): Record<string, Attribute> {
  const { kernel, strides, dilations } = window;
  return {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    group: int(groups),
  };
}

/** Input positions that the kernel reaches over, from the first of the padding. */
function reach({ window }: Convolution): number[] {
  return window.output.map(
    (count, axis) =>
      (count - 1) * window.strides[axis]! + (window.kernel[axis]! - 1) * window.dilations[axis]! + 1,
  );
}

/** The convolution of `x` with `weight`. What it does not see of `x` is cut off, so that the output's size is exact. */
export function convolve(
  builder: NetworkBuilder,
  convolution: Convolution,
  x: ValueName,
  weight: ValueName,
): ValueName {
  const { window } = convolution;
  const ends = reach(convolution).map((size, axis) => size - window.begins[axis]! - window.input[axis]!);
  const seen = sliced(
    builder,
    x,
    ends.map((end, axis) => ({ axis: axis + 2, start: 0, end: window.input[axis]! + Math.min(0, end) })),
  );
  const pads = ints([...window.begins, ...ends.map((end) => Math.max(0, end))]);
  return builder.add("Conv", [seen, weight], { ...attributes(convolution), pads });
}

/** The gradient to the input: the adjoint of the convolution in its input, applied to `gradient`. */
export function gradientToConvolutionInput(
  builder: NetworkBuilder,
  convolution: Convolution,
  weight: ValueName,
  gradient: ValueName,
): ValueName {
  const { window, groups, inputChannels, outputChannels } = convolution;
  const { input, kernel, strides, dilations, begins } = window;
  const reached = reach(convolution);
  const unseen = reached.map((size, axis) => input[axis]! + begins[axis]! - size);
  const isPlain = strides.every((stride) => stride === 1);
  const fits = kernel.every(
    (size, axis) => begins[axis]! <= (size - 1) * dilations[axis]! && unseen[axis]! <= 0,
  );
  if (!isPlain || !fits || (groups === 1 && inputChannels < FEW_CHANNELS)) {
    // What the kernel never sees behind the input has no gradient; padding that it saw is cut off.
    const ends = unseen.map((count) => Math.max(0, -count));
    const adjoint = builder.add("ConvTranspose", [gradient, weight], {
      ...attributes(convolution),
      pads: ints([...begins, ...ends]),
    });
    return padded(builder, adjoint, new Array(input.length + 2).fill(0), [
      0,
      0,
      ...unseen.map((count) => Math.max(0, count)),
    ]);
  }
  const [from, to] = [inputChannels / groups, outputChannels / groups];
  const spatial = range(kernel.length, 2);
  const turned = reshaped(builder, flipped(builder, weight, spatial), [groups, to, from, ...kernel]);
  const swapped = transposed(builder, turned, [0, 2, 1, ...range(kernel.length, 3)]);
  const full = kernel.map((size, axis) => (size - 1) * dilations[axis]!);
  const pads = [
    ...full.map((size, axis) => size - begins[axis]!),
    ...full.map((size, axis) => size + unseen[axis]!),
  ];
  return builder.add("Conv", [gradient, reshaped(builder, swapped, [inputChannels, to, ...kernel])], {
    ...attributes(convolution),
    pads: ints(pads),
  });
}

/** What of the padded input each tap of the kernel meets. `first` is the first spatial axis of `value`. */
function tapSlices(
  builder: NetworkBuilder,
  { window }: Convolution,
  value: ValueName,
  first: number,
): ValueName[] {
  const { output, kernel, strides, dilations } = window;
  return range(elementCount(kernel)).map((tap) => {
    let rest = tap;
    const ranges = kernel.map((_, index) => {
      const axis = kernel.length - 1 - index;
      const start = (rest % kernel[axis]!) * dilations[axis]!;
      rest = Math.floor(rest / kernel[axis]!);
      const step = strides[axis]!;
      return { axis: first + axis, start, end: start + (output[axis]! - 1) * step + 1, step };
    });
    return sliced(builder, value, ranges);
  });
}

/** The gradient to the weight: at each tap the product of the gradient and the input that the tap meets. */
export function gradientToConvolutionWeight(
  builder: NetworkBuilder,
  convolution: Convolution,
  x: ValueName,
  gradient: ValueName,
): ValueName {
  const { window, groups, inputChannels, outputChannels } = convolution;
  const ends = reach(convolution).map((size, axis) =>
    Math.max(0, size - window.begins[axis]! - window.input[axis]!),
  );
  const shape = [outputChannels, inputChannels / groups, ...window.kernel];
  const image = padded(builder, x, [0, 0, ...window.begins], [0, 0, ...ends]);
  const positions = elementCount(window.output);
  const isDepthwise = groups === inputChannels && groups === outputChannels;
  if (isDepthwise && groups > 1)
    return reshaped(builder, byElements(builder, convolution, image, gradient), shape);
  const isFewChannels = inputChannels < FEW_CHANNELS && positions >= FEW_POSITIONS;
  const parts = groups > 1 || isFewChannels || elementCount(window.kernel) === 1;
  const make = parts ? byColumns : byTaps;
  return reshaped(builder, make(builder, convolution, image, gradient), shape);
}

/** [channels, taps] of a depthwise convolution: element by element, as no matrix product fits. */
function byElements(
  builder: NetworkBuilder,
  convolution: Convolution,
  image: ValueName,
  gradient: ValueName,
): ValueName {
  const { kernel } = convolution.window;
  const rank = kernel.length;
  // With the channels last, slices copy long runs, and the sum over the positions adds rows.
  const channelsLast = [0, ...range(rank, 2), 1];
  const last = transposed(builder, gradient, channelsLast);
  const sums = tapSlices(builder, convolution, transposed(builder, image, channelsLast), 1).map((slice) =>
    reshaped(builder, summed(builder, builder.add("Mul", [slice, last]), range(rank + 1), false), [
      1,
      convolution.inputChannels,
    ]),
  );
  return matricesTransposed(builder, concatenated(builder, sums, 0));
}

/** [output channels, input channels of a group, taps]: the slices of all taps as the rows of a product an image and group. */
function byColumns(
  builder: NetworkBuilder,
  convolution: Convolution,
  image: ValueName,
  gradient: ValueName,
): ValueName {
  const { window, groups, batch, inputChannels, outputChannels } = convolution;
  const [from, to, positions] = [
    inputChannels / groups,
    outputChannels / groups,
    elementCount(window.output),
  ];
  const slices = tapSlices(builder, convolution, image, 2).map((slice) =>
    reshaped(builder, slice, [batch, groups, from, positions]),
  );
  const rows = concatenated(builder, slices, 2);
  const columns = matricesTransposed(builder, reshaped(builder, gradient, [batch, groups, to, positions]));
  const total = summed(builder, builder.add("MatMul", [rows, columns]), [0], false);
  return transposed(builder, reshaped(builder, total, [groups, slices.length, from, to]), [0, 3, 2, 1]);
}

/** [output channels, input channels, taps] of a convolution of one group: a product over all images a tap. */
function byTaps(
  builder: NetworkBuilder,
  convolution: Convolution,
  image: ValueName,
  gradient: ValueName,
): ValueName {
  const { window, batch, inputChannels, outputChannels } = convolution;
  const rank = window.kernel.length;
  const positions = batch * elementCount(window.output);
  const rows = reshaped(builder, transposed(builder, gradient, [1, 0, ...range(rank, 2)]), [
    outputChannels,
    positions,
  ]);
  const last = transposed(builder, image, [0, ...range(rank, 2), 1]);
  const products = tapSlices(builder, convolution, last, 1).map((slice) =>
    builder.add("MatMul", [rows, reshaped(builder, slice, [positions, inputChannels])]),
  );
  const joined = concatenated(builder, products, 1);
  return transposed(
    builder,
    reshaped(builder, joined, [outputChannels, products.length, inputChannels]),
    [0, 2, 1],
  );
}

/** The gradient to a bias: the sum over the batch and all positions. */
export function gradientToBias(builder: NetworkBuilder, gradient: ValueName): ValueName {
  const { shape } = builder.typeOf(gradient);
  return summed(
    builder,
    gradient,
    shape.flatMap((_, axis) => (axis === 1 ? [] : [axis])),
    false,
  );
}
