import { InputError } from "../../errors.js";
import type { GraphNode } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import { normalAxis } from "./arguments.js";
import { numeric } from "./numeric.js";
import type { NumericTensor } from "./operator.js";

/**
 * The tensor of the shape whose element at a place is that of `from` at the place that `placeOf` gives axis by axis, or
 * `fill` where it gives -1 for one.
 */
export function selected(
  from: NumericTensor,
  shape: readonly number[],
  placeOf: (at: number, axis: number) => number,
  fill = 0,
): NumericTensor {
  const result = numeric(from.elementType, shape);
  // An empty tensor may have axes too long to be walked.
  if (result.data.length === 0) return result;
  let places = Int32Array.of(0);
  shape.forEach((count, axis) => {
    const map = Int32Array.from({ length: count }, (_, at) => placeOf(at, axis));
    const size = from.shape[axis]!;
    const next = new Int32Array(places.length * count);
    let at = 0;
    for (const outer of places)
      for (const inner of map) next[at++] = outer < 0 || inner < 0 ? -1 : outer * size + inner;
    places = next;
  });
  places.forEach((place, at) => {
    result.data[at] = place < 0 ? fill : from.data[place]!;
  });
  return result;
}

/** Different axes from 0. @throws InputError for one outside the rank or given twice. */
export function distinctAxes(node: GraphNode, axes: readonly number[], rank: number): number[] {
  const normal = axes.map((axis) => normalAxis(node, axis, rank));
  if (new Set(normal).size !== normal.length)
    throw new InputError(`axes of node ${node.name}`, axes, "give each axis once");
  return normal;
}

/** The values one after another along the axis; they fit. */
export function joined(values: readonly NumericTensor[], axis: number): NumericTensor {
  const { elementType, shape } = values[0]!;
  const total = values.reduce((sum, value) => sum + value.shape[axis]!, 0);
  const result = numeric(elementType, shape.with(axis, total));
  const rows = elementCount(shape.slice(0, axis));
  const inner = elementCount(shape.slice(axis + 1));
  let offset = 0;
  for (const { shape: own, data } of values) {
    const length = own[axis]! * inner;
    for (let row = 0; row < rows; row++)
      result.data.set(data.subarray(row * length, (row + 1) * length), row * total * inner + offset);
    offset += length;
  }
  return result;
}
