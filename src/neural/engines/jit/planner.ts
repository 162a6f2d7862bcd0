import { InputError } from "../../../errors.js";
import { openDimensions } from "../../graph/dimensions.js";
import type { Graph, GraphNode, OnnxModel, TensorType, ValueName } from "../../graph/graph.js";
import { elementCount } from "../../graph/tensor.js";
import { typeGraph } from "../../graph/type-graph.js";
import { operatorOf } from "../../operators/inference.js";
import { numericTensor } from "../../operators/numeric.js";
import type { NumericTensor, TypedNode } from "../../operators/operator.js";
import { fuse } from "./fusion.js";
import {
  type Cell,
  cellCount,
  type NetworkPlan,
  operandsOf,
  productsOf,
  type SamplePort,
  type Step,
} from "./plan.js";
import { isSampled, lacks, type PlannedValue } from "./sample-tensor.js";

/** A network's plan with the numbers of its table. */
export interface PlannedNetwork {
  readonly plan: NetworkPlan;
  readonly table: Float32Array<ArrayBuffer>;
}

/** What a rule of an operator plans with. */
export interface PlanContext {
  readonly node: GraphNode;
  readonly opset: number;
  /** Values of the inputs; undefined where one is left out. */
  readonly inputs: readonly (PlannedValue | undefined)[];
  /** Appends a step. @returns its cells. */
  append(step: Step): Cell[];
  /** Cells of numbers that are the same for all samples; equal numbers have one cell. */
  constants(numbers: ArrayLike<number>): Cell[];
  /** Puts numbers into the table. @returns where the first stands. */
  tabulate(numbers: ArrayLike<number>): number;
}

/** How an operator is planned where an input is each sample's own: its output, or all of several. */
export type PlanRule = (context: PlanContext) => PlannedValue | readonly PlannedValue[];

/** Cells that a network may have: what is larger is no small network. */
const MOST_CELLS = 65536;

/** Operations that a network's code may have, about: some seconds of compilation. */
const MOST_OPERATIONS = 16384;

/** Steps of which each needs the one before. */
const MOST_DEEP = 1000;

/** Products of a layer beyond which no target has a line of code for each. */
const MOST_STRAIGHT = 512;

/** Elements of values that are computed here, of the order of a second. */
const MOST_CONSTANT = 2 ** 22;

/** Sizes that stand for a batch of any size: what differs between the two depends on the batch. */
const PROBES = [7919, 6007] as const;

export interface PlanOptions {
  /** Sizes of the named dimensions other than the batch. */
  readonly dimensions?: Readonly<Record<string, number>>;
}

/**
 * Plans a network whose inputs all begin with the same dimension, the batch, and which treats its samples alike. What does
 * not depend on the inputs is computed here.
 * @throws InputError for a graph that is not valid, for a dimension that is not given, for an operator that the engine
 * lacks, by its name, and for a network that mixes samples or is too large.
 */
export function planWith(
  rules: ReadonlyMap<string, PlanRule>,
  model: OnnxModel,
  { dimensions = {} }: PlanOptions = {},
): PlannedNetwork {
  const batches = batchesOf(model.graph);
  if (batches.length === 0) return planFor(rules, model, dimensions);
  const [planned, other] = PROBES.map((size) => {
    const probed = Object.fromEntries(batches.map((name) => [name, size]));
    return planFor(rules, model, { ...dimensions, ...probed });
  }) as [PlannedNetwork, PlannedNetwork];
  const isSame =
    JSON.stringify(planned.plan) === JSON.stringify(other.plan) &&
    planned.table.every((number, index) => Object.is(number, other.table[index]));
  if (!isSame)
    throw new InputError(
      "model",
      model.graph.name,
      `compute nothing from the size of the batch, ${batches[0]}, for the engine jit`,
    );
  return planned;
}

/**
 * The names of the dimension that counts samples, which exporters call by another name at each input; none where it is a
 * number.
 */
function batchesOf({ inputs }: Graph): string[] {
  const batches = [...new Set(inputs.map(({ type }) => type.shape[0]))];
  if (batches.length > 0 && batches.every((batch) => typeof batch === "string")) return batches;
  if (batches.length === 1 && typeof batches[0] === "number") return [];
  throw new InputError(
    "inputs of the model",
    inputs.map(({ name, type }) => `${name} [${type.shape.join(", ")}]`).join("; "),
    "give inputs that begin with one dimension, the batch, for the engine jit",
  );
}

