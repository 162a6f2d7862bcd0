import { InputError } from "../../errors.js";
import type { ValueName } from "../graph/graph.js";
import type { NetworkBuilder } from "../network/builder.js";
import { reshaped, summed } from "../network/expressions.js";
import { flipped, padded, sliced } from "../network/selections.js";
import { attribute, integerList, requiredInput, requiredType } from "./arguments.js";
import type { GradientContext, Operator, TypedNode } from "./operator.js";
import { distinctAxes, selected } from "./selection.js";

type Mode = "constant" | "reflect" | "edge" | "wrap";

interface Padding {
  readonly mode: Mode;
  /** Below 0 where elements are taken away, by axis. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

const modes: readonly string[] = ["constant", "reflect", "edge", "wrap"] satisfies Mode[];

/** More is padded by nobody, and sums of it are exact. */
const MOST = 2 ** 31;

/** How far a mode can pad an axis of the size: it takes every element once at most, so that nothing is absurd. */
function furthest(mode: Mode, size: number): number {
  if (mode === "reflect") return size - 1;
  if (mode === "wrap") return size;
  return mode === "edge" && size === 0 ? 0 : Number.POSITIVE_INFINITY;
}

function paddingOf(node: TypedNode): Padding {
  const { shape } = requiredType(node, 0);
  const { name } = node.node;
  const mode = attribute(node.node, "mode", "string", "constant") as Mode;
  if (!modes.includes(mode))
    throw new InputError(`attribute mode of node ${name}`, mode, `give one of ${modes.join(", ")}`);
  const pads = integerList(node, 1);
  const axes =
    node.inputTypes[3] === undefined
      ? shape.map((_, axis) => axis)
      : distinctAxes(node.node, integerList(node, 3), shape.length);
  const [begins, ends] = [shape.map(() => 0), shape.map(() => 0)];
  if (pads.length !== 2 * axes.length)
    throw new InputError(`pads of node ${name}`, pads, `give ${2 * axes.length}, two for each axis`);
  axes.forEach((axis, index) => {
    const [begin, end] = [pads[index]!, pads[index + axes.length]!];
    const size = shape[axis]!;
    const limit = furthest(mode, size);
    const isCut = mode !== "constant" && Math.min(begin, end) < 0;
    const isAbsurd = Math.max(begin, end) > MOST;
    if (
      size + begin + end < 0 ||
      Math.max(begin, end, 0) > limit ||
      isCut ||
      isAbsurd ||
      Math.min(begin, end) < -size
    )
      throw new InputError(
        `pads of node ${name}`,
        [begin, end],
        `axis ${axis} has ${size} elements; ${mode} padding adds at most ${Math.min(limit, MOST)} at each end`,
      );
    [begins[axis], ends[axis]] = [begin, end];
  });
  return { mode, begins, ends };
}

/** The place of an axis of `size` elements that stands at the place `at` outside or inside of it; -1 for the constant. */
function source(mode: Mode, at: number, size: number): number {
  if (at >= 0 && at < size) return at;
  if (mode === "constant") return -1;
  if (mode === "edge") return at < 0 ? 0 : size - 1;
  if (mode === "wrap") return (at + size) % size;
  return at < 0 ? -at : 2 * (size - 1) - at;
}

const pad: Operator = {
  name: "Pad",
  infer(node) {
    const { elementType, shape } = requiredType(node, 0);
    const { begins, ends } = paddingOf(node);
    return [{ elementType, shape: shape.map((size, axis) => size + begins[axis]! + ends[axis]!) }];
  },
  evaluate(node, inputs) {
    const value = requiredInput(node, inputs, 0);
    const { mode, begins, ends } = paddingOf(node);
    const shape = value.shape.map((size, axis) => size + begins[axis]! + ends[axis]!);
    const placeOf = (at: number, axis: number) => source(mode, at - begins[axis]!, value.shape[axis]!);
    return [selected(value, shape, placeOf, inputs[2]?.data[0] ?? 0)];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined) return [];
    const padding = paddingOf(context);
    const { shape } = context.inputTypes[0]!;
    return [
      context.isWanted(0) ? gradientToData(context.builder, gradient, shape, padding) : undefined,
      undefined,
      context.isWanted(2) ? gradientToConstant(context, gradient, padding) : undefined,
    ];
  },
};

/** Range of the output that holds the input, as far as it was not cut off. */
function inside(size: number, begin: number, end: number) {
  const start = Math.max(0, begin);
  return { start, end: start + size + Math.min(0, begin) + Math.min(0, end) };
}

function gradientToData(
  builder: NetworkBuilder,
  gradient: ValueName,
  shape: readonly number[],
  { mode, begins, ends }: Padding,
): ValueName {
  const zeros = shape.map(() => 0);
  let value = gradient;
  shape.forEach((size, axis) => {
    const [begin, end] = [begins[axis]!, ends[axis]!];
    const whole = value;
    const kept = sliced(builder, whole, [{ axis, ...inside(size, begin, end) }]);
    const place = (part: ValueName, before: number) => {
      const behind = size - before - builder.typeOf(part).shape[axis]!;
      return padded(builder, part, zeros.with(axis, before), zeros.with(axis, behind));
    };
    value = place(kept, Math.max(0, -begin));
    if (mode === "constant") return;
    const add = (part: ValueName, before: number) => {
      value = builder.add("Add", [value, place(part, before)]);
    };
    const front = () => sliced(builder, whole, [{ axis, start: 0, end: begin }]);
    const back = () => sliced(builder, whole, [{ axis, start: begin + size, end: begin + size + end }]);
    if (mode === "edge") {
      if (begin > 0) add(summed(builder, front(), [axis]), 0);
      if (end > 0) add(summed(builder, back(), [axis]), size - 1);
    } else if (mode === "reflect") {
      if (begin > 0) add(flipped(builder, front(), [axis]), 1);
      if (end > 0) add(flipped(builder, back(), [axis]), size - 1 - end);
    } else {
      if (begin > 0) add(front(), size - begin);
      if (end > 0) add(back(), 0);
    }
  });
  return value;
}

function gradientToConstant(
  { builder, inputTypes }: GradientContext,
  gradient: ValueName,
  { begins, ends }: Padding,
): ValueName {
  const { shape } = inputTypes[0]!;
  const axes = shape.map((_, axis) => axis);
  const kept = sliced(
    builder,
    gradient,
    axes.map((axis) => ({ axis, ...inside(shape[axis]!, begins[axis]!, ends[axis]!) })),
  );
  const outside = builder.add("Sub", [
    summed(builder, gradient, axes, false),
    summed(builder, kept, axes, false),
  ]);
  return reshaped(builder, outside, inputTypes[2]!.shape);
}

export const paddingOperators: readonly Operator[] = [pad];
