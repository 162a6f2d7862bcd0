import { InputError } from "../../errors.js";
import type { NamedTensors } from "../engines/engine.js";
import { differentiate } from "../gradients/differentiate.js";
import type { DimensionSizes } from "../graph/dimensions.js";
import {
  type Graph,
  type GraphNode,
  type GraphValue,
  int,
  type OnnxModel,
  onnxModel,
  type ValueName,
} from "../graph/graph.js";
import { int64Tensor, type Tensor } from "../graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../network/builder.js";
import { clipped, optimizer } from "./optimizers.js";
import { flatten, type ParameterLayout, parameterLayout, trainableTensors, unflatten } from "./parameters.js";
import type { TrainingSpecification } from "./specification.js";
import type { TrainingVectors } from "./step-runner.js";

/** What of a specification decides about the graphs. */
export type TrainingObjective = Pick<
  TrainingSpecification,
  "targets" | "loss" | "metrics" | "optimizer" | "clipNorm" | "frozen"
>;

/** Names of the values at the edges of all training graphs. Vectors are flat: the parts of their layout, one behind another. */
export const values = {
  /** float32 [layout.parameters.length] */
  parameters: "training.parameters",
  /** float32 [layout.statistics.length]; absent where the network has none. */
  statistics: "training.statistics",
  /** float32 [layout.parameters.length] */
  gradient: "training.gradient",
  /** float32 [] */
  loss: "training.loss",
  /** float32 [] */
  learningRate: "training.rate",
  /** int64 []: number of the update, from 1. */
  step: "training.step",
  newParameters: "training.parameters.new",
  newStatistics: "training.statistics.new",
  metric: (name: string): string => `training.metric.${name}`,
  state: (name: string): string => `training.state.${name}`,
  newState: (name: string): string => `training.state.${name}.new`,
  gradientOf: (shard: number): string => `training.gradient.${shard}`,
  statisticsOf: (shard: number): string => `training.statistics.${shard}`,
} as const;

/** Where the parameters and running statistics of a network lie in the vectors that its training graphs take. */
export interface TrainingLayout {
  readonly parameters: ParameterLayout;
  readonly statistics: ParameterLayout;
}

export function trainingLayout(
  model: OnnxModel,
  objective: Pick<TrainingObjective, "frozen">,
): TrainingLayout {
  const { parameters, statistics } = trainableTensors(model, objective.frozen);
  const layoutOf = (names: readonly ValueName[]): ParameterLayout =>
    parameterLayout(names.map((name) => ({ name, shape: model.graph.initializers.get(name)!.shape })));
  return { parameters: layoutOf(parameters), statistics: layoutOf(statistics) };
}

/** The network's inputs and the targets: what a batch holds. */
export function trainingPorts(
  model: OnnxModel,
  { targets }: Pick<TrainingObjective, "targets">,
): readonly GraphValue[] {
  return [...model.graph.inputs, ...Object.entries(targets).map(([name, type]) => ({ name, type }))];
}

/** The vectors of a training that begins: the model's own parameters, and zeros for the optimizer. */
export function initialVectors(
  model: OnnxModel,
  layout: TrainingLayout,
  optimizerVectors: number,
): TrainingVectors {
  const initial = Object.fromEntries(model.graph.initializers);
  const parameters = flatten(layout.parameters, initial);
  return {
    parameters,
    statistics: flatten(layout.statistics, initial),
    optimizer: Array.from({ length: optimizerVectors }, () => new Float32Array(parameters.length)),
  };
}

/** Parameters and running statistics by name, copied. */
export function namedVectors(
  layout: TrainingLayout,
  { parameters, statistics }: Pick<TrainingVectors, "parameters" | "statistics">,
): NamedTensors {
  return { ...unflatten(layout.parameters, parameters), ...unflatten(layout.statistics, statistics) };
}

/**
 * The graph of one shard's gradient: the network's inputs, the targets, parameters and statistics → loss, metrics, gradient
 * and, with batch normalizations, new statistics.
 */
export function gradientGraph(
  model: OnnxModel,
  objective: TrainingObjective,
  dimensions: DimensionSizes,
): OnnxModel {
  const { builder, loss, layout, newStatistics } = objectiveGraph(model, objective, dimensions, "training");
  builder.output(values.gradient, flatGradient(builder, loss, layout.parameters));
  if (newStatistics !== undefined) builder.output(values.newStatistics, newStatistics);
  return modelOf(builder);
}

/** The graph that judges: the network's inputs, the targets, parameters and statistics → loss and metrics, as in use. */
export function validationGraph(
  model: OnnxModel,
  objective: TrainingObjective,
  dimensions: DimensionSizes,
): OnnxModel {
  return modelOf(objectiveGraph(model, objective, dimensions, "use").builder);
}

