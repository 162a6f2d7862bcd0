import { elementTypeCodes } from "../graph/element-type-codes.js";
import type { Attribute, Dimension, Graph, GraphNode, OnnxModel, ValueType } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import { attributeTypes, longOf, modelType } from "./messages.js";

/**
 * An .onnx file of the model. The same model gives the same bytes, in whatever order its attributes and metadata were named.
 * Tensors stand in the file itself; attributes of 64-bit integers beyond their range are the nearest.
 */
export function writeOnnx(model: OnnxModel): Uint8Array {
  const domains = sorted({ ...model.domains });
  const message = modelType.create({
    irVersion: model.irVersion,
    producerName: model.producer,
    graph: graphMessage(model.graph),
    opsetImport: [
      { domain: "", version: model.opset },
      ...domains.map(([domain, version]) => ({ domain, version })),
    ],
    metadataProps: sorted(model.metadata).map(([key, value]) => ({ key, value })),
  });
  return Uint8Array.from(modelType.encode(message).finish());
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
}

function graphMessage(graph: Graph): object {
  return {
    name: graph.name,
    node: graph.nodes.map(nodeMessage),
    initializer: [...graph.initializers].map(([name, tensor]) => tensorMessage(tensor, name)),
    input: graph.inputs.map(({ name, type }) => ({ name, type: typeMessage(type) })),
    output: graph.outputs.map(({ name, type }) => ({ name, type: typeMessage(type) })),
  };
}

function nodeMessage(node: GraphNode): object {
  return {
    input: node.inputs,
    output: node.outputs,
    ...(node.name !== "" && { name: node.name }),
    opType: node.operator,
    attribute: sorted(node.attributes).map(([name, attribute]) => ({
      name,
      type: attributeTypes[attribute.kind],
      ...attributeMessage(attribute),
    })),
    ...(node.domain !== "" && { domain: node.domain }),
  };
}

function attributeMessage({ kind, value }: Attribute): object {
  switch (kind) {
    case "int":
      return { i: integer(value) };
    case "float":
      return { f: value };
    case "string":
      return { s: Buffer.from(value) };
    case "tensor":
      return { t: tensorMessage(value) };
    case "graph":
      return { g: graphMessage(value) };
    case "ints":
      return { ints: value.map(integer) };
    case "floats":
      return { floats: value };
    case "strings":
      return { strings: value.map((text) => Buffer.from(text)) };
  }
}

/** "To the end" is the largest integer, which as a double is beyond the range by one. */
function integer(value: number): object {
  if (value >= 2 ** 63) return longOf(2n ** 63n - 1n);
  return longOf(value <= -(2 ** 63) ? -(2n ** 63n) : BigInt(value));
}

function tensorMessage({ elementType, shape, data }: Tensor, name?: string): object {
  return {
    dims: shape,
    dataType: elementTypeCodes[elementType],
    ...(name !== undefined && { name }),
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

function typeMessage({ elementType, shape }: ValueType): object {
  return { tensorType: { elemType: elementTypeCodes[elementType], shape: { dim: shape.map(dimension) } } };
}

function dimension(size: Dimension): object {
  return typeof size === "number" ? { dimValue: size } : { dimParam: size };
}
