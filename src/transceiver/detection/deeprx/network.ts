import {
  type Attribute,
  int,
  ints,
  type OnnxModel,
  onnxModel,
  type ValueName,
} from "../../../neural/graph/graph.js";
import { float32Tensor, int64Tensor, type Tensor } from "../../../neural/graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../../../neural/network/builder.js";
import type { Random } from "../../../system/index.js";
import { DEEPRX_ANTENNAS, DEEPRX_BITS, DEEPRX_SYMBOLS, ELEMENT_PLANES, GRID_PLANES } from "./features.js";

/** How large the network is. */
export interface DeeprxSize {
  /** Channels of the residual blocks. */
  readonly channels: number;
  /** Taps over symbols and subcarriers of the filters that a stage chooses among when it estimates the channel anew. */
  readonly filterTaps: readonly [number, number];
  /** Estimates of the channel from decisions, one after the other. All but the first share their weights. */
  readonly iterations: number;
}

/**
 * The network that is trained and committed. With one DM-RS symbol at high Doppler, estimates become good outwards from it, about
 * one symbol further at each iteration: twelve reach the end of a slot.
 */
export const DEEPRX_SIZE: DeeprxSize = { channels: 24, filterTaps: [7, 7], iterations: 12 };

/** Filters over frequency that the pilots' first estimate is made of: bell-shaped, of these widths in subcarriers. */
const PILOT_FILTER_WIDTHS = [0.7, 1.5, 3, 6];
const CARRIED_FILTER_TAPS = 13;

/** Filters over decisions as they are at first: bell-shaped, by width and centre in symbols and width in subcarriers. */
const DECISION_FILTERS = [
  { width: 0.6, centre: 0, across: 2 },
  { width: 1.2, centre: 0, across: 3 },
  { width: 1.2, centre: -1.5, across: 2 },
  { width: 1.2, centre: 1.5, across: 2 },
] as const;

/** More filters over decisions, for channels that change little: over the slot by learned weights, as pilots are carried, and these widths in subcarriers. */
const WIDE_FILTER_WIDTHS = [1.5, 4];

/** Distances in symbols over which the weights of pilots and of wide filters fall by a factor of e at first. */
const PILOT_REACH = 1.5;
const WIDE_REACH = 6;

/** What keeps quotients finite where there is next to no channel or no weight, in units of the channel's mean power. */
const LEAST_POWER = 0.02;
const LEAST_WEIGHT = 0.01;

/** Largest part of a channel that decisions may tell, in units of its root mean square: what is wrong does not grow from stage to stage. */
const LARGEST_CHANNEL = 8;

/** Name of the value with the channels of all stages, in the planes of "grid", which training looks at. It is no output. */
export const CHANNELS_OF_STAGES = "channels";

/**
 * An untrained network: DeepRx with layers that multiply, as a receiver does. Inputs "grid" and "elements" as `features.ts`
 * writes them, output "llrs" `[batch][bit][symbol][subcarrier]`, natural logarithms, positive for 0.
 *
 * The pilots' least-squares estimates are carried over time by learned weights and smoothed over frequency. Each stage
 * then combines the antennas by the channel at hand; dense 3×3 convolutions with residuals look at the combined symbols
 * and at how well things fit; from them come soft decisions, what each is worth, and which of the stage's filters suits
 * each element. Received over decided, filtered so, is the channel for the next stage: from symbol to symbol further from the pilots.
 * The last stage's soft bits are those of max-log, scaled and corrected by its convolutions. Convolutions see symbols and
 * magnitudes only, no phase of the channel, and at the start the network is a receiver that decides and estimates in turn:
 * what it learns is what that one lacks.
 */
