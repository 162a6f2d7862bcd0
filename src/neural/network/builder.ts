import { NeuroranError } from "../../errors.js";
import type {
  Attribute,
  Graph,
  GraphNode,
  GraphValue,
  TensorType,
  ValueName,
  ValueType,
} from "../graph/graph.js";
import { OPSET } from "../graph/graph.js";
import { type ElementType, float32Tensor, type Tensor } from "../graph/tensor.js";
import { inferNode } from "../operators/inference.js";
import { numericTensor } from "../operators/numeric.js";
import type { NumericTensor } from "../operators/operator.js";

/** Size that stands for a named dimension while a graph is built: inference works on numbers. */
const PROBE = 2;

/**
 * Builds an ONNX graph node by node. Values are their names; the type of each is known as soon as it is made.
 *
 * ```ts
 * const network = networkBuilder("demapper");
 * const symbols = network.input("symbols", "float32", ["batch", 2]);
 * const weight = network.initializer("weight", float32Tensor(weights, [2, 4]));
 * network.output("llrs", network.add("MatMul", [symbols, weight]), ["batch", 4]);
 * const graph = network.graph();
 * ```
 */
export interface NetworkBuilder {
  /** A value that is given at each call. A named dimension is bound when the model is instantiated. */
  input(name: string, elementType: ElementType, shape: ValueType["shape"]): ValueName;
  /** A parameter or a constant under its own name. */
  initializer(name: string, value: Tensor): ValueName;
  /** A constant of a name of its own: float32 for a number or an array, of shape [] or [length]. */
  constant(value: number | readonly number[] | Tensor): ValueName;
  /** Appends a node and returns its first output. `undefined` leaves an optional input out. */
  add(
    operator: string,
    inputs: readonly (ValueName | undefined)[],
    attributes?: Readonly<Record<string, Attribute>>,
  ): ValueName;
  /** Appends a node of several outputs and returns them all. */
  addMany(
    operator: string,
    inputs: readonly (ValueName | undefined)[],
    outputs: number,
    attributes?: Readonly<Record<string, Attribute>>,
  ): ValueName[];
  /** Makes a value an output of the graph; its type may name dimensions again. */
  output(name: string, value: ValueName, shape?: ValueType["shape"]): void;
  /** The type of a value; named dimensions count 2 in it. */
  typeOf(value: ValueName): TensorType;
  /** The number of a value that does not depend on inputs, if that is known. */
  constantOf(value: ValueName): NumericTensor | undefined;
  /** A name that no value has yet, beginning with `stem`. */
  unique(stem: string): string;
  /** Version of ONNX's operator set that the nodes are of. */
  readonly opset: number;
  /** The nodes so far, in topological order. */
  nodes(): readonly GraphNode[];
  /** Names of the dimensions whose size is not known and counts 2. */
  unboundDimensions(): ReadonlySet<string>;
  graph(): Graph;
}

/** What a builder goes on from. */
export interface BuilderOptions {
  /** Version of ONNX's operator set; the project's own unless given. */
  readonly opset?: number;
  /** A graph whose inputs, initializers and nodes stand at the beginning; its outputs are not taken over. */
  readonly from?: Graph;
  /** Sizes of named dimensions; 2 unless given. */
  readonly dimensions?: Readonly<Record<string, number>>;
}

