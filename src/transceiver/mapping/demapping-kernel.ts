import {
  argument,
  arith,
  type Buffer,
  buffer,
  type Kernel,
  kernel,
  math,
  scf,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import type { ModulationOrder } from "../pusch/mcs.js";
import { type AxisLlr, greater, HALF_DISTANCE, lesser, type SquareOrder } from "./axis-llr.js";
import { LLR_SCALE } from "./llr-scale.js";
import { interleaveStreams, negateWhere } from "./stream-interleave.js";

/** Resource elements of a layer that one round takes: their soft bits begin and end at whole bytes of the sequence. */
export const ROUND = 8;

/** Noise variances below it count as it: soft bits are at their limits long before. */
export const SMALLEST_NOISE = 1e-12;

/** Amplitudes from here on are no reception. */
export const LARGEST_AMPLITUDE = 1e18;

/** What the demapping of one transmission is specialized on. */
export interface DemappingShape {
  /** Names the axis function in the kernel's name. */
  readonly method: string;
  readonly axisLlr: AxisLlr;
  readonly modulationOrder: ModulationOrder;
  readonly layers: number;
  /** f32 lanes of a vector: a power of two from 4 to 16. */
  readonly lanes?: number;
}

/**
 * Soft bits of `8·rounds` resource elements of each layer: layer demapping, demapping, quantization, descrambling.
 *
 * Arguments: `symbols` and `noise` at the first element of the first layer, whose layers stand `layerStride` elements
 * apart; `sequence`, the scrambling sequence, lowest bit first, from the first soft bit; `llrs`. It may read 7 elements
 * past those of the last layer.
 */
export function demappingKernel(shape: DemappingShape): Kernel {
  const { method, modulationOrder, layers, lanes = 4 } = shape;
  const name = `demapping_${method.replaceAll("-", "_")}_qm${modulationOrder}_l${layers}_v${lanes}`;
  const most = 2 ** 24;
  return kernel(
    name,
    {
      symbols: buffer("f32", 2 * layers * most),
      noise: buffer("f32", layers * most),
      sequence: buffer("i8", (layers * most * modulationOrder) / 8),
      llrs: buffer("i8", layers * most * modulationOrder),
      rounds: argument("index"),
      layerStride: argument("index"),
    },
    ({ symbols, noise, sequence, llrs, rounds, layerStride }) => {
      const bytesPerRound = layers * modulationOrder;
      scf.for(0, rounds, 1, (round) => {
        const streams = Array.from({ length: layers }, (_, layer) => {
          const start = arith.addi(arith.muli(round, ROUND), arith.muli(layerStride, layer));
          return layerStreams(shape, lanes, symbols, noise, start, layer);
        }).flat();
        let written = 0;
        for (const stream of interleaveStreams(streams)) {
          const bytes = vector.bitcast(stream, "i8");
          const at = (unit: number) =>
            arith.addi(arith.muli(round, bytesPerRound * unit), written / (8 / unit));
          const bits = vector.load(sequence, at(1), bytes.type.lanes / 8);
          vector.store(negateWhere(bytes, bits), llrs, at(8));
          written += bytes.type.lanes;
        }
      });
    },
  );
}

/** Soft bits of a round of one layer, as streams of whose elements each resource element takes one in turn. */
function layerStreams(
  shape: DemappingShape,
  lanes: number,
  symbols: Buffer,
  noise: Buffer,
  start: Value,
  layer: number,
): Value[] {
  const { modulationOrder: order, layers } = shape;
  const distance = order === 1 ? Math.SQRT1_2 : HALF_DISTANCE[order];
  const inverse = inverseNoise(vector.load(noise, start, ROUND), 4 * distance * distance * LLR_SCALE);
  const first = arith.muli(start, 2);
  if (order === 1) {
    const t = quarterTurned(vector.load(symbols, first, 2 * ROUND), layer, layers);
    const usable = usableMask(t);
    return [quantize([arith.mulf(where(usable, t), where(usable, inverse))])];
  }
  const units = vector.interleave(inverse, inverse);
  const chunks = Array.from({ length: (2 * ROUND) / lanes }, (_, chunk) => {
    const received = vector.load(symbols, arith.addi(first, chunk * lanes), lanes);
    const usable = usableMask(received);
    const t = arith.mulf(where(usable, received), 1 / distance);
    return shape.axisLlr(t, where(usable, part(units, chunk, lanes)), order as SquareOrder);
  });
  return Array.from({ length: order / 2 }, (_, bit) =>
    vector.bitcast(quantize(chunks.map((bits) => bits[bit]!)), "i16"),
  );
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

/**
 * Sum of both axes of π/2-BPSK, in units of its amplitude on one: elements with an odd index in the codeword are
 * turned by a quarter (TS 38.211 5.1.1).
 */
function quarterTurned(symbols: Value, layer: number, layers: number): Value {
  const [re, im] = vector.deinterleave(part(symbols, 0, ROUND), part(symbols, 1, ROUND));
  const signs = Array.from({ length: ROUND }, (_, index) => ((index * layers + layer) % 2 === 0 ? 1 : -1));
  const sum = arith.addf(arith.mulf(re, arith.constant(vectorOf("f32", ROUND), signs)), im);
  return arith.mulf(sum, Math.SQRT2);
}

function part(value: Value, index: number, lanes: number): Value {
  return vector.shuffle(
    value,
    value,
    Array.from({ length: lanes }, (_, lane) => index * lanes + lane),
  );
}

function limit(llr: Value): Value {
  return greater(lesser(llr, 127), -127);
}

/** Rounds numbers within ±127 to the nearest int8, halves to even. */
function quantize(parts: readonly Value[]): Value {
  // Adding 1.5·2^23 leaves the nearest whole number in the lowest bits.
  const magic = 12582912;
  let numbers = parts.map((value) => {
    const shifted = arith.bitcast(arith.addf(limit(value), magic), "i32");
    return arith.subi(shifted, 0x4b400000);
  });
  while (numbers.length > 1)
    numbers = numbers.flatMap((value, index) =>
      index % 2 === 0 ? [vector.concatenate(value, numbers[index + 1]!)] : [],
    );
  const words = arith.trunci(arith.minsi(arith.maxsi(numbers[0]!, -32768), 32767), "i16");
  return arith.trunci(arith.minsi(arith.maxsi(words, -128), 127), "i8");
}