export function deeprxNetwork(random: Random, size: DeeprxSize = DEEPRX_SIZE): OnnxModel {
  const builder = networkBuilder("deeprx");
  const shape = (planes: number) => ["batch", planes, DEEPRX_SYMBOLS, "subcarrier"];
  const grid = builder.input("grid", "float32", shape(GRID_PLANES));
  const elements = builder.input("elements", "float32", shape(ELEMENT_PLANES));
  const { llrs, channels } = receiver(piecesOf(builder, random), size, grid, elements);
  builder.output(CHANNELS_OF_STAGES, channels, shape((size.iterations + 1) * GRID_PLANES));
  builder.output("llrs", llrs, shape(DEEPRX_BITS));
  const graph = builder.graph();
  return onnxModel({ ...graph, outputs: graph.outputs.filter(({ name }) => name === "llrs") });
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
  const { add, number, split, sum, convolution, parameter } = pieces;
  const [pilots, data, isHigher] = split(elements, [1, 1, 1]) as [ValueName, ValueName, ValueName];
  const [gridRe, gridIm] = split(grid, [DEEPRX_ANTENNAS, DEEPRX_ANTENNAS]) as [ValueName, ValueName];
  const energy = sum(add("Mul", grid, grid));
  const { channels, iterations } = size;
  // Half the distance of neighbouring points: of QPSK, and what 16-QAM's is less.
  const half = add(
    "Add",
    number(Math.SQRT1_2),
    add("Mul", isHigher, number(1 / Math.sqrt(10) - Math.SQRT1_2)),
  );
  const constellation: Constellation = { half, isHigher };
  let channel = pilotEstimate(pieces, grid, pilots);
  const channelsOfStages: ValueName[] = [];
  let state: ValueName | undefined;
  for (let stage = 0; ; stage++) {
    const name = stage === 0 ? "first" : stage < iterations ? "next" : "last";
    channelsOfStages.push(channel.channel);
    const [re, im] = split(channel.channel, [DEEPRX_ANTENNAS, DEEPRX_ANTENNAS]) as [ValueName, ValueName];
    const matched = {
      re: sum(add("Add", add("Mul", re, gridRe), add("Mul", im, gridIm))),
      im: sum(add("Sub", add("Mul", re, gridIm), add("Mul", im, gridRe))),
    };
    const power = sum(add("Mul", channel.channel, channel.channel));
    const inverse = add("Div", number(1), add("Add", power, number(LEAST_POWER)));
    const symbol = { re: add("Mul", matched.re, inverse), im: add("Mul", matched.im, inverse) };
    const matchedEnergy = add("Add", squared(pieces, matched.re), squared(pieces, matched.im));
    // What is received outside of the channel's direction is noise, or an error of the channel.
    const rest = add("Relu", add("Sub", energy, add("Mul", matchedEnergy, inverse)));
    const misfit = (part: ValueName) =>
      squared(pieces, add("Sub", part, decided(pieces, part, number(FIRST_SHARPNESS), constellation)));
    const seen = add.joined(
      compressed(pieces, symbol.re),
      compressed(pieces, symbol.im),
      root(pieces, power),
      root(pieces, rest),
      root(pieces, add("Add", misfit(symbol.re), misfit(symbol.im))),
      elements,
      root(pieces, add("Mul", channel.deviations, inverse)),
    );
    const taken = convolution(`${name}.in`, seen, 5 + ELEMENT_PLANES + channel.filters, channels, [3, 3]);
    state =
      state === undefined
        ? taken
        : add("Add", taken, add("Mul", state, parameter(`${name}.carried`, [1, channels, 1, 1], 0.5)));
    state = residualBlock(pieces, `${name}.block`, state, channels);
    const active = add("Relu", state);
    if (stage === iterations)
      return {
        llrs: softBits(pieces, active, channels, symbol, power, constellation),
        channels: add.joined(...channelsOfStages),
      };
    channel = decidedEstimate(pieces, name, size, active, symbol, constellation, {
      gridRe,
      gridIm,
      pilots,
      data,
    });
  }
}

/** The channel from the pilots: least squares, carried over time and smoothed. */
function pilotEstimate(pieces: Pieces, grid: ValueName, pilots: ValueName): ChannelEstimate {
  const { add, number } = pieces;
  const filters = PILOT_FILTER_WIDTHS.length;
  const estimates = carriedAndFiltered(pieces, "pilots", PILOT_REACH, PILOT_FILTER_WIDTHS, [
    add("Mul", grid, pilots),
    pilots,
  ]);
  const channel = perPlane(pieces, add("Mul", estimates, number(1 / filters)), filters);
  return { channel, deviations: deviationsOf(pieces, estimates, channel, filters), filters };
}

