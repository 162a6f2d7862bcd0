import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { typeGraph } from "../graph/type-graph.js";
import { readOnnx } from "./index.js";
import { longOf, modelType, type TensorProto } from "./messages.js";
import { readTensor } from "./tensor.js";

type Message = Readonly<Record<string, unknown>>;

/** A file of a graph, written field by field, so that it can say what a model cannot. */
function file(graph: Message | undefined, more: Message = {}): Uint8Array {
  const opsetImport = [{ version: 18 }];
  return modelType.encode(modelType.create({ irVersion: 10, opsetImport, graph, ...more })).finish();
}

const value = (name: string, dim: Message[], elemType = 1): Message => ({
  name,
  type: { tensorType: { elemType, shape: { dim } } },
});
const x = value("x", [{ dimValue: 2 }]);
const node = (opType: string, input: string[], output: string[], attribute: Message[] = []): Message => ({
  name: `the ${opType}`,
  opType,
  input,
  output,
  attribute,
});
const initializer = (more: Message): Message => ({ initializer: [{ name: "weight", dataType: 1, ...more }] });
const four = new Uint8Array(16);
const absurd = [
  { value: 2n ** 63n - 1n, text: "9223372036854775807" },
  { value: 2n ** 31n, text: "2147483648" },
  { value: -1n, text: "-1" },
  { value: -(2n ** 63n), text: "-9223372036854775808" },
];

/** A chain of subgraphs. */
function nested(depth: number): Message {
  if (depth === 0) return { node: [node("Identity", ["x"], [`y${depth}`])] };
  const body = { name: "body", type: 5, g: nested(depth - 1) };
  return { node: [node("If", ["x"], [`y${depth}`], [body])] };
}

