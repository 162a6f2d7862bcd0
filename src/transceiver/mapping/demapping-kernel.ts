import {
  argument,
  arith,
  type Buffer,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  math,
  scf,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import type { ModulationOrder } from "../pusch/mcs.js";
import { type AxisLlr, greater, HALF_DISTANCE, lesser, type SquareOrder } from "./axis-llr.js";
import { LLR_SCALE } from "./llr-scale.js";
import { logMap } from "./log-map.js";
import { maxLog, scaledMaxLog } from "./max-log.js";
import { interleaveStreams, negateWhere } from "./stream-interleave.js";

/** Resource elements of a layer that one round takes: their soft bits begin and end at whole bytes of the sequence. */
export const ROUND = 8;

/** Noise variances below it count as it: soft bits are at their limits long before. */
export const SMALLEST_NOISE = 1e-12;

/** Amplitudes from here on are no reception. */
const LARGEST_AMPLITUDE = 1e18;

/** How the soft bits of an axis are computed, by name. */
const axisLlrs = {
  "max-log": maxLog,
  "scaled-max-log": scaledMaxLog,
  "log-map": logMap,
} as const satisfies Readonly<Record<string, AxisLlr>>;

export type DemappingMethod = keyof typeof axisLlrs;

export const demappingMethods = Object.keys(axisLlrs) as readonly DemappingMethod[];

/** What the demapping of one transmission is specialized on. */
export interface DemappingShape {
  readonly method: DemappingMethod;
  readonly modulationOrder: ModulationOrder;
  readonly layers: number;
  /** f32 lanes of the target's vectors: a power of two from 4 to 16. */
  readonly lanes?: number;
}

/** f32 lanes to compute with, or more where the target has them: what does not depend on each other stands side by side. */
const LANES: Readonly<Record<DemappingMethod, number>> = {
  "max-log": 16,
  "scaled-max-log": 16,
  // Its many terms fill the registers twice over already with half as many.
  "log-map": 8,
};

/** f32 lanes of the vectors from which on soft bits are joined to words by {@link joinedStreams}. */
const JOINING_LANES = 16;

/** Numbers of the kernel's workspace. */
export function workspaceLength(modulationOrder: ModulationOrder, layers: number): number {
  return ROUND * modulationOrder * layers;
}

/** The buffers and arguments that every demapping kernel takes. */
function demappingOperands(order: ModulationOrder, layers: number) {
  const most = 2 ** 24;
  return {
    symbols: buffer("f32", 2 * layers * most),
    noise: buffer("f32", layers * most),
    sequence: buffer("i8", (layers * most * order) / 8),
    llrs: buffer("i8", layers * most * order),
    workspace: buffer("f32", workspaceLength(order, layers)),
    rounds: argument("index"),
    layerStride: argument("index"),
  };
}

type Operands = {
  readonly [N in "symbols" | "noise" | "sequence" | "llrs" | "workspace"]: Buffer;
} & { readonly [N in "rounds" | "layerStride"]: Value };

/**
 * Soft bits of `8·rounds` resource elements of each layer: layer demapping, demapping, quantization, descrambling.
 *
 * Arguments: `symbols` and `noise` at the first element of the first layer, whose layers stand `layerStride` elements
 * apart; `sequence`, the scrambling sequence, lowest bit first, from the first soft bit; `llrs`; a workspace. It may
 * read 7 elements past those of the last layer.
 */
export const demappingKernel = kernelBuilder(
  import.meta.url,
  "demappingKernel",
  (shape: DemappingShape): Kernel => {
    const { method, modulationOrder: order, layers, lanes = 4 } = shape;
    const name = `demapping_${method.replaceAll("-", "_")}_qm${order}_l${layers}_v${lanes}`;
    return kernel(name, demappingOperands(order, layers), (operands) => {
      demappingRounds(order, layers, lanes, operands, (start) => {
        if (order === 1) quarterTurnedLlrs(layers, operands, start);
        else {
          const wide = Math.max(LANES[method], lanes);
          squareLlrs({ modulationOrder: order, layers }, axisLlrs[method], wide, operands, start);
        }
      });
    });
  },
);

/** What the demapping of one transmission by an axis demapper of its own is specialized on. */
export interface AxisDemappingShape {
  readonly modulationOrder: SquareOrder;
  readonly layers: number;
  /** f32 lanes of the target's vectors. */
  readonly lanes: number;
  /** f32 lanes to compute with: a power of two from 4 to 16. */
  readonly wideLanes: number;
}

/**
 * A kernel like {@link demappingKernel} with another axis demapper, which may read f32 buffers of its own: these come behind
 * the other arguments.
 * @param lengths numbers in each such buffer.
 */
export function axisDemapping<N extends string>(
  name: string,
  { modulationOrder: order, layers, lanes, wideLanes }: AxisDemappingShape,
  lengths: Readonly<Record<N, number>>,
  axisLlr: (buffers: Readonly<Record<N, Buffer>>) => AxisLlr,
): Kernel {
  const own = Object.fromEntries(
    Object.entries<number>(lengths).map(([buffers, length]) => [buffers, buffer("f32", length)]),
  );
  return kernel(name, { ...demappingOperands(order, layers), ...own }, (given) => {
    const operands = given as unknown as Operands & Readonly<Record<N, Buffer>>;
    demappingRounds(order, layers, lanes, operands, (start) => {
      squareLlrs({ modulationOrder: order, layers }, axisLlr(operands), wideLanes, operands, start);
    });
  });
}

/** Rounds: `llrsOfRound` puts soft bits into the workspace, which are quantized, ordered and descrambled. */
function demappingRounds(
  order: ModulationOrder,
  layers: number,
  lanes: number,
  { sequence, llrs, workspace, rounds }: Operands,
  llrsOfRound: (start: Value) => void,
): void {
  scf.for(0, rounds, 1, (round) => {
    llrsOfRound(arith.muli(round, ROUND));
    let written = 0;
    const joins = lanes >= JOINING_LANES && order > 1 && (layers * order) % 8 === 0;
    const streams = joins ? joinedStreams : quantizedStreams;
    for (const stream of interleaveStreams(streams(workspace, order, layers))) {
      const bytes = vector.bitcast(stream, "i8");
      const at = (unit: number) => arith.addi(arith.muli(round, layers * order * unit), written / (8 / unit));
      const bits = vector.load(sequence, at(1), bytes.type.lanes / 8);
      vector.store(negateWhere(bytes, bits), llrs, at(8));
      written += bytes.type.lanes;
    }
  });
}

/**
 * Soft bits of a round of square constellations, to `[layer][bit of an axis][element and axis]`. Both axes are alike,
 * so real and imaginary parts stay side by side. A rolled loop, since the code of all layers side by side would not
 * fit the nearest cache.
 */
function squareLlrs(
  { modulationOrder: order, layers }: { readonly modulationOrder: SquareOrder; readonly layers: number },
  axisLlr: AxisLlr,
  lanes: number,
  { symbols, noise, workspace, layerStride }: Operands,
  start: Value,
): void {
  const distance = HALF_DISTANCE[order];
  scf.for(0, layers, 1, (layer) => {
    const first = arith.addi(start, arith.muli(layer, layerStride));
    const row = arith.muli(layer, ROUND * order);
    scf.for(0, ROUND, lanes / 2, (element) => {
      const at = arith.addi(first, element);
      const inverse = inverseNoise(vector.load(noise, at, lanes / 2), 4 * distance * distance * LLR_SCALE);
      const received = vector.load(symbols, arith.muli(at, 2), lanes);
      const usable = usableMask(received);
      const t = arith.mulf(where(usable, received), 1 / distance);
      const unit = where(usable, vector.interleave(inverse, inverse));
      const column = arith.addi(row, arith.muli(element, 2));
      axisLlr(t, unit, order).forEach((llr, bit) => {
        vector.store(llr, workspace, arith.addi(column, 2 * ROUND * bit));
      });
    });
  });
}

/**
 * Soft bits of a round of π/2-BPSK, to `[layer][element]`: from the sum of both axes, elements with an odd index in
 * the codeword being turned by a quarter (TS 38.211 5.1.1).
 */
function quarterTurnedLlrs(
  layers: number,
  { symbols, noise, workspace, layerStride }: Operands,
  start: Value,
): void {
  for (let layer = 0; layer < layers; layer++) {
    const first = arith.addi(start, arith.muli(layerStride, layer));
    const inverse = inverseNoise(vector.load(noise, first, ROUND), 2 * Math.SQRT2 * LLR_SCALE);
    const [re, im] = vector.deinterleave(vector.load(symbols, arith.muli(first, 2), 2 * ROUND));
    const signs = Array.from({ length: ROUND }, (_, index) => ((index * layers + layer) % 2 === 0 ? 1 : -1));
    const sum = arith.addf(arith.mulf(re, arith.constant(vectorOf("f32", ROUND), signs)), im);
    const usable = usableMask(sum);
    vector.store(arith.mulf(where(usable, sum), where(usable, inverse)), workspace, layer * ROUND);
  }
}

/** The workspace's soft bits in int8, as streams of whose elements each resource element takes one in turn. */
function quantizedStreams(workspace: Buffer, order: ModulationOrder, layers: number): Value[] {
  if (order === 1)
    return Array.from({ length: layers }, (_, layer) =>
      quantize(vector.load(workspace, layer * ROUND, ROUND)),
    );
  return Array.from({ length: (layers * order) / 2 }, (_, row) =>
    vector.bitcast(quantize(vector.load(workspace, row * 2 * ROUND, 2 * ROUND)), "i16"),
  );
}

/**
 * The same of rows in multiples of four, as streams of i64, in fewer instructions where a vector holds a row: each four
 * rows are joined to words by shifts, and bytes exchanged only within an element.
 */
function joinedStreams(workspace: Buffer, order: ModulationOrder, layers: number): Value[] {
  return Array.from({ length: (layers * order) / 8 }, (_, group) => {
    const [a, b, c, d] = [0, 1, 2, 3].map((row) =>
      quantizedWords(vector.load(workspace, (4 * group + row) * 2 * ROUND, 2 * ROUND)),
    ) as [Value, Value, Value, Value];
    const joined = join(join(a, b, 8), join(c, d, 8), 16);
    const bytes = vector.bitcast(joined, "i8");
    // An element's words are those of its axes, which take turns bit by bit.
    const turns = Array.from({ length: 8 * ROUND }, (_, at) => (at & ~7) + 4 * (at & 1) + ((at >> 1) & 3));
    return vector.bitcast(vector.shuffle(bytes, bytes, turns), "i64");
  });
}

/** The lowest bits of one number each, and above them those of another. */
function join(low: Value, high: Value, bits: number): Value {
  return arith.ori(arith.andi(low, 2 ** bits - 1), arith.shli(high, bits));
}

/** `factor/N0`; 0 where the variance is negative, infinite or not a number. */
function inverseNoise(noise: Value, factor: number): Value {
  const floor = greater(noise, SMALLEST_NOISE);
  const inverse = arith.divf(arith.constant(noise.type, factor), floor);
  return where(arith.cmpf("oge", noise, 0), inverse);
}

function usableMask(received: Value): Value {
  return arith.cmpf("olt", math.absf(received), LARGEST_AMPLITUDE);
}

/** The numbers where the mask is set, 0 elsewhere. */
function where(mask: Value, value: Value): Value {
  return arith.bitcast(arith.andi(arith.bitcast(value, "i32"), arith.extsi(mask, "i32")), "f32");
}

/** Rounds numbers to the nearest int8 within ±127, halves to even. */
export function quantize(llrs: Value): Value {
  const numbers = arith.subi(quantizedWords(llrs), 0x4b400000);
  const words = arith.trunci(arith.minsi(arith.maxsi(numbers, -32768), 32767), "i16");
  return arith.trunci(arith.minsi(arith.maxsi(words, -128), 127), "i8");
}

/** The int8 of {@link quantize} in the lowest bytes of i32; nothing of use in the others. */
function quantizedWords(llrs: Value): Value {
  // Adding 1.5·2^23 leaves the nearest whole number in the lowest bits.
  const magic = 12582912;
  const limited = greater(lesser(llrs, 127), -127);
  return arith.bitcast(arith.addf(limited, magic), "i32");
}
