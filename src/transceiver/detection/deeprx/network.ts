import {
  type Attribute,
  int,
  ints,
  type OnnxModel,
  onnxModel,
  type ValueName,
} from "../../../neural/graph/graph.js";
import { float32Tensor, int64Tensor } from "../../../neural/graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../../../neural/network/builder.js";
import type { Random } from "../../../system/index.js";
import { DEEPRX_ANTENNAS, DEEPRX_BITS, DEEPRX_SYMBOLS, ELEMENT_PLANES, GRID_PLANES } from "./features.js";

/** How large the network is. */
export interface DeeprxSize {
  /** Channels of the residual blocks. */
  readonly channels: number;
  /** Filters that a stage chooses among when it estimates the channel anew. */
  readonly filters: number;
  /** Their taps over symbols and subcarriers. */
  readonly filterTaps: readonly [number, number];
  /** Of each stage, the dilations over symbols and subcarriers of its residual blocks. */
  readonly stages: readonly (readonly (readonly [number, number])[])[];
}

/** Filters over frequency that the pilots' first estimate is made of: bell-shaped, of these widths in subcarriers. */
const PILOT_FILTER_WIDTHS = [0.7, 1.5, 3, 6];
const PILOT_FILTER_TAPS = 13;

/** What keeps quotients finite where there is next to no channel or no weight, in units of the channel's mean power. */
const LEAST_POWER = 0.02;
const LEAST_WEIGHT = 0.01;

/**
 * An untrained network: DeepRx with layers that multiply, as a receiver does. Inputs "grid" and "elements" as `features.ts`
 * writes them, output "llrs" `[batch][bit][symbol][subcarrier]`, natural logarithms, positive for 0; "channels", of all stages
 * in the planes of "grid", is for training and left out of use.
 *
 * The pilots' least-squares estimates are carried over time by learned weights and smoothed over frequency. Each stage
 * then combines the antennas by the channel at hand; residual blocks of dense 3×3 convolutions look at the combined symbols
 * and at how well things fit; from them come soft decisions, what each is worth, and which of the stage's filters suits
 * each element. Received over decided, filtered so, is the channel for the next stage. The last stage's soft bits are those of max-log,
 * scaled and corrected by its blocks. Convolutions see symbols and magnitudes only, no phase of the channel, and at the
 * start the network is a receiver with interpolated least squares: what it learns is what that one lacks.
 */
export function deeprxNetwork(random: Random, size: DeeprxSize): OnnxModel {
  const builder = networkBuilder("deeprx");
  const shape = (planes: number) => ["batch", planes, DEEPRX_SYMBOLS, "subcarrier"];
  const grid = builder.input("grid", "float32", shape(GRID_PLANES));
  const elements = builder.input("elements", "float32", shape(ELEMENT_PLANES));
  const { llrs, channels } = receiver(piecesOf(builder, random), size, grid, elements);
  builder.output("llrs", llrs, shape(DEEPRX_BITS));
  builder.output("channels", channels, shape(size.stages.length * GRID_PLANES));
  return onnxModel(builder.graph());
}

/** What a stage knows of the channel. */
interface ChannelEstimate {
  /** Planes like "grid". */
  readonly channel: ValueName;
  /** Energy by which the filters' estimates deviate from it, a plane each. */
  readonly deviations: ValueName;
  readonly filters: number;
}