const refused: readonly { what: string; bytes: Uint8Array; says: string }[] = [
  { what: "nothing", bytes: new Uint8Array(), says: "graph: nothing is given" },
  { what: "text", bytes: Buffer.from("# not a network"), says: "damaged or no ONNX file" },
  { what: "zeros", bytes: new Uint8Array(1000), says: "damaged or no ONNX file" },
  {
    what: "a graph that says to be larger than the file",
    bytes: Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 7, 1),
    says: "file",
  },
  { what: "groups in groups", bytes: new Uint8Array(100_000).fill(0x0b), says: "file" },
  {
    what: "an operator set of the future",
    bytes: file({}, { opsetImport: [{ version: 99 }] }),
    says: "operator set: 99",
  },
  {
    what: "an operator set of long ago",
    bytes: file({}, { opsetImport: [{ version: 1 }] }),
    says: "operator set: 1",
  },
  { what: "no operator set", bytes: file({}, { opsetImport: [] }), says: "operator set: nothing is given" },
  {
    what: "an absurd operator set",
    bytes: file({}, { opsetImport: [{ version: longOf(2n ** 62n) }] }),
    says: 'operator set ""',
  },
  { what: "functions", bytes: file({}, { functions: [{}] }), says: "functions: " },
  {
    what: "a sparse initializer",
    bytes: file({ sparseInitializer: [{}] }),
    says: "sparse initializers of graph",
  },
  {
    what: "a cycle",
    bytes: file({ node: [node("Add", ["b", "b"], ["a"]), node("Add", ["a", "a"], ["b"])] }),
    says: 'input 0 of node "the Add" (Add): "b"',
  },
  {
    what: "a value from nowhere",
    bytes: file({ input: [x], node: [node("MatMul", ["x", "weight"], ["y"])] }),
    says: 'input 1 of node "the MatMul" (MatMul): "weight"',
  },
  { what: "an output from nowhere", bytes: file({ output: [value("y", [])] }), says: 'output: "y"' },
  {
    what: "two initializers of a name",
    bytes: file({
      initializer: [
        initializer({ rawData: four, dims: [4] }),
        initializer({ rawData: four, dims: [4] }),
      ].flatMap(({ initializer: list }) => list),
    }),
    says: 'initializer "weight"',
  },
  {
    what: "two attributes of a name",
    bytes: file({
      node: [
        node(
          "Any",
          [],
          [],
          [
            { name: "a", type: 2 },
            { name: "a", type: 2 },
          ],
        ),
      ],
    }),
    says: 'attributes of node "the Any" (Any): "a"',
  },
  {
    what: "two values of a name",
    bytes: file({ input: [x], node: [node("Relu", ["x"], ["x"])] }),
    says: 'output of node "the Relu" (Relu): "x"',
  },
  {
    what: "an operator without a name",
    bytes: file({ node: [{ output: ["y"] }] }),
    says: "operator of node 0",
  },
  {
    what: "data shorter than the shape",
    bytes: file(initializer({ dims: [5], rawData: four })),
    says: 'data of initializer "weight": "16 bytes"',
  },
  {
    what: "data longer than the shape",
    bytes: file(initializer({ dims: [3], rawData: four })),
    says: 'data of initializer "weight": "16 bytes"',
  },
  {
    what: "no data",
    bytes: file(initializer({ dims: [3] })),
    says: 'data of initializer "weight": "0 elements"',
  },
  {
    what: "typed data of another type",
    bytes: file(initializer({ dims: [1], doubleData: [1] })),
    says: 'data of initializer "weight": "0 elements"',
  },
  {
    what: "int64 data shorter than the shape",
    bytes: file(initializer({ dims: [3], dataType: 7, int64Data: [1, 2] })),
    says: 'data of initializer "weight": "2 elements"',
  },
  {
    what: "a product of sizes beyond all memory",
    bytes: file(initializer({ dims: new Array(60).fill(2 ** 31 - 1) })),
    says: 'shape of initializer "weight"',
  },
  {
    what: "a product of sizes beyond what a model may have",
    bytes: file(initializer({ dims: [2 ** 30] })),
    says: 'shape of initializer "weight"',
  },
  {
    what: "a hundred dimensions",
    bytes: file(initializer({ dims: new Array(100).fill(1), rawData: new Uint8Array(4) })),
    says: 'rank of initializer "weight": 100',
  },
  {
    what: "an input of a hundred dimensions",
    bytes: file({ input: [value("x", new Array(100).fill({ dimValue: 1 }))] }),
    says: 'rank of input "x": 100',
  },
  ...absurd.flatMap(({ value: size, text }) => [
    {
      what: `an initializer of the size ${text}`,
      bytes: file(initializer({ dims: [longOf(size)] })),
      says: `dimension 0 of initializer "weight": ${text}`,
    },
    {
      what: `an input of the size ${text}`,
      bytes: file({ input: [value("x", [{ dimValue: longOf(size) }])] }),
      says: `dimension 0 of input "x": ${text}`,
    },
  ]),
  ...[0, 8, 14, 16, 23, -1, 1000].flatMap((code) => [
    {
      what: `an initializer of the element type ${code}`,
      bytes: file(initializer({ dataType: code })),
      says: `element type of initializer "weight": ${code}`,
    },
    {
      what: `an input of the element type ${code}`,
      bytes: file({ input: [value("x", [], code)] }),
      says: `element type of input "x": ${code}`,
    },
  ]),
  { what: "an input without a type", bytes: file({ input: [{ name: "x" }] }), says: 'type of input "x"' },
  {
    what: "an input without a shape",
    bytes: file({ input: [{ name: "x", type: { tensorType: { elemType: 1 } } }] }),
    says: 'shape of input "x"',
  },
  {
    what: "an attribute of an unknown type",
    bytes: file({ node: [node("Any", [], [], [{ name: "a", type: 99 }])] }),
    says: 'type of attribute a of node "the Any" (Any): 99',
  },
  {
    what: "an attribute that a function gives",
    bytes: file({ node: [node("Any", [], [], [{ name: "a", type: 2, refAttrName: "b" }])] }),
    says: "attribute a of node",
  },
  {
    what: "a tensor attribute without a tensor",
    bytes: file({ node: [node("Any", [], [], [{ name: "a", type: 4 }])] }),
    says: "attribute a of node",
  },
  {
    what: "a graph attribute without a graph",
    bytes: file({ node: [node("Any", [], [], [{ name: "a", type: 5 }])] }),
    says: "attribute a of node",
  },
  {
    what: "an integer that no double holds",
    bytes: file({ node: [node("Any", [], [], [{ name: "a", type: 2, i: longOf(2n ** 60n + 1n) }])] }),
    says: "attribute a of node",
  },
  { what: "thirty subgraphs in each other", bytes: file(nested(30)), says: "nest at most ten subgraphs" },
  {
    what: "a value of an inner graph used outside",
    bytes: file({
      node: [
        node("If", [], ["z"], [{ name: "body", type: 5, g: { node: [node("Relu", [""], ["inner"])] } }]),
        node("Relu", ["inner"], ["y"]),
      ],
    }),
    says: '"inner" is not accepted',
  },
  {
    what: "external data without a directory",
    bytes: file(initializer({ dims: [4], dataLocation: 1, externalData: [{ key: "location", value: "w" }] })),
    says: 'external data of initializer "weight": "w"',
  },
];

