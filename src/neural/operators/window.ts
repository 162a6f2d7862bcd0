import { InputError } from "../../errors.js";
import type { GraphNode } from "../graph/graph.js";
import { attribute } from "./arguments.js";

/**
 * How a kernel slides over the spatial axes: what convolutions and poolings have in common. Each list has a number for
 * each spatial axis. Tap `k` of the kernel at output `o` stands on input `o * stride + k * dilation - begin`.
 */
export interface Window {
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before the input. */
  readonly begins: readonly number[];
  /** Padding behind the input. */
  readonly ends: readonly number[];
}

/** What lies beyond is a mistake or an attack; products of two such numbers are exact. */
const LARGEST = 2 ** 26;

/**
 * A list attribute with an integer for each spatial axis.
 * @throws InputError for another length, and for numbers below `least` or beyond sense.
 */
export function spatialAttribute(
  node: GraphNode,
  name: string,
  count: number,
  least: number,
  fallback: readonly number[],
): readonly number[] {
  const given = attribute(node, name, "ints", fallback);
  const isValid = given.every((one) => Number.isInteger(one) && one >= least && one <= LARGEST);
  if (given.length !== count || !isValid)
    throw new InputError(
      `attribute ${name} of node ${node.name}`,
      given,
      `give ${count} integers from ${least} to ${LARGEST}`,
    );
  return given;
}

const autoPads = ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"];

/** The node's auto_pad. @throws InputError where it is none of ONNX's. */
export function autoPad(node: GraphNode): string {
  const given = attribute(node, "auto_pad", "string", "NOTSET");
  if (!autoPads.includes(given))
    throw new InputError(
      `attribute auto_pad of node ${node.name}`,
      given,
      `give one of ${autoPads.join(", ")}`,
    );
  return given;
}

/** Padding to a total, its odd one before or behind the input. */
export function splitPadding(total: number, isLower: boolean): readonly [number, number] {
  const less = Math.floor(total / 2);
  return isLower ? [total - less, less] : [less, total - less];
}

/**
 * The window of a convolution or pooling from the node's strides, dilations, pads, auto_pad and ceil_mode.
 * @throws InputError where they are no such numbers, or where the kernel is larger than the padded input.
 */
export function slidingWindow(node: GraphNode, input: readonly number[], kernel: readonly number[]): Window {
  const rank = input.length;
  const ones = new Array<number>(rank).fill(1);
  const strides = spatialAttribute(node, "strides", rank, 1, ones);
  const dilations = spatialAttribute(node, "dilations", rank, 1, ones);
  const pads = spatialAttribute(node, "pads", 2 * rank, 0, new Array<number>(2 * rank).fill(0));
  const kind = autoPad(node);
  const roundsUp = attribute(node, "ceil_mode", "int", 0) !== 0;
  const [begins, ends, output]: [number[], number[], number[]] = [[], [], []];
  input.forEach((size, axis) => {
    const stride = strides[axis]!;
    const extent = (kernel[axis]! - 1) * dilations[axis]! + 1;
    let [begin, end] = kind === "NOTSET" ? [pads[axis]!, pads[axis + rank]!] : [0, 0];
    if (kind.startsWith("SAME")) {
      const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size);
      [begin, end] = splitPadding(total, kind === "SAME_LOWER");
    }
    const room = size + begin + end - extent;
    if (room < 0)
      throw new InputError(
        `kernel of node ${node.name}`,
        `${extent} along spatial axis ${axis}`,
        `give one of at most ${size + begin + end}, the padded input`,
      );
    let count = (roundsUp ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    // A window that begins behind the input and its first padding would see nothing.
    if (roundsUp && (count - 1) * stride >= size + begin) count--;
    begins.push(begin);
    ends.push(end);
    output.push(count);
  });
  return { input, output, kernel, strides, dilations, begins, ends };
}

/** Where one tap of a kernel meets the input: pairs of positions among all spatial positions, in row-major order. */
export interface Tap {
  /** Number of the tap among the kernel's, in row-major order. */
  readonly tap: number;
  readonly input: Int32Array;
  readonly output: Int32Array;
}

/** The taps of the window that meet the input, one after another; pairs in the padding are left out. */
export function windowTaps(window: Window): Iterable<Tap> {
  let partial: Iterable<Tap> = [{ tap: 0, input: Int32Array.of(0), output: Int32Array.of(0) }];
  window.kernel.forEach((_, axis) => {
    partial = withAxis(window, axis, partial);
  });
  return partial;
}

/** The taps along one axis, those that meet padding only left out: a file may say millions of them. */
function axisTaps({ input, output, kernel, strides, dilations, begins }: Window, axis: number): Tap[] {
  const [size, stride, dilation, begin] = [input[axis]!, strides[axis]!, dilations[axis]!, begins[axis]!];
  const taps: Tap[] = [];
  const last = Math.min(kernel[axis]! - 1, Math.floor((size - 1 + begin) / dilation));
  const reach = begin - (output[axis]! - 1) * stride;
  for (let tap = Math.max(0, Math.ceil(reach / dilation)); tap <= last; tap++) {
    const offset = tap * dilation - begin;
    const first = Math.max(0, Math.ceil(-offset / stride));
    const end = Math.min(output[axis]!, Math.floor((size - 1 - offset) / stride) + 1);
    if (end <= first) continue;
    const places = Int32Array.from({ length: end - first }, (_, at) => first + at);
    taps.push({ tap, input: places.map((place) => place * stride + offset), output: places });
  }
  return taps;
}

/** Each tap of the axes before with each of one more. */
function* withAxis(window: Window, axis: number, before: Iterable<Tap>): Generator<Tap> {
  const taps = axisTaps(window, axis);
  const [size, count, kernel] = [window.input[axis]!, window.output[axis]!, window.kernel[axis]!];
  for (const { tap, input, output } of before)
    for (const one of taps)
      yield {
        tap: tap * kernel + one.tap,
        input: products(input, size, one.input),
        output: products(output, count, one.output),
      };
}

/** Each outer place with each inner one. */
function products(outer: Int32Array, size: number, inner: Int32Array): Int32Array {
  const places = new Int32Array(outer.length * inner.length);
  let at = 0;
  for (const one of outer) for (const other of inner) places[at++] = one * size + other;
  return places;
}