function receiver(
  pieces: Pieces,
  size: DeeprxSize,
  grid: ValueName,
  elements: ValueName,
): { llrs: ValueName; channels: ValueName } {
  const { add, number, split, sum, convolution } = pieces;
  const [pilots, data, isHigher] = split(elements, [1, 1, 1]) as [ValueName, ValueName, ValueName];
  const [gridRe, gridIm] = split(grid, [DEEPRX_ANTENNAS, DEEPRX_ANTENNAS]) as [ValueName, ValueName];
  const energy = sum(add("Mul", grid, grid));
  const { channels } = size;
  let estimate = pilotEstimate(pieces, grid, pilots);
  const channelsOfStages: ValueName[] = [];
  let state: ValueName | undefined;
  for (let stage = 0; ; stage++) {
    const name = `stage${stage}`;
    channelsOfStages.push(estimate.channel);
    const [re, im] = split(estimate.channel, [DEEPRX_ANTENNAS, DEEPRX_ANTENNAS]) as [ValueName, ValueName];
    const matched = {
      re: sum(add("Add", add("Mul", re, gridRe), add("Mul", im, gridIm))),
      im: sum(add("Sub", add("Mul", re, gridIm), add("Mul", im, gridRe))),
    };
    const power = sum(add("Mul", estimate.channel, estimate.channel));
    const inverse = add("Div", number(1), add("Add", power, number(LEAST_POWER)));
    const symbol = { re: add("Mul", matched.re, inverse), im: add("Mul", matched.im, inverse) };
    const matchedEnergy = add("Add", add("Mul", matched.re, matched.re), add("Mul", matched.im, matched.im));
    // What is received outside of the channel's direction is noise, or an error of the channel.
    const rest = add("Relu", add("Sub", energy, add("Mul", matchedEnergy, inverse)));
    const seen = add.joined(
      compressed(pieces, symbol.re),
      compressed(pieces, symbol.im),
      root(pieces, power),
      root(pieces, rest),
      elements,
      root(pieces, add("Mul", estimate.deviations, inverse)),
    );
    const taken = convolution(`${name}.in`, seen, 4 + ELEMENT_PLANES + estimate.filters, channels, [3, 3]);
    state = state === undefined ? taken : add("Add", state, taken);
    size.stages[stage]!.forEach((dilation, index) => {
      state = residualBlock(pieces, `${name}.block${index}`, state!, channels, dilation);
    });
    const active = add("Relu", state);
    if (stage === size.stages.length - 1)
      return {
        llrs: softBits(pieces, active, channels, symbol, power, isHigher),
        channels: add.joined(...channelsOfStages),
      };
    estimate = decidedEstimate(pieces, name, size, active, { gridRe, gridIm, pilots, data });
  }
}

/** The channel from the pilots: least squares, carried over time by weights for each pair of symbols, and smoothed. */
function pilotEstimate(pieces: Pieces, grid: ValueName, pilots: ValueName): ChannelEstimate {
  const { builder, add, number } = pieces;
  const near = Array.from({ length: DEEPRX_SYMBOLS ** 2 }, (_, index) => {
    const distance = Math.abs((index % DEEPRX_SYMBOLS) - Math.floor(index / DEEPRX_SYMBOLS));
    return Math.exp(-distance / 1.5) + 1e-4;
  });
  const weights = builder.initializer("time", float32Tensor(near, [DEEPRX_SYMBOLS, DEEPRX_SYMBOLS]));
  const carried = add("MatMul", weights, add("Mul", grid, pilots));
  const weight = add("MatMul", weights, pilots);
  // Each symbol's weights to mean 1 over its subcarriers, so that the filters' quotients do not depend on the distance to a pilot.
  const mean = builder.add("ReduceMean", [weight, builder.constant(int64Tensor([3]))], { keepdims: int(1) });
  const scale = add("Div", number(1), add("Add", mean, number(1e-6)));
  const filters = PILOT_FILTER_WIDTHS.length;
  const bells = PILOT_FILTER_WIDTHS.flatMap((width) => bell(PILOT_FILTER_TAPS, width));
  const kernel = builder.initializer(
    "pilots.filters",
    float32Tensor(bells, [filters, 1, 1, PILOT_FILTER_TAPS]),
  );
  const estimates = filtered(pieces, add("Mul", carried, scale), add("Mul", weight, scale), kernel);
  const channel = perPlane(pieces, add("Mul", estimates, number(1 / filters)), filters);
  return { channel, deviations: deviationsOf(pieces, estimates, channel, filters), filters };
}

/** The channel from soft decisions: received over decided, smoothed by a mixture of filters that is chosen for each element. */
function decidedEstimate(
  pieces: Pieces,
  name: string,
  size: DeeprxSize,
  active: ValueName,
  { gridRe, gridIm, pilots, data }: Record<"gridRe" | "gridIm" | "pilots" | "data", ValueName>,
): ChannelEstimate {
  const { builder, add, number, tile, convolution, random } = pieces;
  const { channels, filters, filterTaps } = size;
  const decision = (part: string) => convolution(`${name}.${part}`, active, channels, 1, [1, 1], 0.1);
  const unknown = add("Sub", number(1), pilots);
  const re = add("Add", add("Mul", decision("real"), unknown), pilots);
  const im = add("Mul", decision("imaginary"), unknown);
  const sure = add("Sigmoid", convolution(`${name}.reliability`, active, channels, 1, [1, 1], 0.01));
  const weight = add("Add", add("Mul", sure, data), pilots);
  const [weightedRe, weightedIm] = [add("Mul", re, weight), add("Mul", im, weight)];
  const products = add.joined(
    add("Add", add("Mul", gridRe, weightedRe), add("Mul", gridIm, weightedIm)),
    add("Sub", add("Mul", gridIm, weightedRe), add("Mul", gridRe, weightedIm)),
  );
  const energy = add("Add", add("Mul", re, weightedRe), add("Mul", im, weightedIm));
  const bells = Array.from({ length: filters }, () => {
    const pick = (values: readonly number[]) => values[random.integer(values.length)]!;
    const overTime = bell(filterTaps[0], pick([0.4, 0.8, 1.6]), pick([0, 0, 0, -1, 1]));
    const overFrequency = bell(filterTaps[1], pick([0.6, 1.5, 3]));
    return overTime.flatMap((a) => overFrequency.map((b) => a * b));
  });
  const kernel = builder.initializer(
    `${name}.filters`,
    float32Tensor(bells.flat(), [filters, 1, ...filterTaps]),
  );
  const estimates = filtered(pieces, products, energy, kernel);
  const choice = builder.add(
    "Softmax",
    [convolution(`${name}.choice`, active, channels, filters, [1, 1], 0.01)],
    { axis: int(1) },
  );
  const channel = perPlane(pieces, add("Mul", estimates, tile(choice, GRID_PLANES)), filters);
  return { channel, deviations: deviationsOf(pieces, estimates, channel, filters), filters };
}

