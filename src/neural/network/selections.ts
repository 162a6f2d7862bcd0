import { int, type ValueName } from "../graph/graph.js";
import { int64Tensor } from "../graph/tensor.js";
import type { NetworkBuilder } from "./builder.js";

// Small pieces of graphs that take values apart and put them together. They mean the same in every operator set from
// 13 on.

/** A range of an axis: from `start` until before `end`, every `step` (1 unless given). */
export interface AxisRange {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step?: number;
}

/** The ranges of the value; itself where they are all of it. */
export function sliced(builder: NetworkBuilder, value: ValueName, ranges: readonly AxisRange[]): ValueName {
  const { shape } = builder.typeOf(value);
  const cuts = ranges.filter(
    ({ axis, start, end, step = 1 }) => start !== 0 || end !== shape[axis] || step !== 1,
  );
  if (cuts.length === 0) return value;
  const numbers = (of: (range: AxisRange) => number) => builder.constant(int64Tensor(cuts.map(of)));
  const [starts, ends, axes] = [
    numbers((cut) => cut.start),
    numbers((cut) => cut.end),
    numbers((cut) => cut.axis),
  ];
  const steps = cuts.every(({ step = 1 }) => step === 1) ? undefined : numbers(({ step = 1 }) => step);
  return builder.add("Slice", [value, starts, ends, axes, steps]);
}

/** The value with its order along the axes turned round. */
export function flipped(builder: NetworkBuilder, value: ValueName, axes: readonly number[]): ValueName {
  const { shape } = builder.typeOf(value);
  const turned = axes.filter((axis) => shape[axis]! > 1);
  // An end that lies before the first element; -1 would count from behind.
  const beyond = -(2 ** 31);
  return sliced(
    builder,
    value,
    turned.map((axis) => ({ axis, start: -1, end: beyond, step: -1 })),
  );
}

/** The value with zeros before and behind each axis; itself where there are none. */
export function padded(
  builder: NetworkBuilder,
  value: ValueName,
  begins: readonly number[],
  ends: readonly number[],
): ValueName {
  const pads = [...begins, ...ends];
  if (pads.every((count) => count === 0)) return value;
  return builder.add("Pad", [value, builder.constant(int64Tensor(pads))]);
}

/** The values one after another along the axis; the value itself where it is one. */
export function concatenated(builder: NetworkBuilder, values: readonly ValueName[], axis: number): ValueName {
  return values.length === 1 ? values[0]! : builder.add("Concat", values, { axis: int(axis) });
}
