import { InputError } from "../../errors.js";
import type { Graph, TensorType, ValueType } from "../graph/graph.js";
import { elementArray, elementCount } from "../graph/tensor.js";
import type { NamedTensors } from "./engine.js";

/** The most elements that an input may have. */
const LARGEST_INPUT = 2 ** 30;

/**
 * The graph with sizes in place of the dimensions that its inputs name, wherever these stand at its edge. Dimensions that
 * only outputs name stay: what they are comes out when it is run.
 * @throws InputError for a dimension that is missing, no size or too large.
 */
export function bindEdges(graph: Graph, dimensions: Readonly<Record<string, number>>): Graph {
  const bound = ({ elementType, shape }: ValueType): ValueType => ({
    elementType,
    shape: shape.map((size) =>
      typeof size === "string" && Object.hasOwn(dimensions, size) ? dimensions[size]! : size,
    ),
  });
  const inputs = graph.inputs.map(({ name, type }) => ({ name, type: bound(type) }));
  for (const { name, type } of inputs) {
    for (const size of type.shape) {
      const remedy = `give a whole number from 1 for the size of input ${name}`;
      if (typeof size === "string") throw new InputError(`dimensions.${size}`, undefined, remedy);
      if (!Number.isSafeInteger(size) || size < 1)
        throw new InputError(`dimensions of ${name}`, size, remedy);
    }
    if (!(elementCount(type.shape as number[]) <= LARGEST_INPUT))
      throw new InputError(`shape of input ${name}`, type.shape, `give at most ${LARGEST_INPUT} elements`);
  }
  const outputs = graph.outputs.map(({ name, type }) => ({ name, type: bound(type) }));
  return { ...graph, inputs, outputs };
}

/** Refuses inputs that are not those of an instance. @throws InputError, naming the input, what it is and what it must be. */
export function checkInputs(types: Readonly<Record<string, TensorType>>, given: NamedTensors): void {
  if (typeof given !== "object" || given === null)
    throw new InputError("inputs", given, `give tensors by name: ${Object.keys(types).join(", ")}`);
  for (const [name, { elementType, shape }] of Object.entries(types)) {
    const wanted = `give ${textOf({ elementType, shape })}`;
    const one = Object.hasOwn(given, name) ? given[name] : undefined;
    if (one === undefined) throw new InputError(`input ${name}`, undefined, wanted);
    if (!Array.isArray(one?.shape) || !ArrayBuffer.isView(one.data))
      throw new InputError(`input ${name}`, one, `${wanted}, made by tensor(...)`);
    const isAlike =
      one.elementType === elementType &&
      one.shape.length === shape.length &&
      shape.every((size, index) => size === one.shape[index]);
    if (!isAlike) throw new InputError(`input ${name}`, textOf(one), wanted);
    const needed = elementArray(elementType, 0).constructor;
    if (one.data.constructor !== needed || one.data.length !== elementCount(shape)) {
      const data = `${one.data.constructor.name} of ${one.data.length}`;
      throw new InputError(`data of input ${name}`, data, `${wanted} as ${needed.name}`);
    }
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(types, name))
      throw new InputError(
        `input ${name}`,
        textOf(given[name]!),
        `the model has ${Object.keys(types).join(", ")}`,
      );
  }
}

function textOf({ elementType, shape }: TensorType): string {
  return `${elementType}[${shape.join(", ")}]`;
}