/** The graph that computes: the network's inputs, parameters and statistics → the network's outputs, as in use. */
export function inferenceGraph(
  model: OnnxModel,
  objective: Pick<TrainingObjective, "frozen">,
  dimensions: DimensionSizes,
): OnnxModel {
  const { builder } = networkGraph(model, objective, dimensions, "use");
  for (const { name } of model.graph.outputs) builder.output(name, name);
  return modelOf(builder);
}

/**
 * The graph of an update: parameters, state, the gradients and statistics of `shards` shards, learning rate and step → new
 * parameters, state and statistics. Shards are summed in their order.
 */
export function updateGraph(
  layout: TrainingLayout,
  objective: Pick<TrainingObjective, "optimizer" | "clipNorm">,
  shards: number,
): OnnxModel {
  const builder = networkBuilder("update");
  const parameters = builder.input(values.parameters, "float32", [layout.parameters.length]);
  const averaged = (length: number, nameOf: (shard: number) => string): ValueName => {
    const parts = Array.from({ length: shards }, (_, shard) =>
      builder.input(nameOf(shard), "float32", [length]),
    );
    const sum = parts.reduce((total, part) => builder.add("Add", [total, part]));
    return builder.add("Mul", [sum, builder.constant(1 / shards)]);
  };
  const gradient = averaged(layout.parameters.length, values.gradientOf);
  appendUpdate(builder, layout, objective, parameters, gradient);
  if (layout.statistics.length > 0)
    builder.output(values.newStatistics, averaged(layout.statistics.length, values.statisticsOf));
  return modelOf(builder);
}

/**
 * The whole step of one shard as one graph: the network's inputs, the targets, parameters, statistics, state, learning rate
 * and step → loss, metrics, new parameters, state and statistics.
 */
export function trainingGraph(
  model: OnnxModel,
  objective: TrainingObjective,
  dimensions: DimensionSizes,
): OnnxModel {
  const { builder, loss, layout, newStatistics } = objectiveGraph(model, objective, dimensions, "training");
  const gradient = flatGradient(builder, loss, layout.parameters);
  appendUpdate(builder, layout, objective, values.parameters, gradient);
  if (newStatistics !== undefined) builder.output(values.newStatistics, newStatistics);
  return modelOf(builder);
}

/** Gradients are written in the operator set of the network. */
function modelOf(builder: NetworkBuilder): OnnxModel {
  return { ...onnxModel(builder.graph()), opset: builder.opset };
}

function appendUpdate(
  builder: NetworkBuilder,
  layout: TrainingLayout,
  objective: Pick<TrainingObjective, "optimizer" | "clipNorm">,
  parameters: ValueName,
  gradient: ValueName,
): void {
  const rule = optimizer(objective.optimizer);
  const { length } = layout.parameters;
  const state = rule.state.map((name) => builder.input(values.state(name), "float32", [length]));
  const learningRate = builder.input(values.learningRate, "float32", []);
  const step = builder.input(values.step, "int64", []);
  const slope = objective.clipNorm === undefined ? gradient : clipped(builder, gradient, objective.clipNorm);
  const updated = rule.update(builder, {
    parameters,
    gradient: slope,
    state,
    learningRate,
    step,
    layout: layout.parameters,
  });
  builder.output(values.newParameters, updated.parameters);
  rule.state.forEach((name, index) => {
    builder.output(values.newState(name), updated.state[index]!);
  });
}

interface NetworkGraph {
  readonly builder: NetworkBuilder;
  readonly layout: TrainingLayout;
  /** Names of the new statistics of each normalization in training mode, by the names of the old. */
  readonly statisticsOf: ReadonlyMap<ValueName, ValueName>;
}

/** The network with its parameters as one input, without outputs. */
function networkGraph(
  model: OnnxModel,
  objective: Pick<TrainingObjective, "frozen">,
  dimensions: DimensionSizes,
  mode: "training" | "use",
): NetworkGraph {
  const { normalizations } = trainableTensors(model, objective.frozen);
  const layout = trainingLayout(model, objective);
  const initializers = new Map(model.graph.initializers);
  const split: GraphNode[] = [];
  const inputs: GraphValue[] = model.graph.inputs.map(({ name, type }) => ({
    name,
    type: bound(type, dimensions),
  }));
  for (const [name, part] of [
    [values.parameters, layout.parameters],
    [values.statistics, layout.statistics],
  ] as const) {
    if (part.length === 0) continue;
    inputs.push({ name, type: { elementType: "float32", shape: [part.length] } });
    split.push(...splitNodes(name, part, initializers));
  }
  const statisticsOf = new Map<ValueName, ValueName>();
  const nodes = model.graph.nodes.map((node) =>
    mode === "training" && normalizations.has(node.name) ? normalizedByBatch(node, statisticsOf) : node,
  );
  const from: Graph = { ...model.graph, inputs, initializers, nodes: [...split, ...nodes] };
  const builder = networkBuilder(model.graph.name, { from, opset: model.opset, dimensions });
  return { builder, layout, statisticsOf };
}

