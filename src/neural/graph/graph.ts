import type { ElementType, Tensor } from "./tensor.js";

/** A size, or the name of one that is given when a model is instantiated, such as "batch". */
export type Dimension = number | string;

/** Type of a value at the edge of a graph. */
export interface ValueType {
  readonly elementType: ElementType;
  readonly shape: readonly Dimension[];
}

/** Type of a value once all dimensions are bound. */
export interface TensorType {
  readonly elementType: ElementType;
  readonly shape: readonly number[];
}

/** What an attribute of each kind holds. */
export interface AttributeValues {
  int: number;
  float: number;
  string: string;
  tensor: Tensor;
  graph: Graph;
  ints: readonly number[];
  floats: readonly number[];
  strings: readonly string[];
}

/** An attribute of a node, as ONNX types it. */
export type Attribute = {
  [K in keyof AttributeValues]: { readonly kind: K; readonly value: AttributeValues[K] };
}[keyof AttributeValues];

/** The name of a value; a graph assigns each once. "" stands for an optional input that is left out. */
export type ValueName = string;

/** One operation of a graph. */
export interface GraphNode {
  readonly name: string;
  /** ONNX operator type, such as "Gemm". */
  readonly operator: string;
  /** "" is ONNX's own domain. */
  readonly domain: string;
  readonly inputs: readonly ValueName[];
  readonly outputs: readonly ValueName[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A named value at the edge of a graph. */
export interface GraphValue {
  readonly name: ValueName;
  readonly type: ValueType;
}

/** An ONNX graph as data. Nodes stand in topological order. */
export interface Graph {
  readonly name: string;
  /** Without the initializers. */
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Constants and parameters, by name. */
  readonly initializers: ReadonlyMap<ValueName, Tensor>;
  readonly nodes: readonly GraphNode[];
}

/** A graph with what ONNX says about it. */
export interface OnnxModel {
  readonly graph: Graph;
  /** Version of ONNX's own operator set. */
  readonly opset: number;
  /** Versions of other operator sets by domain. */
  readonly domains: Readonly<Record<string, number>>;
  readonly irVersion: number;
  readonly producer: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The operator set that graphs built here use. */
export const OPSET = 18;

export const int = (value: number): Attribute => ({ kind: "int", value });
export const float = (value: number): Attribute => ({ kind: "float", value });
export const string = (value: string): Attribute => ({ kind: "string", value });
export const ints = (value: readonly number[]): Attribute => ({ kind: "ints", value });
export const floats = (value: readonly number[]): Attribute => ({ kind: "floats", value });

/** A model of a graph that was built here. */
export function onnxModel(graph: Graph, metadata: Readonly<Record<string, string>> = {}): OnnxModel {
  return { graph, opset: OPSET, domains: {}, irVersion: 10, producer: "neuroran", metadata };
}
