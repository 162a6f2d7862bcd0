import { InputError } from "../../errors.js";
import type { ValueName } from "../graph/graph.js";
import type { NetworkBuilder } from "../network/builder.js";
import { expanded, reshaped, scalarLike, summed } from "../network/expressions.js";
import { concatenated, flipped, padded, sliced } from "../network/selections.js";
import { attribute, integerList, normalAxis, requiredInput, requiredType } from "./arguments.js";
import type { Operator, TypedNode } from "./operator.js";
import { distinctAxes, joined, selected } from "./selection.js";

/** What a Slice takes of an axis: `count` elements from `start`, every `step`. */
interface Cut {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/**
 * The cut of each axis. Bounds beyond an axis are its bounds; unlike in Python a start before the first element is the
 * first element for steps below 0, too.
 */
function cutsOf(node: TypedNode): readonly Cut[] {
  const { shape } = requiredType(node, 0);
  const starts = integerList(node, 1);
  const ends = integerList(node, 2, starts.length);
  const axes =
    node.inputTypes[3] === undefined ? starts.map((_, axis) => axis) : integerList(node, 3, starts.length);
  const steps = node.inputTypes[4] === undefined ? starts.map(() => 1) : integerList(node, 4, starts.length);
  const cuts: Cut[] = shape.map((count) => ({ start: 0, step: 1, count }));
  distinctAxes(node.node, axes, shape.length).forEach((axis, index) => {
    const [size, step] = [shape[axis]!, steps[index]!];
    if (step === 0) throw new InputError(`steps of node ${node.node.name}`, steps, "give no step of 0");
    const clamped = (place: number, lowest: number, highest: number) =>
      Math.min(highest, Math.max(lowest, place < 0 ? place + size : place));
    const start = clamped(starts[index]!, 0, step > 0 ? size : size - 1);
    const end = step > 0 ? clamped(ends[index]!, 0, size) : clamped(ends[index]!, -1, size - 1);
    cuts[axis] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
  return cuts;
}

const slice: Operator = {
  name: "Slice",
  infer: (node) => [
    { elementType: requiredType(node, 0).elementType, shape: cutsOf(node).map(({ count }) => count) },
  ],
  evaluate(node, inputs) {
    const cuts = cutsOf(node);
    const shape = cuts.map(({ count }) => count);
    const placeOf = (at: number, axis: number) => cuts[axis]!.start + at * cuts[axis]!.step;
    return [selected(requiredInput(node, inputs, 0), shape, placeOf)];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined) return [];
    const cuts = cutsOf(context).map((cut) => forwards(cut));
    const { builder } = context;
    const backwards = cutsOf(context).flatMap(({ step }, axis) => (step < 0 ? [axis] : []));
    let value = flipped(builder, gradient, backwards);
    cuts.forEach((cut, axis) => {
      if (cut.step > 1 && cut.count > 1) value = spread(builder, value, axis, cut.step);
    });
    const { shape } = context.inputTypes[0]!;
    const reached = builder.typeOf(value).shape;
    const begins = cuts.map(({ start, count }) => (count === 0 ? 0 : start));
    return [
      padded(
        builder,
        value,
        begins,
        shape.map((size, axis) => size - begins[axis]! - reached[axis]!),
      ),
    ];
  },
};

/** The same elements in ascending order. */
function forwards({ start, step, count }: Cut): Cut {
  return step > 0 ? { start, step, count } : { start: start + (count - 1) * step, step: -step, count };
}

/** The value with `step - 1` zeros between the elements of the axis. */
function spread(builder: NetworkBuilder, value: ValueName, axis: number, step: number): ValueName {
  const { shape } = builder.typeOf(value);
  const zeros = new Array<number>(shape.length + 1).fill(0);
  const apart = reshaped(builder, value, shape.toSpliced(axis + 1, 0, 1));
  const filled = padded(builder, apart, zeros, zeros.with(axis + 1, step - 1));
  const joined = reshaped(builder, filled, shape.with(axis, shape[axis]! * step));
  // The last element needs no zeros behind it, and the axis may have no room for them.
  return sliced(builder, joined, [{ axis, start: 0, end: (shape[axis]! - 1) * step + 1 }]);
}

function concatAxis(node: TypedNode): number {
  const { shape } = requiredType(node, 0);
  const axis = attribute(node.node, "axis", "int", undefined);
  if (axis === undefined)
    throw new InputError(`attribute axis of node ${node.node.name}`, undefined, "Concat needs it");
  return normalAxis(node.node, axis, shape.length);
}

const concat: Operator = {
  name: "Concat",
  infer(node) {
    const { elementType, shape } = requiredType(node, 0);
    const axis = concatAxis(node);
    let total = 0;
    node.inputTypes.forEach((_, index) => {
      const other = requiredType(node, index);
      const fits =
        other.elementType === elementType &&
        other.shape.length === shape.length &&
        other.shape.every((size, at) => at === axis || size === shape[at]);
      if (!fits)
        throw new InputError(
          `input ${index} of node ${node.node.name}`,
          `${other.elementType} [${other.shape.join(", ")}]`,
          `give ${elementType} [${shape.join(", ")}], of any size along axis ${axis}`,
        );
      total += other.shape[axis]!;
    });
    return [{ elementType, shape: shape.with(axis, total) }];
  },
  evaluate(node, inputs) {
    const values = inputs.map((_, index) => requiredInput(node, inputs, index));
    return [joined(values, concatAxis(node))];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined) return [];
    const axis = concatAxis(context);
    let start = 0;
    return context.inputTypes.map((type, index) => {
      const end = start + type!.shape[axis]!;
      const range = { axis, start, end };
      start = end;
      return context.isWanted(index) ? sliced(context.builder, gradient, [range]) : undefined;
    });
  },
};

/** Axis of a Split and the sizes of its parts. */
function splitParts(node: TypedNode): { readonly axis: number; readonly sizes: readonly number[] } {
  const { shape } = requiredType(node, 0);
  const axis = normalAxis(node.node, attribute(node.node, "axis", "int", 0), shape.length);
  const size = shape[axis]!;
  const count = node.node.outputs.length;
  const refuse = (value: unknown, remedy: string) =>
    new InputError(`parts of node ${node.node.name}`, value, remedy);
  if (node.inputTypes[1] !== undefined) {
    const sizes = integerList(node, 1, count);
    if (!sizes.every((part) => part >= 0) || sizes.reduce((sum, part) => sum + part, 0) !== size)
      throw refuse(sizes, `give sizes of the sum ${size}`);
    return { axis, sizes };
  }
  const asked = attribute(node.node, "num_outputs", "int", count);
  if (asked !== count) throw refuse(asked, `give num_outputs as the node has outputs, ${count}`);
  const part = Math.ceil(size / count);
  // Before operator set 18, parts were equal or the graph not valid.
  if (part * count !== size && (node.opset < 18 || part * (count - 1) > size))
    throw refuse(count, `give a number that divides ${size}, or the sizes of the parts`);
  return { axis, sizes: Array.from({ length: count }, (_, at) => Math.min(part, size - at * part)) };
}

const split: Operator = {
  name: "Split",
  infer(node) {
    const { elementType, shape } = requiredType(node, 0);
    const { axis, sizes } = splitParts(node);
    return sizes.map((size) => ({ elementType, shape: shape.with(axis, size) }));
  },
  evaluate(node, inputs) {
    const value = requiredInput(node, inputs, 0);
    const { axis, sizes } = splitParts(node);
    let end = 0;
    return sizes.map((size) => {
      const start = end;
      end += size;
      const placeOf = (at: number, one: number) => (one === axis ? start + at : at);
      return selected(value, value.shape.with(axis, size), placeOf);
    });
  },
  gradient(context) {
    const { builder, outputTypes, inputTypes, node } = context;
    const { axis, sizes } = splitParts(context);
    const zero = (size: number) =>
      expanded(builder, scalarLike(builder, context.input(0), 0), inputTypes[0]!.shape.with(axis, size));
    const parts = node.outputs.map((_, index) => context.outputGradient(index) ?? zero(sizes[index]!));
    return outputTypes.length === 0 ? [] : [concatenated(builder, parts, axis)];
  },
};

const tile: Operator = {
  name: "Tile",
  infer(node) {
    const { elementType, shape } = requiredType(node, 0);
    const repeats = integerList(node, 1, shape.length);
    if (!repeats.every((count) => count >= 0))
      throw new InputError(`repeats of node ${node.node.name}`, repeats, "give none below 0");
    return [{ elementType, shape: shape.map((size, axis) => size * repeats[axis]!) }];
  },
  evaluate(node, inputs) {
    const value = requiredInput(node, inputs, 0);
    const repeats = integerList(node, 1, value.shape.length);
    const shape = value.shape.map((size, axis) => size * repeats[axis]!);
    return [selected(value, shape, (at, axis) => at % value.shape[axis]!)];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined) return [];
    const { builder } = context;
    const { shape } = context.inputTypes[0]!;
    const repeats = integerList(context, 1, shape.length);
    const apart = reshaped(
      builder,
      gradient,
      shape.flatMap((size, axis) => [repeats[axis]!, size]),
    );
    const axes = shape.flatMap((_, axis) => (repeats[axis] === 1 ? [] : [2 * axis]));
    return [reshaped(builder, summed(builder, apart, axes, false), shape)];
  },
};

export const slicingOperators: readonly Operator[] = [slice, concat, split, tile];