interface ObjectiveGraph {
  readonly builder: NetworkBuilder;
  readonly layout: TrainingLayout;
  readonly loss: ValueName;
  readonly newStatistics: ValueName | undefined;
}

/** The network with its parameters as one input, its loss and its metrics. */
function objectiveGraph(
  model: OnnxModel,
  objective: TrainingObjective,
  dimensions: DimensionSizes,
  mode: "training" | "use",
): ObjectiveGraph {
  const { builder, layout, statisticsOf } = networkGraph(model, objective, dimensions, mode);
  const edges = [...model.graph.inputs, ...model.graph.outputs].map(({ name }) => name);
  for (const [name, type] of Object.entries(objective.targets)) {
    if (edges.includes(name))
      throw new InputError("targets", name, "give a name that no input or output of the network has");
    const { elementType, shape } = bound(type, dimensions);
    edges.push(builder.input(name, elementType, shape));
  }
  const named = Object.fromEntries(edges.map((name) => [name, name]));
  const loss = scalar(builder, objective.loss(builder, named), "loss");
  builder.output(values.loss, loss);
  for (const [name, metric] of Object.entries(objective.metrics ?? {}))
    builder.output(values.metric(name), scalar(builder, metric(builder, named), `metrics.${name}`));
  const newStatistics =
    mode === "training" && layout.statistics.length > 0
      ? joined(
          builder,
          layout.statistics.parts.map(({ name }) => statisticsOf.get(name)!),
        )
      : undefined;
  return { builder, layout, loss, newStatistics };
}

function bound<T extends GraphValue["type"]>(type: T, dimensions: DimensionSizes): T & { shape: number[] } {
  const shape = type.shape.map((size) => {
    const known = typeof size === "number" ? size : dimensions[size];
    if (known === undefined) throw new InputError("dimensions", size, "give its size");
    return known;
  });
  return { ...type, shape };
}

/** Takes the parts out of the vector under their own names, which must no longer be initializers. */
function splitNodes(
  vector: ValueName,
  layout: ParameterLayout,
  initializers: Map<ValueName, Tensor>,
): GraphNode[] {
  const sizes = `${vector}.sizes`;
  initializers.set(sizes, int64Tensor(layout.parts.map(({ length }) => length)));
  const flat = layout.parts.map(({ name }) => `${vector}.flat.${name}`);
  const node = (name: string, operator: string, inputs: string[], outputs: string[]): GraphNode => ({
    name,
    operator,
    domain: "",
    inputs,
    outputs,
    attributes: operator === "Split" ? { axis: int(0) } : {},
  });
  const shaped = layout.parts.map(({ name, shape }, index) => {
    const shapeName = `${vector}.shape.${name}`;
    initializers.delete(name);
    initializers.set(shapeName, int64Tensor(shape));
    return node(`${vector}.part.${name}`, "Reshape", [flat[index]!, shapeName], [name]);
  });
  return [node(`${vector}.split`, "Split", [vector, sizes], flat), ...shaped];
}

/** The batch normalization in training mode, which gives its new running statistics, too. */
function normalizedByBatch(node: GraphNode, statisticsOf: Map<ValueName, ValueName>): GraphNode {
  const outputs = [node.outputs[0]!, `${node.outputs[0]}.mean`, `${node.outputs[0]}.variance`];
  statisticsOf.set(node.inputs[3]!, outputs[1]!);
  statisticsOf.set(node.inputs[4]!, outputs[2]!);
  return { ...node, outputs, attributes: { ...node.attributes, training_mode: int(1) } };
}

function scalar(builder: NetworkBuilder, value: ValueName, field: string): ValueName {
  const { elementType, shape } = builder.typeOf(value);
  if (elementType !== "float32" || shape.some((size) => size !== 1))
    throw new InputError(
      field,
      `${elementType} of the shape [${shape.join(", ")}]`,
      "make it a float32 scalar",
    );
  return shape.length === 0 ? value : builder.add("Reshape", [value, builder.constant(int64Tensor([]))]);
}

function flatGradient(builder: NetworkBuilder, loss: ValueName, layout: ParameterLayout): ValueName {
  const gradients = differentiate(
    builder,
    loss,
    layout.parts.map(({ name }) => name),
  );
  return joined(
    builder,
    layout.parts.map(({ name }) => gradients[name]!),
  );
}

function joined(builder: NetworkBuilder, parts: readonly ValueName[]): ValueName {
  const everything = builder.constant(int64Tensor([-1]));
  const flat = parts.map((part) => builder.add("Reshape", [part, everything]));
  return flat.length === 1 ? flat[0]! : builder.add("Concat", flat, { axis: int(0) });
}