/** Quotients of products and energies, both carried over time by weights for each pair of symbols and smoothed over frequency. */
function carriedAndFiltered(
  pieces: Pieces,
  name: string,
  reach: number,
  widths: readonly number[],
  [products, energies]: readonly [ValueName, ValueName],
): ValueName {
  const { builder, add, number, parameter } = pieces;
  const near = Array.from({ length: DEEPRX_SYMBOLS ** 2 }, (_, index) => {
    const distance = Math.abs((index % DEEPRX_SYMBOLS) - Math.floor(index / DEEPRX_SYMBOLS));
    return Math.log(Math.exp(-distance / reach) + 1e-4);
  });
  // Logarithms are learned: where a single pilot is far, a weight of either sign would have the quotient explode.
  const weights = add("Exp", parameter(`${name}.time`, [DEEPRX_SYMBOLS, DEEPRX_SYMBOLS], near));
  const weight = add("MatMul", weights, energies);
  // Each symbol's weights to mean 1 over its subcarriers, so that the quotients do not depend on the distance to a pilot.
  const mean = builder.add("ReduceMean", [weight, builder.constant(int64Tensor([3]))], { keepdims: int(1) });
  const scale = add("Div", number(1), add("Add", mean, number(1e-6)));
  const bells = widths.flatMap((width) => bell(CARRIED_FILTER_TAPS, width));
  const kernel = parameter(`${name}.filters`, [widths.length, 1, 1, CARRIED_FILTER_TAPS], bells);
  const carried = add("Mul", add("MatMul", weights, products), scale);
  return filtered(pieces, carried, add("Mul", weight, scale), kernel);
}

/** A symbol as it was combined. */
interface Symbol {
  readonly re: ValueName;
  readonly im: ValueName;
}

/** What an element's points are. */
interface Constellation {
  readonly half: ValueName;
  /** 1 for 16-QAM. */
  readonly isHigher: ValueName;
}

/** The channel from soft decisions: received over decided, smoothed by a mixture of filters that is chosen for each element. */
function decidedEstimate(
  pieces: Pieces,
  name: string,
  { channels, filterTaps }: DeeprxSize,
  active: ValueName,
  symbol: Symbol,
  constellation: Constellation,
  { gridRe, gridIm, pilots, data }: Record<"gridRe" | "gridIm" | "pilots" | "data", ValueName>,
): ChannelEstimate {
  const { builder, add, number, split, tile, convolution, parameter } = pieces;
  const head = (part: string, bias = 0) =>
    convolution(`${name}.${part}`, active, channels, 1, [1, 1], 0.01, bias);
  const sharpness = add("Softplus", head("sharpness", FIRST_SHARPNESS));
  const decision = (part: "re" | "im") =>
    add("Add", decided(pieces, symbol[part], sharpness, constellation), head(`correction.${part}`));
  const unknown = add("Sub", number(1), pilots);
  const re = add("Add", add("Mul", decision("re"), unknown), pilots);
  const im = add("Mul", decision("im"), unknown);
  const weight = add("Add", add("Mul", add("Sigmoid", head("reliability")), data), pilots);
  const [weightedRe, weightedIm] = [add("Mul", re, weight), add("Mul", im, weight)];
  const products = add.joined(
    add("Add", add("Mul", gridRe, weightedRe), add("Mul", gridIm, weightedIm)),
    add("Sub", add("Mul", gridIm, weightedRe), add("Mul", gridRe, weightedIm)),
  );
  const energy = add("Add", add("Mul", re, weightedRe), add("Mul", im, weightedIm));
  const bells = DECISION_FILTERS.flatMap(({ width, centre, across }) => {
    const overFrequency = bell(filterTaps[1], across);
    return bell(filterTaps[0], width, centre).flatMap((a) => overFrequency.map((b) => a * b));
  });
  const [near, wide] = [DECISION_FILTERS.length, WIDE_FILTER_WIDTHS.length];
  const kernel = parameter(`${name}.filters`, [near, 1, ...filterTaps], bells);
  const estimates = [
    { values: filtered(pieces, products, energy, kernel), filters: near },
    {
      values: carriedAndFiltered(pieces, `${name}.wide`, WIDE_REACH, WIDE_FILTER_WIDTHS, [products, energy]),
      filters: wide,
    },
  ];
  const filters = near + wide;
  const choice = builder.add(
    "Softmax",
    [convolution(`${name}.choice`, active, channels, filters, [1, 1], 0.01)],
    { axis: int(1) },
  );
  const shares = split(choice, [near, wide]);
  const parts = estimates.map(({ values, filters: count }, index) =>
    perPlane(pieces, add("Mul", values, tile(shares[index]!, GRID_PLANES)), count),
  );
  const channel = add(
    "Clip",
    parts.reduce((sum, part) => add("Add", sum, part)),
    number(-LARGEST_CHANNEL),
    number(LARGEST_CHANNEL),
  );
  const deviations = estimates.map(({ values, filters: count }) =>
    deviationsOf(pieces, values, channel, count),
  );
  return { channel, deviations: add.joined(...deviations), filters };
}