describe("a hostile file", () => {
  it.each(refused)("with $what is refused", ({ bytes, says }) => {
    expect(() => readOnnx(bytes)).toThrow(InputError);
    expect(() => readOnnx(bytes)).toThrow(says);
  });

  it("with ten subgraphs in each other is read", () => {
    expect(() => readOnnx(file({ ...nested(10), input: [x] }))).not.toThrow();
  });

  it("of millions of fields is refused before it is decoded", () => {
    // Two bytes of an empty node each; decoded, they would take gigabytes.
    const nodes = Buffer.alloc(2 * 2 ** 24);
    for (let at = 0; at < nodes.length; at += 2) nodes[at] = 0x0a;
    const head = Buffer.from([0x3a, 0x80, 0x80, 0x80, 0x10]);
    const before = process.memoryUsage().rss;
    expect(() => readOnnx(Buffer.concat([head, nodes]))).toThrow("give a model of fewer nodes");
    expect(process.memoryUsage().rss - before).toBeLessThan(500e6);
  });

  it("whose names are those of an object's own properties is read as any other", () => {
    const attribute = [{ name: "__proto__", type: 2, i: 5 }];
    const names = ["__proto__", "constructor", "toString"];
    const graph = {
      input: names.map((name) => value(name, [{ dimParam: name }])),
      node: [node("Any", ["constructor"], ["hasOwnProperty"], attribute)],
    };
    const model = readOnnx(file(graph, { metadataProps: [{ key: "__proto__", value: "v" }] }));
    expect(Object.entries(model.graph.nodes[0]!.attributes)).toEqual([
      ["__proto__", { kind: "int", value: 5 }],
    ]);
    expect(Object.entries(model.metadata)).toEqual([["__proto__", "v"]]);
    expect(() => typeGraph(model, {})).toThrow('dimension "__proto__": nothing is given');
  });

  it("of old, whose initializers are inputs as well, has them as initializers", () => {
    const graph = {
      ...initializer({ dims: [2], floatData: [1, 2] }),
      input: [x, value("weight", [{ dimValue: 2 }])],
    };
    const read = readOnnx(file(graph, { irVersion: 3 }));
    expect(read.graph.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(read.graph.initializers.get("weight")?.data).toEqual(Float32Array.of(1, 2));
  });

  it("without names for its dimensions gets some that no other has", () => {
    const graph = { input: [value("x", [{}, { dimParam: "x.0" }, {}]), value("z", [{}])] };
    const shapes = readOnnx(file(graph)).graph.inputs.map(({ type }) => type.shape);
    expect(shapes).toEqual([["x.0_1", "x.0", "x.2"], ["z.0"]]);
  });
});

describe("typed data", () => {
  it.each([
    { dataType: 1, floatData: [1.5, -2], expected: Float32Array.of(1.5, -2) },
    { dataType: 11, doubleData: [1.5, -2], expected: Float64Array.of(1.5, -2) },
    { dataType: 10, int32Data: [0x3c00, 0xc000], expected: Uint16Array.of(0x3c00, 0xc000) },
    { dataType: 3, int32Data: [-1, 127], expected: Int8Array.of(-1, 127) },
    { dataType: 2, int32Data: [255, 0], expected: Uint8Array.of(255, 0) },
    { dataType: 5, int32Data: [-1, 300], expected: Int16Array.of(-1, 300) },
    { dataType: 4, int32Data: [65535, 0], expected: Uint16Array.of(65535, 0) },
    { dataType: 6, int32Data: [-1, 2 ** 31 - 1], expected: Int32Array.of(-1, 2 ** 31 - 1) },
    { dataType: 9, int32Data: [7, 0], expected: Uint8Array.of(1, 0) },
    { dataType: 12, uint64Data: [2 ** 32 - 1, 1], expected: Uint32Array.of(2 ** 32 - 1, 1) },
    {
      dataType: 7,
      int64Data: [longOf(-(2n ** 62n) - 1n), 5],
      expected: BigInt64Array.of(-(2n ** 62n) - 1n, 5n),
    },
    { dataType: 13, uint64Data: [longOf(-1n), 5], expected: BigUint64Array.of(2n ** 64n - 1n, 5n) },
  ])("of element type $dataType are read exactly", ({ expected, ...data }) => {
    const { initializers } = readOnnx(file(initializer({ dims: [2], ...data }))).graph;
    expect(initializers.get("weight")!.data).toEqual(expected);
  });
});

describe("external data", () => {
  const root = mkdtempSync(join(tmpdir(), "neuroran-external-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const directory = join(root, "model");
  mkdirSync(join(directory, "parts"), { recursive: true });
  const numbers = Buffer.from(Float32Array.of(9, 1, 2, 3, 4).buffer);
  writeFileSync(join(directory, "parts/weights"), numbers);
  writeFileSync(join(root, "secret"), numbers);
  symlinkSync("../secret", join(directory, "link"));
  symlinkSync("..", join(directory, "up"));
  symlinkSync("loop", join(directory, "loop"));
  symlinkSync("parts/weights", join(directory, "inner"));

  const read = (entries: Readonly<Record<string, string>>, dims: readonly number[] = [4]) => {
    const externalData = Object.entries(entries).map(([key, text]) => ({ key, value: text }));
    return readOnnx(file(initializer({ dims, dataLocation: 1, externalData })), { directory });
  };

  it.each([{ location: "parts/weights" }, { location: "./parts/weights" }, { location: "inner" }])(
    "inside the model's directory are read: $location",
    ({ location }) => {
      const { initializers } = read({ location, offset: "4", length: "16" }).graph;
      expect(initializers.get("weight")!.data).toEqual(Float32Array.of(1, 2, 3, 4));
    },
  );

  it.each([
    { entries: { location: "../secret" }, says: "inside the model's directory" },
    { entries: { location: "parts/../../secret" }, says: "inside the model's directory" },
    { entries: { location: "..\\secret" }, says: "inside the model's directory" },
    { entries: { location: join(root, "secret") }, says: "inside the model's directory" },
    { entries: { location: join(directory, "parts/weights") }, says: "inside the model's directory" },
    { entries: { location: "link" }, says: "inside the model's directory" },
    { entries: { location: "up/secret" }, says: "inside the model's directory" },
    { entries: { location: "." }, says: "inside the model's directory" },
    { entries: { location: "parts" }, says: "inside the model's directory" },
    { entries: { location: "parts/weights\0" }, says: "inside the model's directory" },
    { entries: { location: "loop" }, says: "beside the model" },
    { entries: { location: "missing" }, says: "beside the model" },
    { entries: { location: "" }, says: "beside the model" },
    { entries: {}, says: "beside the model" },
    { entries: { location: "parts/weights", offset: "8" }, says: "bytes 8 to 24 are the tensor's" },
    { entries: { location: "parts/weights", offset: "-4" }, says: "offset of the external data" },
    { entries: { location: "parts/weights", offset: "9".repeat(30) }, says: "offset of the external data" },
    { entries: { location: "parts/weights", length: "12" }, says: "its shape takes 16 bytes" },
  ])("of $entries are refused", ({ entries, says }) => {
    const given = entries as unknown as Readonly<Record<string, string>>;
    expect(() => read(given)).toThrow(InputError);
    expect(() => read(given)).toThrow(says);
    expect(() => read(given)).toThrow('external data of initializer "weight"');
  });

  it("of a pipe are refused at once", () => {
    execFileSync("mkfifo", [join(directory, "pipe")]);
    expect(() => read({ location: "pipe" })).toThrow("inside the model's directory");
  });

  it("may not have more bytes than is left to the model", () => {
    const message = modelType.toObject(
      modelType.decode(
        file(
          initializer({ dims: [4], dataLocation: 1, externalData: [{ key: "location", value: "inner" }] }),
        ),
      ),
      { defaults: true, bytes: Uint8Array },
    ) as { graph: { initializer: TensorProto[] } };
    const source = { directory, remaining_bytes: 24 };
    const tensor = message.graph.initializer[0]!;
    expect(readTensor("first", tensor, source).data).toEqual(Float32Array.of(9, 1, 2, 3));
    expect(() => readTensor("second", tensor, source)).toThrow("shape of second");
  });
});