/** Soft bits of max-log for QPSK and 16-QAM, scaled and corrected by what the blocks found. */
function softBits(
  { add, number, convolution }: Pieces,
  active: ValueName,
  channels: number,
  symbol: { readonly re: ValueName; readonly im: ValueName },
  power: ValueName,
  isHigher: ValueName,
): ValueName {
  const precision = add("Softplus", convolution("precision", active, channels, 1, [1, 1], 0.01, 3));
  // Half the distance of neighbouring points: of QPSK, and what 16-QAM's is less.
  const half = add(
    "Add",
    number(Math.SQRT1_2),
    add("Mul", isHigher, number(1 / Math.sqrt(10) - Math.SQRT1_2)),
  );
  const unit = add("Mul", number(4), add("Mul", half, add("Mul", power, precision)));
  const inner = add("Mul", unit, isHigher);
  const folded = (part: ValueName) =>
    add("Mul", inner, add("Sub", add("Mul", number(2), half), add("Abs", part)));
  const maxLog = add.joined(
    add("Mul", unit, symbol.re),
    add("Mul", unit, symbol.im),
    folded(symbol.re),
    folded(symbol.im),
  );
  const factors = convolution("factors", active, channels, DEEPRX_BITS, [1, 1], 0.01, 1);
  const corrections = convolution("corrections", active, channels, DEEPRX_BITS, [1, 1], 0.01);
  return add("Add", add("Mul", maxLog, factors), corrections);
}

/** x + scale · convolution(relu(convolution(relu(x)))): the scale, one a channel, is small at first. */
function residualBlock(
  { builder, add, convolution }: Pieces,
  name: string,
  state: ValueName,
  channels: number,
  dilation: readonly [number, number],
): ValueName {
  const deviation = Math.sqrt(2 / (9 * channels));
  const first = convolution(
    `${name}.first`,
    add("Relu", state),
    channels,
    channels,
    [3, 3],
    deviation,
    0,
    dilation,
  );
  const second = convolution(
    `${name}.second`,
    add("Relu", first),
    channels,
    channels,
    [3, 3],
    deviation,
    0,
    dilation,
  );
  const scale = builder.initializer(
    `${name}.scale`,
    float32Tensor(new Float32Array(channels).fill(0.1), [1, channels, 1, 1]),
  );
  return add("Add", state, add("Mul", second, scale));
}

/**
 * Quotients of smoothed products and smoothed energies, `[plane · filters + filter]`, for each plane of "grid".
 * @param kernel `[filter][1][symbol][subcarrier]`
 */
function filtered(pieces: Pieces, products: ValueName, energies: ValueName, kernel: ValueName): ValueName {
  const { builder, add, number, tile, padding } = pieces;
  const taps = builder.typeOf(kernel).shape.slice(2) as [number, number];
  const all = builder.add("Concat", Array<ValueName>(GRID_PLANES).fill(kernel), { axis: int(0) });
  const smooth = (value: ValueName, weight: ValueName, group: number) =>
    builder.add("Conv", [value, weight], { group: int(group), pads: padding(taps, [1, 1]) });
  const weights = add("Add", add("Abs", smooth(energies, kernel, 1)), number(LEAST_WEIGHT));
  return add("Div", smooth(products, all, GRID_PLANES), tile(weights, GRID_PLANES));
}

/** The sum over the filters of `[plane · filters + filter]`, a plane each. */
function perPlane({ builder }: Pieces, value: ValueName, filters: number): ValueName {
  const ones = builder.constant(
    float32Tensor(new Float32Array(GRID_PLANES * filters).fill(1), [GRID_PLANES, filters, 1, 1]),
  );
  return builder.add("Conv", [value, ones], { group: int(GRID_PLANES) });
}

