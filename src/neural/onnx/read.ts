import { InputError, NeuroranError } from "../../errors.js";
import { checkGraph } from "../graph/check.js";
import type {
  Attribute,
  Dimension,
  Graph,
  GraphNode,
  GraphValue,
  OnnxModel,
  ValueName,
} from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import { checkLimits, largestModel_bytes } from "./limits.js";
import {
  type AttributeProto,
  attributeTypes,
  bigintOf,
  type GraphProto,
  type Long,
  type ModelProto,
  modelType,
  type NodeProto,
  type StringStringEntryProto,
  type ValueInfoProto,
} from "./messages.js";
import { checkRank, elementTypeOf, readTensor, sizeOf, type TensorSource } from "./tensor.js";

/** Operator sets that are understood. */
const oldestOpset = 13;
const newestOpset = 20;

export interface ReadOptions {
  /** Where the file stands: external data are read from there and from nowhere else. */
  readonly directory?: string;
}

/**
 * The model of an .onnx file. Dimensions without a name get one, `<value>.<axis>`; initializers that are also listed as
 * inputs, as files of IR version 3 do, are initializers only.
 * @throws InputError, naming what is wrong, for bytes that are no such file, and for what a graph of dense tensors
 * cannot hold: sparse and string tensors, sequences, functions. The graph is valid as {@link checkGraph} has it.
 */
export function readOnnx(bytes: Uint8Array, options: ReadOptions = {}): OnnxModel {
  const message = decode(bytes);
  if (message.graph === null) throw new InputError("graph", undefined, "give an ONNX model");
  if (message.functions.length > 0)
    throw new InputError(
      "functions",
      `${message.functions.length} functions`,
      "inline them (onnx.inliner) before",
    );
  const source = { directory: options.directory, remaining_bytes: largestModel_bytes };
  const sets = operatorSets(message);
  const graph = graphReader(source).read("graph", message.graph);
  checkGraph(graph);
  return {
    graph,
    ...sets,
    irVersion: integer("IR version", message.irVersion),
    producer: message.producerName,
    metadata: entries("metadata", message.metadataProps),
  };
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    checkLimits(bytes);
    return modelType.decode(bytes) as unknown as ModelProto;
  } catch (cause) {
    if (cause instanceof NeuroranError) throw cause;
    const remedy = `it is damaged or no ONNX file: ${(cause as Error).message}`;
    throw new InputError("file", `${bytes.length} bytes`, remedy, { cause });
  }
}

function operatorSets({ opsetImport }: ModelProto): Pick<OnnxModel, "opset" | "domains"> {
  let opset: number | undefined;
  const domains = new Map<string, number>();
  for (const { domain, version } of opsetImport) {
    const number = integer(`version of operator set ${JSON.stringify(domain)}`, version);
    if (domain === "" || domain === "ai.onnx") opset = number;
    else domains.set(domain, number);
  }
  if (opset === undefined || opset < oldestOpset || opset > newestOpset)
    throw new InputError(
      "version of ONNX's operator set",
      opset,
      `convert the model (onnx.version_converter) to one from ${oldestOpset} to ${newestOpset}`,
    );
  return { opset, domains: Object.fromEntries(domains) };
}

function entries(
  where: string,
  messages: readonly StringStringEntryProto[],
): Readonly<Record<string, string>> {
  const found = new Map(messages.map(({ key, value }) => [key, value]));
  if (found.size !== messages.length) throw new InputError(where, "a key twice", "give each key once");
  return Object.fromEntries(found);
}

/** An integer as a double; the ends of the range of 64 bits, which stand for "to the end", may be rounded. */
function integer(where: string, value: Long): number {
  const exact = bigintOf(value);
  const number = Number(exact);
  if (!Number.isSafeInteger(number) && exact < 2n ** 63n - 1n && exact > -(2n ** 63n) + 1n)
    throw new InputError(where, exact, "give an integer within ±2^53");
  return number;
}