function planFor(
  rules: ReadonlyMap<string, PlanRule>,
  { graph: open, opset }: OnnxModel,
  sizes: Readonly<Record<string, number>>,
): PlannedNetwork {
  const dimensions = Object.fromEntries(
    openDimensions(open).flatMap((name) => (Object.hasOwn(sizes, name) ? [[name, sizes[name]!]] : [])),
  );
  const { graph, types } = typeGraph({ graph: open, opset }, dimensions);
  const steps: Step[] = [];
  const table: number[] = [];
  const constantCells = new Map<number, Cell>();
  let cells = 0;

  function append(step: Step): Cell[] {
    const first = cells;
    cells += cellCount(step);
    if (cells > MOST_CELLS)
      throw new InputError(
        "model",
        graph.name,
        `has too many numbers a sample for the engine jit: at most ${MOST_CELLS}`,
      );
    steps.push(step);
    return Array.from({ length: cells - first }, (_, k) => first + k);
  }

  function tabulate(numbers: ArrayLike<number>): number {
    const first = table.length;
    for (let k = 0; k < numbers.length; k++) table.push(Math.fround(numbers[k]!));
    return first;
  }

  function constants(numbers: ArrayLike<number>): Cell[] {
    return Array.from(numbers, (number) => {
      const key = Math.fround(number);
      let known = constantCells.get(key);
      if (known === undefined) {
        known = append({ kind: "table", first: tabulate([key]), count: 1 })[0]!;
        constantCells.set(key, known);
      }
      return known;
    });
  }

  const values = new Map<ValueName, PlannedValue>();
  for (const [name, value] of graph.initializers) values.set(name, numericTensor(value));
  const ports = graph.inputs.map(({ name, type }) => {
    const shape = type.shape as readonly number[];
    return { name, shape, features: elementCount(shape.slice(1)) };
  });
  const given = append({ kind: "input", count: ports.reduce((sum, { features }) => sum + features, 0) });
  for (const { name, shape, features } of ports)
    values.set(name, { shape, batchAxis: 0, cells: given.splice(0, features) });

  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === "" ? undefined : values.get(name)));
    if (node.operator === "Shape" && node.domain === "") {
      values.set(node.outputs[0]!, shapeOf(node, inputs[0]!));
      continue;
    }
    const known = inputs.filter((value) => value !== undefined);
    const made = known.some(isSampled)
      ? planned({ node, opset, inputs, append, constants, tabulate })
      : evaluated({ node, opset, inputs: inputs as (NumericTensor | undefined)[] }, types);
    for (const [index, value] of made.entries()) {
      const name = node.outputs[index] ?? "";
      if (name === "") continue;
      // What a rule makes of a node's attributes is what inference makes of them.
      if (types.get(name)?.shape.join() !== value.shape.join()) throw lacks(node, "this form of it");
      values.set(name, value);
    }
  }

  function planned(context: PlanContext): readonly PlannedValue[] {
    const { node } = context;
    const rule = node.domain === "" || node.domain === "ai.onnx" ? rules.get(node.operator) : undefined;
    if (rule === undefined) throw lacks(node, "it");
    const made = rule(context);
    return Array.isArray(made) ? made : [made as PlannedValue];
  }

  const results: Cell[] = [];
  const outputs: SamplePort[] = graph.outputs.map(({ name }) => {
    const value = values.get(name);
    if (value === undefined || !isSampled(value) || value.batchAxis !== 0)
      throw new InputError("output of the model", name, "must begin with the batch for the engine jit");
    for (const cell of value.cells) results.push(cell);
    return { name, features: value.cells.length, shape: value.shape.slice(1) };
  });
  const fused = fuse({ steps, results, table });
  expectModest(graph, fused.steps);
  return {
    plan: {
      inputs: ports.map(({ name, features, shape }) => ({ name, features, shape: shape.slice(1) })),
      outputs,
      steps: fused.steps,
      results: fused.results,
      tableLength: fused.table.length,
    },
    table: Float32Array.from(fused.table),
  };
}

/** Refuses what would take minutes to compile. */
function expectModest(graph: Graph, steps: readonly Step[]): void {
  const operations = steps.reduce((sum, step) => {
    const products = step.kind === "repeated" ? 0 : productsOf(step);
    return sum + (products <= MOST_STRAIGHT ? products : 0) + operandsOf(step).length + cellCount(step);
  }, 0);
  if (operations > MOST_OPERATIONS || depthOf(steps) > MOST_DEEP)
    throw new InputError(
      "model",
      `${graph.name} of about ${operations} operations`,
      `the engine jit is for small networks, of at most ${MOST_OPERATIONS}, ${MOST_DEEP} one after the other: choose the engine onnxruntime`,
    );
}

/** Steps of which each needs the one before. */
function depthOf(steps: readonly Step[]): number {
  const depths: number[] = [];
  for (const step of steps) {
    const depth = operandsOf(step).reduce((most, cell) => Math.max(most, depths[cell]!), 0) + 1;
    for (let k = 0; k < cellCount(step); k++) depths.push(depth);
  }
  return depths.reduce((most, depth) => Math.max(most, depth), 0);
}

function shapeOf(node: GraphNode, value: PlannedValue): NumericTensor {
  const { shape } = value;
  const bound = (name: string, fallback: number): number => {
    const given = node.attributes[name];
    const index = given?.kind === "int" ? given.value : fallback;
    return Math.min(Math.max(index < 0 ? index + shape.length : index, 0), shape.length);
  };
  const chosen = shape.slice(bound("start", 0), bound("end", shape.length));
  return { elementType: "int64", shape: [chosen.length], data: Float64Array.from(chosen) };
}

/** The outputs of a node all of whose inputs are the same for all samples. */
function evaluated(
  {
    node,
    opset,
    inputs,
  }: Pick<TypedNode, "node" | "opset"> & { inputs: readonly (NumericTensor | undefined)[] },
  types: ReadonlyMap<ValueName, TensorType>,
): readonly NumericTensor[] {
  const elements = [...node.inputs, ...node.outputs].map((name) =>
    elementCount(types.get(name)?.shape ?? []),
  );
  if (elements.some((count) => count > MOST_CONSTANT)) throw lacks(node, "it of so large constants");
  const typed: TypedNode = { node, opset, inputTypes: inputs, constant: (index) => inputs[index] };
  return operatorOf(typed).evaluate(typed, inputs);
}