/** Sharpness of decisions at first, and of those that say how far a symbol is from the constellation. */
const FIRST_SHARPNESS = 2;

/**
 * One part of a symbol, softly decided: steps of hyperbolic tangents between the points, which are at ±1 of QPSK and ±1, ±3
 * of 16-QAM in units of half their distance.
 */
function decided(
  { add, number }: Pieces,
  part: ValueName,
  sharpness: ValueName,
  { half, isHigher }: Constellation,
): ValueName {
  const amplitude = add("Div", part, half);
  const step = (at: number) => add("Tanh", add("Mul", sharpness, add("Add", amplitude, number(-at))));
  const outer = add("Mul", isHigher, add("Add", step(-2), step(2)));
  return add("Mul", half, add("Add", step(0), outer));
}

/** Soft bits of max-log for QPSK and 16-QAM, scaled and corrected by what the convolutions found. */
function softBits(
  { add, number, convolution }: Pieces,
  active: ValueName,
  channels: number,
  symbol: Symbol,
  power: ValueName,
  { half, isHigher }: Constellation,
): ValueName {
  const precision = add("Softplus", convolution("precision", active, channels, 1, [1, 1], 0.01, 3));
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
  { add, convolution, parameter }: Pieces,
  name: string,
  state: ValueName,
  channels: number,
): ValueName {
  const first = convolution(`${name}.first`, add("Relu", state), channels, channels, [3, 3]);
  const second = convolution(`${name}.second`, add("Relu", first), channels, channels, [3, 3]);
  return add("Add", state, add("Mul", second, parameter(`${name}.scale`, [1, channels, 1, 1], 0.1)));
}

/**
 * Quotients of smoothed products and smoothed energies, `[plane · filters + filter]`, for each plane of "grid".
 * @param kernel `[filter][1][symbol][subcarrier]`
 */
function filtered(pieces: Pieces, products: ValueName, energies: ValueName, kernel: ValueName): ValueName {
  const { builder, add, number, tile } = pieces;
  const pads = padding(builder.typeOf(kernel).shape.slice(2));
  const all = builder.add("Concat", Array<ValueName>(GRID_PLANES).fill(kernel), { axis: int(0) });
  const smooth = (value: ValueName, weight: ValueName, group: number) =>
    builder.add("Conv", [value, weight], { group: int(group), pads });
  const weights = add("Add", add("Abs", smooth(energies, kernel, 1)), number(LEAST_WEIGHT));
  return add("Div", smooth(products, all, GRID_PLANES), tile(weights, GRID_PLANES));
}

/** The sum over the filters of `[plane · filters + filter]`, a plane each. */
function perPlane({ builder, ones }: Pieces, value: ValueName, filters: number): ValueName {
  return builder.add("Conv", [value, ones([GRID_PLANES, filters, 1, 1])], { group: int(GRID_PLANES) });
}