/** @throws InputError for a graph in `from` that is not valid. */
export function networkBuilder(name: string, options: BuilderOptions = {}): NetworkBuilder {
  const { opset = OPSET, from, dimensions = {} } = options;
  const inputs: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  const initializers = new Map<ValueName, Tensor>();
  const nodes: GraphNode[] = [];
  const types = new Map<ValueName, TensorType>();
  const constants = new Map<ValueName, NumericTensor>();
  const counters = new Map<string, number>();
  const unbound = new Set<string>();

  const bound = (type: ValueType): TensorType => ({
    elementType: type.elementType,
    shape: type.shape.map((size) => (typeof size === "number" ? size : (dimensions[size] ?? PROBE))),
  });

  function declare(value: ValueName, type: TensorType): void {
    if (value === "" || types.has(value))
      throw new NeuroranError(
        "GRAPH_INVALID",
        `value ${JSON.stringify(value)} is defined twice or has no name`,
      );
    types.set(value, type);
  }

  function typeOf(value: ValueName): TensorType {
    const type = types.get(value);
    if (type === undefined)
      throw new NeuroranError("GRAPH_INVALID", `value ${JSON.stringify(value)} is not defined`);
    return type;
  }

  function unique(stem: string): string {
    for (;;) {
      const count = counters.get(stem) ?? 0;
      counters.set(stem, count + 1);
      const candidate = count === 0 ? stem : `${stem}_${count}`;
      if (!types.has(candidate)) return candidate;
    }
  }

  function input(inputName: string, elementType: ElementType, shape: ValueType["shape"]): ValueName {
    const type = { elementType, shape };
    declare(inputName, bound(type));
    for (const size of shape)
      if (typeof size === "string" && dimensions[size] === undefined) unbound.add(size);
    inputs.push({ name: inputName, type });
    return inputName;
  }

  function initializer(initializerName: string, value: Tensor): ValueName {
    declare(initializerName, { elementType: value.elementType, shape: value.shape });
    initializers.set(initializerName, value);
    return initializerName;
  }

  function constant(value: number | readonly number[] | Tensor): ValueName {
    if (typeof value === "number") return initializer(unique("constant"), float32Tensor([value], []));
    return initializer(unique("constant"), "elementType" in value ? value : float32Tensor(value));
  }

  function constantOf(value: ValueName): NumericTensor | undefined {
    const known = constants.get(value);
    if (known !== undefined) return known;
    const initial = initializers.get(value);
    if (initial === undefined) return undefined;
    const numeric = numericTensor(initial);
    constants.set(value, numeric);
    return numeric;
  }

  function append(node: GraphNode): void {
    const result = inferNode({
      node,
      opset,
      inputTypes: node.inputs.map((value) => (value === "" ? undefined : typeOf(value))),
      constant: (index) => constantOf(node.inputs[index] ?? ""),
    });
    node.outputs.forEach((value, index) => {
      if (value === "") return;
      declare(value, result.types[index]!);
      const known = result.constants?.[index];
      if (known !== undefined) constants.set(value, known);
    });
    nodes.push(node);
  }

  function addMany(
    operator: string,
    given: readonly (ValueName | undefined)[],
    count: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): ValueName[] {
    const stem = unique(operator);
    const made = Array.from({ length: count }, (_, index) => (index === 0 ? stem : `${stem}:${index}`));
    const used = given.map((value) => value ?? "");
    while (used.at(-1) === "") used.pop();
    append({ name: stem, operator, domain: "", inputs: used, outputs: made, attributes });
    return made;
  }

  function output(outputName: string, value: ValueName, shape?: ValueType["shape"]): void {
    const type = typeOf(value);
    let named = value;
    if (value !== outputName) {
      // An output bears its own name, and a graph may hand one value out under several.
      append({
        name: unique(`${outputName}.output`),
        operator: "Identity",
        domain: "",
        inputs: [value],
        outputs: [outputName],
        attributes: {},
      });
      named = outputName;
    }
    outputs.push({ name: named, type: { elementType: type.elementType, shape: shape ?? type.shape } });
  }

  if (from !== undefined) {
    for (const { name: inputName, type } of from.inputs) input(inputName, type.elementType, type.shape);
    for (const [initializerName, value] of from.initializers) initializer(initializerName, value);
    for (const node of from.nodes) append(node);
  }

  return {
    input,
    initializer,
    constant,
    add: (operator, given, attributes) => addMany(operator, given, 1, attributes)[0]!,
    addMany,
    output,
    typeOf,
    constantOf,
    unique,
    opset,
    nodes: () => [...nodes],
    unboundDimensions: () => unbound,
    graph: () => ({
      name,
      inputs: [...inputs],
      outputs: [...outputs],
      initializers: new Map(initializers),
      nodes: [...nodes],
    }),
  };
}
