import { InputError } from "../../errors.js";
import type { Dimension, Graph, GraphValue } from "./graph.js";

/** Sizes of named dimensions, such as `{ batch: 64 }`. */
export type DimensionSizes = Readonly<Record<string, number>>;

/** Names of the dimensions that a graph's inputs leave open, in the order in which they occur. */
export function openDimensions(graph: Graph): string[] {
  const names = graph.inputs.flatMap(({ type }) => type.shape.filter((size) => typeof size === "string"));
  return [...new Set(names)];
}

/**
 * The graph with the named dimensions of its inputs replaced by sizes; those of its outputs where they bear the same names.
 * @throws InputError for a name that has no size, or a size without such a name, or that is no positive integer
 */
export function bindDimensions(graph: Graph, sizes: DimensionSizes): Graph {
  const open = openDimensions(graph);
  for (const name of open) {
    if (!Object.hasOwn(sizes, name))
      throw new InputError(`dimension ${JSON.stringify(name)}`, undefined, "give its size");
  }
  for (const [name, size] of Object.entries(sizes)) {
    if (!open.includes(name))
      throw new InputError(
        "dimension",
        name,
        open.length === 0 ? "this graph leaves none open" : `this graph leaves ${open.join(", ")} open`,
      );
    if (!Number.isInteger(size) || size < 1 || size >= 2 ** 31)
      throw new InputError(`dimension ${JSON.stringify(name)}`, size, "give an integer from 1 to 2^31 - 1");
  }
  const bound = (size: Dimension): Dimension =>
    typeof size === "string" && Object.hasOwn(sizes, size) ? sizes[size]! : size;
  const boundValue = ({ name, type }: GraphValue): GraphValue => ({
    name,
    type: { elementType: type.elementType, shape: type.shape.map(bound) },
  });
  return { ...graph, inputs: graph.inputs.map(boundValue), outputs: graph.outputs.map(boundValue) };
}

/**
 * The sizes that the named dimensions of a graph's inputs have in these tensors.
 * @throws InputError for an input that is missing, unknown, of another element type or shape, or that contradicts another
 */
export function sizesOf(
  graph: Pick<Graph, "inputs">,
  inputs: Readonly<Record<string, { readonly elementType: string; readonly shape: readonly number[] }>>,
): DimensionSizes {
  const sizes = new Map<string, number>();
  for (const name of Object.keys(inputs)) {
    if (!graph.inputs.some((input) => input.name === name))
      throw new InputError("input", name, `give ${graph.inputs.map((input) => input.name).join(", ")}`);
  }
  for (const { name, type } of graph.inputs) {
    const given = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (given === undefined) throw new InputError(`input ${JSON.stringify(name)}`, undefined, "give it");
    const matches =
      given.elementType === type.elementType &&
      given.shape.length === type.shape.length &&
      type.shape.every((size, axis) => {
        const actual = given.shape[axis]!;
        if (typeof size === "number") return size === actual;
        const known = sizes.get(size) ?? actual;
        sizes.set(size, known);
        return known === actual;
      });
    if (!matches)
      throw new InputError(
        `input ${JSON.stringify(name)}`,
        `${given.elementType} [${given.shape.join(", ")}]`,
        `give ${type.elementType} [${type.shape.map((size) => named(size, sizes)).join(", ")}]`,
      );
  }
  return Object.fromEntries(sizes);
}

function named(size: Dimension, sizes: ReadonlyMap<string, number>): string {
  const known = typeof size === "string" ? sizes.get(size) : undefined;
  return known === undefined ? String(size) : `${size} = ${known}`;
}
