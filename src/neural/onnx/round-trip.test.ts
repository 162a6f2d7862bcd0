import fc from "fast-check";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  bytesOf,
  foreignInputs,
  foreignNetworks,
  ortTensors,
} from "../../../test/neural/foreign-networks.js";
import { createRandom } from "../../system/index.js";
import {
  type Attribute,
  type Dimension,
  float,
  type Graph,
  type GraphNode,
  int,
  ints,
  type OnnxModel,
  onnxModel,
  string,
  type ValueName,
  type ValueType,
} from "../graph/graph.js";
import {
  type ElementType,
  elementArray,
  elementCount,
  elementTypes,
  float32Tensor,
  int64Tensor,
  type Tensor,
} from "../graph/tensor.js";
import { readOnnx, writeOnnx } from "./index.js";

const seed = 71;
const identifier = fc.stringMatching(/^[a-zA-Z][\w./:é-]{0,8}$/);
const dimension: fc.Arbitrary<Dimension> = fc.oneof(fc.integer({ min: 0, max: 2 ** 31 - 1 }), identifier);

const tensor: fc.Arbitrary<Tensor> = fc
  .record({
    elementType: fc.constantFrom(...elementTypes),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    seed: fc.nat(),
  })
  .map(({ elementType, shape, seed: tensorSeed }) => filled(elementType, shape, tensorSeed));

/** A tensor of any bits, those of booleans 0 and 1. */
function filled(elementType: ElementType, shape: readonly number[], tensorSeed: number): Tensor {
  const data = elementArray(elementType, elementCount(shape));
  const random = createRandom(tensorSeed);
  const bytes = new Uint8Array(data.buffer);
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.integer(elementType === "bool" ? 2 : 256);
  // A NaN has many forms, of which a JavaScript engine need not keep the same.
  if (data instanceof Float32Array || data instanceof Float64Array)
    data.forEach((value, at) => {
      if (Number.isNaN(value)) data[at] = Number.POSITIVE_INFINITY;
    });
  return { elementType, shape, data };
}

const integer = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(2 ** 63, -(2 ** 63)));
const float32 = fc.float();
const type = fc.record({
  elementType: fc.constantFrom(...elementTypes),
  shape: fc.array(dimension, { maxLength: 5 }),
});

/** What a graph is made of; its values get their names, each its own, where it is put together. */
interface Material {
  readonly name: string;
  readonly inputs: readonly ValueType[];
  readonly outputs: readonly { readonly type: ValueType; readonly value: number }[];
  readonly initializers: readonly Tensor[];
  readonly nodes: readonly {
    readonly node: Omit<GraphNode, "inputs" | "outputs" | "attributes">;
    readonly inputs: readonly (number | undefined)[];
    readonly outputs: number;
    readonly attributes: Readonly<Record<string, Attribute | Material>>;
  }[];
}

const { material } = fc.letrec<{ attribute: Attribute | Material; material: Material }>((tie) => ({
  attribute: fc.oneof(
    { maxDepth: 2, depthIdentifier: "graph" },
    integer.map(int),
    float32.map(float),
    fc.string({ unit: "grapheme" }).map(string),
    tensor.map((value): Attribute => ({ kind: "tensor", value })),
    fc.array(integer).map(ints),
    fc.array(float32).map((value): Attribute => ({ kind: "floats", value })),
    fc.array(fc.string()).map((value): Attribute => ({ kind: "strings", value })),
    tie("material"),
  ),
  material: fc.record({
    name: fc.string(),
    inputs: fc.array(type, { maxLength: 3 }),
    outputs: fc.array(fc.record({ type, value: fc.nat() }), { maxLength: 3 }),
    initializers: fc.array(tensor, { maxLength: 3 }),
    nodes: fc.array(
      fc.record({
        node: fc.record({
          name: fc.string(),
          operator: identifier,
          domain: fc.constantFrom("", "com.example"),
        }),
        inputs: fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 3 }),
        outputs: fc.nat(3),
        attributes: fc.dictionary(identifier, tie("attribute"), { maxKeys: 3, noNullPrototype: true }),
      }),
      { maxLength: 3 },
    ),
  }),
}));