/** Of each filter, the energy of its estimates' difference from the channel. */
function deviationsOf(pieces: Pieces, estimates: ValueName, channel: ValueName, filters: number): ValueName {
  const { builder, add } = pieces;
  const count = GRID_PLANES * filters;
  const ones = builder.constant(float32Tensor(new Float32Array(count).fill(1), [count, 1, 1, 1]));
  const repeated = builder.add("Conv", [channel, ones], { group: int(GRID_PLANES) });
  const difference = add("Sub", estimates, repeated);
  const select = Float32Array.from({ length: filters * count }, (_, at) =>
    at % filters === Math.floor(at / count) ? 1 : 0,
  );
  return builder.add("Conv", [
    add("Mul", difference, difference),
    builder.constant(float32Tensor(select, [filters, count, 1, 1])),
  ]);
}

/** x / (1 + |x| / 4): what a symbol's part is, but not much beyond the constellation. */
function compressed({ add, number }: Pieces, value: ValueName): ValueName {
  return add("Div", value, add("Add", number(1), add("Mul", add("Abs", value), number(0.25))));
}

/** The square root, of finite slope at 0. */
function root({ add, number }: Pieces, value: ValueName): ValueName {
  return add("Sqrt", add("Add", value, number(1e-3)));
}

/** Samples of a bell curve, of sum 1. */
function bell(taps: number, width: number, centre = 0): number[] {
  const values = Array.from({ length: taps }, (_, tap) => {
    const distance = (tap - (taps - 1) / 2 - centre) / width;
    return Math.exp(-(distance ** 2) / 2);
  });
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

/** What the network is put together from. */
interface Pieces {
  readonly builder: NetworkBuilder;
  readonly random: Random;
  readonly add: ((operator: string, ...inputs: ValueName[]) => ValueName) & {
    /** Planes behind one another. */
    joined(...values: ValueName[]): ValueName;
  };
  number(value: number): ValueName;
  /** Planes in groups of these sizes. */
  split(value: ValueName, sizes: readonly number[]): ValueName[];
  /** Over the planes. */
  sum(value: ValueName): ValueName;
  /** All planes, so many times. */
  tile(value: ValueName, times: number): ValueName;
  /** Of an odd number of taps, so that sizes stay. */
  padding(taps: readonly [number, number], dilation: readonly [number, number]): Attribute;
  /** With weights of normal distribution, He's deviation unless given, and a bias. */
  convolution(
    name: string,
    value: ValueName,
    from: number,
    to: number,
    taps: readonly [number, number],
    deviation?: number,
    bias?: number,
    dilation?: readonly [number, number],
  ): ValueName;
}

function piecesOf(builder: NetworkBuilder, random: Random): Pieces {
  const numbers = new Map<number, ValueName>();
  const add = (operator: string, ...inputs: ValueName[]) => builder.add(operator, inputs);
  const joined = (...values: ValueName[]) =>
    values.length === 1 ? values[0]! : builder.add("Concat", values, { axis: int(1) });
  const padding: Pieces["padding"] = (taps, dilation) => {
    const sides = taps.map((count, axis) => (dilation[axis]! * (count - 1)) / 2);
    return ints([...sides, ...sides]);
  };
  return {
    builder,
    random,
    add: Object.assign(add, { joined }),
    number(value) {
      const known = numbers.get(value) ?? builder.constant(value);
      numbers.set(value, known);
      return known;
    },
    split: (value, sizes) =>
      builder.addMany("Split", [value, builder.constant(int64Tensor(sizes))], sizes.length, { axis: int(1) }),
    sum: (value) =>
      builder.add("ReduceSum", [value, builder.constant(int64Tensor([1]))], { keepdims: int(1) }),
    tile: (value, times) => joined(...Array<ValueName>(times).fill(value)),
    padding,
    convolution(name, value, from, to, taps, deviation, bias = 0, dilation = [1, 1]) {
      const scale = deviation ?? Math.sqrt(2 / (from * taps[0] * taps[1]));
      const weights = Float32Array.from(
        { length: to * from * taps[0] * taps[1] },
        () => scale * random.gaussian(),
      );
      return builder.add(
        "Conv",
        [
          value,
          builder.initializer(`${name}.weight`, float32Tensor(weights, [to, from, ...taps])),
          builder.initializer(`${name}.bias`, float32Tensor(new Float32Array(to).fill(bias))),
        ],
        { pads: padding(taps, dilation), dilations: ints(dilation) },
      );
    },
  };
}