/** Reads graphs of one file, whose dimensions share their names. */
function graphReader(source: TensorSource): { read(where: string, message: GraphProto): Graph } {
  const dimensionNames = new Set<string>();

  function read(where: string, message: GraphProto): Graph {
    if (message.sparseInitializer.length > 0)
      throw new InputError(`sparse initializers of ${where}`, "a sparse tensor", "make them dense");
    for (const { type } of [...message.input, ...message.output])
      for (const { dimParam } of type?.tensorType?.shape?.dim ?? []) dimensionNames.add(dimParam);
    const initializers = new Map<ValueName, Tensor>();
    for (const tensor of message.initializer) {
      const what = `initializer ${JSON.stringify(tensor.name)}`;
      if (tensor.name === "" || initializers.has(tensor.name))
        throw new InputError(what, tensor.name, "give each initializer a name of its own");
      initializers.set(tensor.name, readTensor(what, tensor, source));
    }
    return {
      name: message.name,
      inputs: message.input
        .filter(({ name }) => !initializers.has(name))
        .map((value) => edge("input", value)),
      outputs: message.output.map((value) => edge("output", value)),
      initializers,
      nodes: message.node.map((node, index) => readNode(node, index)),
    };
  }

  function edge(kind: string, { name, type }: ValueInfoProto): GraphValue {
    const where = `${kind} ${JSON.stringify(name)}`;
    const tensorType = type?.tensorType ?? null;
    if (tensorType === null)
      throw new InputError(`type of ${where}`, undefined, "give it the type of a dense tensor");
    const { shape } = tensorType;
    if (shape === null)
      throw new InputError(`shape of ${where}`, undefined, "infer shapes (onnx.shape_inference) before");
    checkRank(where, shape.dim.length);
    const sizes = shape.dim.map((dimension, axis): Dimension => {
      if (Object.hasOwn(dimension, "dimValue")) return sizeOf(where, axis, dimension.dimValue);
      return dimension.dimParam === "" ? unnamed(`${name}.${axis}`) : dimension.dimParam;
    });
    return { name, type: { elementType: elementTypeOf(where, tensorType.elemType), shape: sizes } };
  }

  function unnamed(stem: string): string {
    let name = stem;
    for (let count = 1; dimensionNames.has(name); count++) name = `${stem}_${count}`;
    dimensionNames.add(name);
    return name;
  }

  function readNode(message: NodeProto, index: number): GraphNode {
    const { name, opType, domain, input, output } = message;
    const where = `node ${name === "" ? index : JSON.stringify(name)} (${opType})`;
    if (opType === "") throw new InputError(`operator of ${where}`, undefined, "name one");
    const attributes = new Map<string, Attribute>();
    for (const attribute of message.attribute) {
      if (attribute.name === "" || attributes.has(attribute.name))
        throw new InputError(`attributes of ${where}`, attribute.name, "give each a name of its own");
      attributes.set(attribute.name, readAttribute(`attribute ${attribute.name} of ${where}`, attribute));
    }
    return {
      name,
      operator: opType,
      domain,
      inputs: [...input],
      outputs: [...output],
      attributes: Object.fromEntries(attributes),
    };
  }

  function readAttribute(where: string, message: AttributeProto): Attribute {
    if (message.refAttrName !== "")
      throw new InputError(
        where,
        message.refAttrName,
        "references to a function's attributes have no value here",
      );
    switch (message.type) {
      case attributeTypes.int:
        return { kind: "int", value: integer(where, message.i) };
      case attributeTypes.float:
        return { kind: "float", value: message.f };
      case attributeTypes.string:
        return { kind: "string", value: text(message.s) };
      case attributeTypes.ints:
        return { kind: "ints", value: message.ints.map((value) => integer(where, value)) };
      case attributeTypes.floats:
        return { kind: "floats", value: [...message.floats] };
      case attributeTypes.strings:
        return { kind: "strings", value: message.strings.map(text) };
      case attributeTypes.tensor:
        if (message.t === null) throw new InputError(where, undefined, "give it a tensor");
        return { kind: "tensor", value: readTensor(where, message.t, source) };
      case attributeTypes.graph:
        if (message.g === null) throw new InputError(where, undefined, "give it a graph");
        return { kind: "graph", value: read(`the graph of ${where}`, message.g) };
      default:
        throw new InputError(
          `type of ${where}`,
          message.type,
          `use one of ${Object.entries(attributeTypes)
            .map(([name, code]) => `${code} (${name})`)
            .join(", ")}`,
        );
    }
  }

  return { read };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