/** A valid graph of the material; `names` counts the values of the graphs around it, too. */
function assembled(given: Material, names = { next: 0 }): Graph {
  const defined: ValueName[] = [];
  const define = (stem: string): ValueName => {
    const name = `${stem}/${names.next++}`;
    defined.push(name);
    return name;
  };
  const pick = (at: number): ValueName => defined[at % defined.length] ?? "";
  const inputs = given.inputs.map((inputType) => ({ name: define("Eingang ü"), type: inputType }));
  const initializers = new Map(given.initializers.map((value) => [define("initializer"), value]));
  const nodes = given.nodes.map(({ node, inputs: used, outputs, attributes }): GraphNode => {
    const from = used.map((at) => (at === undefined ? "" : pick(at)));
    const made = Object.entries(attributes).map(([name, value]): [string, Attribute] => [
      name,
      "nodes" in value ? { kind: "graph", value: assembled(value, names) } : value,
    ]);
    return {
      ...node,
      inputs: from,
      attributes: Object.fromEntries(made),
      outputs: Array.from({ length: outputs }, (_, at) => (at === 1 ? "" : define("value"))),
    };
  });
  const outputs = new Map(given.outputs.map((output) => [pick(output.value), output.type]));
  outputs.delete("");
  return {
    name: given.name,
    inputs,
    outputs: [...outputs].map(([name, outputType]) => ({ name, type: outputType })),
    initializers,
    nodes,
  };
}

const model: fc.Arbitrary<OnnxModel> = fc.record({
  graph: material.map((given) => assembled(given)),
  opset: fc.integer({ min: 13, max: 20 }),
  domains: fc.dictionary(identifier, fc.nat(), { maxKeys: 2, noNullPrototype: true }),
  irVersion: fc.integer({ min: 3, max: 10 }),
  producer: fc.string(),
  metadata: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true }),
});

describe("a model", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(model, (written) => {
        expect(readOnnx(writeOnnx(written))).toEqual(written);
      }),
      { seed, numRuns: 300 },
    );
  });

  it("has the same bytes in whatever order its attributes and metadata were named", () => {
    const made = (names: readonly string[]): OnnxModel => ({
      ...onnxModel(
        {
          name: "network",
          inputs: [],
          outputs: [],
          initializers: new Map(),
          nodes: [
            {
              name: "node",
              operator: "Any",
              domain: "",
              inputs: [],
              outputs: ["y"],
              attributes: Object.fromEntries(names.map((name) => [name, int(name.length)])),
            },
          ],
        },
        Object.fromEntries(names.map((name) => [name, name])),
      ),
      domains: Object.fromEntries(names.map((name) => [name, 1])),
    });
    expect(writeOnnx(made(["b", "aa", "c"]))).toEqual(writeOnnx(made(["c", "b", "aa"])));
  });

  it("is understood by ONNX Runtime", async () => {
    const shape = int64Tensor([-1, 2]);
    const written = onnxModel({
      name: "network",
      inputs: [{ name: "x", type: { elementType: "float32", shape: ["batch", 3] } }],
      outputs: [{ name: "y", type: { elementType: "float32", shape: ["rows", 2] } }],
      initializers: new Map<string, Tensor>([
        ["weight", float32Tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [4, 3])],
        ["shape", shape],
      ]),
      nodes: [
        {
          name: "product",
          operator: "Gemm",
          domain: "",
          inputs: ["x", "weight"],
          outputs: ["product"],
          attributes: { transB: int(1), alpha: float(0.5) },
        },
        {
          name: "shaped",
          operator: "Reshape",
          domain: "",
          inputs: ["product", "shape"],
          outputs: ["y"],
          attributes: {},
        },
      ],
    });
    const session = await InferenceSession.create(writeOnnx(written));
    const { y } = await session.run({ x: new OrtTensor("float32", [1, 0, -1, 2, 2, 2], [2, 3]) });
    expect(y!.dims).toEqual([4, 2]);
    // Each row of the weight against each row of x, halved.
    expect([...(y!.data as Float32Array)]).toEqual([-1, -1, -1, -1, 6, 15, 24, 33]);
  });
});

describe.each(foreignNetworks)("the file $name", (network) => {
  it.skipIf(!network.isThere)("gives the same outputs when it was read and written", async () => {
    const bytes = bytesOf(network);
    const read = readOnnx(bytes);
    const rewritten = writeOnnx(read);
    expect(readOnnx(rewritten)).toEqual(read);

    const feeds = ortTensors(foreignInputs(read, 4, seed));
    const [original, again] = [
      await InferenceSession.create(bytes),
      await InferenceSession.create(rewritten),
    ];
    const [expected, actual] = [await original.run(feeds), await again.run(feeds)];
    expect(Object.keys(actual)).toEqual(read.graph.outputs.map((output) => output.name));
    for (const [output, value] of Object.entries(expected)) {
      expect(value.size).toBeGreaterThan(0);
      expect(actual[output]!.dims).toEqual(value.dims);
      expect(actual[output]!.data).toEqual(value.data);
    }
  });
});