/** Of each filter, the energy of its estimates' difference from the channel. */
function deviationsOf(
  { builder, add, ones }: Pieces,
  estimates: ValueName,
  channel: ValueName,
  filters: number,
): ValueName {
  const count = GRID_PLANES * filters;
  const repeated = builder.add("Conv", [channel, ones([count, 1, 1, 1])], { group: int(GRID_PLANES) });
  const difference = add("Sub", estimates, repeated);
  const select = Float32Array.from({ length: filters * count }, (_, at) =>
    at % filters === Math.floor(at / count) ? 1 : 0,
  );
  return builder.add("Conv", [
    add("Mul", difference, difference),
    builder.constant(float32Tensor(select, [filters, count, 1, 1])),
  ]);
}

function squared({ add }: Pieces, value: ValueName): ValueName {
  return add("Mul", value, value);
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

/** Of an odd number of taps, so that sizes stay. */
function padding(taps: readonly number[]): Attribute {
  const sides = taps.map((count) => (count - 1) / 2);
  return ints([...sides, ...sides]);
}

/** What the network is put together from. */
interface Pieces {
  readonly builder: NetworkBuilder;
  readonly add: ((operator: string, ...inputs: ValueName[]) => ValueName) & {
    /** Planes behind one another. */
    joined(...values: ValueName[]): ValueName;
  };
  number(value: number): ValueName;
  ones(shape: readonly number[]): ValueName;
  /** Planes in groups of these sizes. */
  split(value: ValueName, sizes: readonly number[]): ValueName[];
  /** Over the planes. */
  sum(value: ValueName): ValueName;
  /** All planes, so many times. */
  tile(value: ValueName, times: number): ValueName;
  /** The parameter of a name, which is made where it is first asked for. */
  parameter(name: string, shape: readonly number[], initial: number | readonly number[]): ValueName;
  /** Sizes stay. Weights are of normal distribution, of He's deviation unless given; what bears the same name shares them. */
  convolution(
    name: string,
    value: ValueName,
    from: number,
    to: number,
    taps: readonly [number, number],
    deviation?: number,
    bias?: number,
  ): ValueName;
}

function piecesOf(builder: NetworkBuilder, random: Random): Pieces {
  const constants = new Map<string, ValueName>();
  const parameters = new Set<ValueName>();
  const once = (key: string, make: () => ValueName): ValueName => {
    const known = constants.get(key) ?? make();
    constants.set(key, known);
    return known;
  };
  const filled = (shape: readonly number[], value: number) =>
    new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value);
  const add = (operator: string, ...inputs: ValueName[]) => builder.add(operator, inputs);
  const joined = (...values: ValueName[]) =>
    values.length === 1 ? values[0]! : builder.add("Concat", values, { axis: int(1) });
  const made = (name: ValueName, make: () => Tensor): ValueName => {
    if (parameters.has(name)) return name;
    parameters.add(name);
    return builder.initializer(name, make());
  };
  const parameter: Pieces["parameter"] = (name, shape, initial) =>
    made(name, () => float32Tensor(typeof initial === "number" ? filled(shape, initial) : initial, shape));
  return {
    builder,
    add: Object.assign(add, { joined }),
    number: (value) => once(`${value}`, () => builder.constant(value)),
    ones: (shape) => once(shape.join(), () => builder.constant(float32Tensor(filled(shape, 1), shape))),
    split: (value, sizes) =>
      builder.addMany("Split", [value, builder.constant(int64Tensor(sizes))], sizes.length, { axis: int(1) }),
    sum: (value) =>
      builder.add("ReduceSum", [value, builder.constant(int64Tensor([1]))], { keepdims: int(1) }),
    tile: (value, times) => joined(...Array<ValueName>(times).fill(value)),
    parameter,
    convolution(name, value, from, to, taps, deviation, bias = 0) {
      const shape = [to, from, ...taps];
      const scale = deviation ?? Math.sqrt(2 / (from * taps[0] * taps[1]));
      const weights = made(`${name}.weight`, () =>
        float32Tensor(
          filled(shape, 0).map(() => scale * random.gaussian()),
          shape,
        ),
      );
      return builder.add("Conv", [value, weights, parameter(`${name}.bias`, [to], bias)], {
        pads: padding(taps),
      });
    },
  };
}
