/**
 * How near do the operators of a training come to what ONNX Runtime itself can do on one processor?
 *
 *     npm run build && node dist/bench/training-operators.js [--operator Conv] [--seconds 0.3] [--seed 1] [--json]
 *
 * For each case: a graph of the one operator, and the graph of its gradients to all inputs, given the gradient to its
 * output. The rates are those of the median. Products are counted in floating-point operations, two for each
 * multiplication and addition: forward as the definition has them, backward twice as many, as there are two gradients of
 * as many each. What is no product is counted in elements of its input. The share is that of ONNX Runtime's own rate in
 * this run: of a product of two 512 x 512 matrices, which is measured first together with a 3 x 3 convolution of 64 to 64
 * channels over 72 x 14 with constant weights. A session has one thread, its calls come from JavaScript, and times are
 * processor time of this process: what other programs take is not counted, but that they displace the caches is.
 *
 * Not measured: what a whole training graph gains by fusion and loses by caches that other operators fill.
 */
import { parseArgs } from "node:util";
import { fixed, percentage, table } from "../src/cli/format.js";
import { describeMachine, machineLine } from "../src/cli/machine.js";
import { percentile } from "../src/functions/index.js";
import { openSession } from "../src/neural/engines/onnxruntime/session.js";
import {
  type Attribute,
  type Graph,
  type GraphNode,
  int,
  ints,
  onnxModel,
} from "../src/neural/graph/graph.js";
import { elementCount, float32Tensor, type Tensor } from "../src/neural/graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../src/neural/network/builder.js";
import { writeOnnx } from "../src/neural/onnx/index.js";
import { operatorOf } from "../src/neural/operators/inference.js";
import { createRandom } from "../src/system/index.js";

const { values } = parseArgs({
  options: {
    operator: { type: "string", default: "" },
    seconds: { type: "string", default: "0.3" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) fail(`--seconds takes a number above 0, not ${values.seconds}`);
const seed = Number(values.seed);
if (!Number.isSafeInteger(seed)) fail(`--seed takes a whole number, not ${values.seed}`);
const random = createRandom(seed);

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

/** One operator at sizes as trainings have them. */
interface Case {
  readonly operator: string;
  readonly what: string;
  readonly inputs: readonly (readonly number[])[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Floating-point operations forward; elements of the first input count where it is left out. */
  readonly operations?: number;
}

function convolution(
  what: string,
  [batch, from, to, groups]: readonly [number, number, number, number],
  [rows, columns]: readonly [number, number],
  kernel: number,
  dilations: readonly [number, number] = [1, 1],
): Case {
  const [down, across] = dilations.map((dilation) => (dilation * (kernel - 1)) / 2) as [number, number];
  return {
    operator: "Conv",
    what,
    inputs: [
      [batch, from, rows, columns],
      [to, from / groups, kernel, kernel],
    ],
    attributes: {
      pads: ints([down, across, down, across]),
      dilations: ints(dilations),
      kernel_shape: ints([kernel, kernel]),
      group: int(groups),
    },
    operations: 2 * batch * to * rows * columns * (from / groups) * kernel ** 2,
  };
}

function recurrent(operator: "LSTM" | "GRU", steps: number, batch: number, size: number): Case {
  const rows = (operator === "LSTM" ? 4 : 3) * size;
  return {
    operator,
    what: `${steps} steps, batch ${batch}, ${size} units`,
    inputs: [
      [steps, batch, size],
      [1, rows, size],
      [1, rows, size],
      [1, 2 * rows],
    ],
    attributes: { hidden_size: int(size) },
    operations: 2 * steps * batch * rows * 2 * size,
  };
}

const image: readonly [number, number] = [72, 14];
const tensor = [16, 32, 72, 14];
const cases: readonly Case[] = [
  {
    operator: "MatMul",
    what: "[4096, 64] by [64, 64]",
    inputs: [
      [4096, 64],
      [64, 64],
    ],
    operations: 2 * 4096 * 64 * 64,
  },
  {
    operator: "MatMul",
    what: "[1024, 256] by [256, 256]",
    inputs: [
      [1024, 256],
      [256, 256],
    ],
    operations: 2 * 1024 * 256 * 256,
  },
  {
    operator: "Gemm",
    what: "[8192, 16] by [16, 32]",
    inputs: [[8192, 16], [16, 32], [32]],
    operations: 2 * 8192 * 16 * 32,
  },
  convolution("3 x 3, 32 channels, 16 images of 72 x 14", [16, 32, 32, 1], image, 3),
  convolution("3 x 3 with dilations 2, 3", [16, 32, 32, 1], image, 3, [2, 3]),
  convolution("3 x 3, 64 channels, 8 images", [8, 64, 64, 1], image, 3),
  convolution("1 x 1, 32 channels", [16, 32, 32, 1], image, 1),
  convolution("1 x 1, 64 channels", [16, 64, 64, 1], image, 1),
  convolution("3 x 3, 4 to 32 channels", [16, 4, 32, 1], image, 3),
  convolution("3 x 3, 32 to 4 channels", [16, 32, 4, 1], image, 3),
  convolution("3 x 3, 32 channels in 4 groups", [16, 32, 32, 4], image, 3),
  convolution("3 x 3, depthwise of 32 channels", [16, 32, 32, 32], image, 3),
  {
    operator: "ConvTranspose",
    what: "2 x 2, stride 2, 32 channels, 16 images of 36 x 7",
    inputs: [
      [16, 32, 36, 7],
      [32, 32, 2, 2],
    ],
    attributes: { strides: ints([2, 2]) },
    operations: 2 * 16 * 32 * 32 * 36 * 7 * 4,
  },
  recurrent("LSTM", 14, 256, 64),
  recurrent("GRU", 14, 256, 64),
  { operator: "Add", what: "of two", inputs: [tensor, tensor] },
  { operator: "Mul", what: "of two", inputs: [tensor, tensor] },
  { operator: "Relu", what: "", inputs: [tensor] },
  { operator: "Sigmoid", what: "", inputs: [tensor] },
  { operator: "Softmax", what: "over 16", inputs: [[16128, 16]] },
  { operator: "LayerNormalization", what: "over 32", inputs: [[16128, 32], [32]] },
  { operator: "MaxPool", what: "2 x 2", inputs: [tensor], attributes: pooling() },
  { operator: "AveragePool", what: "2 x 2", inputs: [tensor], attributes: pooling() },
];

function pooling(): Record<string, Attribute> {
  return { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
}

function normal(shape: readonly number[]): Tensor {
  return float32Tensor(
    Array.from({ length: elementCount(shape) }, () => random.gaussian()),
    shape,
  );
}

/** Milliseconds of processor time that the process has used. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds of runs of the builder's graph. */
async function timed(builder: NetworkBuilder, inputs: Readonly<Record<string, Tensor>>) {
  const session = await openSession(writeOnnx(onnxModel(needed(builder.graph()))));
  const given = Object.fromEntries(Object.keys(session.inputs).map((name) => [name, inputs[name]!]));
  const times: number[] = [];
  await session.run(given);
  const end = performance.now() + 1000 * seconds;
  while (times.length < 5 || performance.now() < end) {
    const start = processorTime();
    await session.run(given);
    times.push(processorTime() - start);
  }
  await session.release();
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => percentile(sorted, share);
  return { n: sorted.length, least: sorted[0]!, p50: at(0.5), p90: at(0.9) };
}

/** The graph without nodes that its outputs do not depend on: ONNX Runtime computes them, too. */
function needed(graph: Graph): Graph {
  const used = new Set(graph.outputs.map(({ name }) => name));
  const nodes: GraphNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((value) => used.has(value))) continue;
    nodes.unshift(node);
    for (const value of node.inputs) used.add(value);
  }
  return { ...graph, nodes };
}

/** The operator's graph with the names of its inputs and its first output, which all are given values for. */
function begun({ operator, inputs, attributes = {} }: Case) {
  const builder = networkBuilder(operator);
  const names = inputs.map((shape, at) => builder.input(`input${at}`, "float32", shape));
  return { builder, names, result: builder.add(operator, names, attributes) };
}

async function measureForward(one: Case, given: Readonly<Record<string, Tensor>>) {
  const { builder, result } = begun(one);
  builder.output("result", result);
  return timed(builder, given);
}

async function measureBackward(one: Case, given: Readonly<Record<string, Tensor>>) {
  const { builder, names, result } = begun(one);
  const node = builder.nodes().at(-1)!;
  const gradient = builder.input("gradient", "float32", builder.typeOf(result).shape);
  const made = operatorOf({ node }).gradient!({
    builder,
    node,
    opset: builder.opset,
    inputTypes: names.map((name) => builder.typeOf(name)),
    outputTypes: [builder.typeOf(result)],
    constant: () => undefined,
    input: (index) => names[index]!,
    output: () => result,
    outputGradient: (index) => (index === 0 ? gradient : undefined),
    isWanted: (index) => index < names.length,
  });
  made.forEach((value, at) => {
    if (value !== undefined) builder.output(`gradient${at}`, value);
  });
  return timed(builder, { ...given, gradient: normal(builder.typeOf(result).shape) });
}

/** ONNX Runtime's own rates, in operations a millisecond. */
async function ceilings() {
  const product = networkBuilder("product");
  const [a, b] = [product.input("a", "float32", [512, 512]), product.input("b", "float32", [512, 512])];
  product.output("c", product.add("MatMul", [a, b]));
  const times = await timed(product, { a: normal([512, 512]), b: normal([512, 512]) });
  const dense = convolution("", [1, 64, 64, 1], image, 3);
  const network = networkBuilder("convolution");
  const x = network.input("x", "float32", dense.inputs[0]!);
  const weight = network.constant(normal(dense.inputs[1]!));
  network.output("y", network.add("Conv", [x, weight], dense.attributes));
  const convolved = await timed(network, { x: normal(dense.inputs[0]!) });
  return { matrixProduct: (2 * 512 ** 3) / times.p50, convolution: dense.operations! / convolved.p50 };
}

const giga = (perMillisecond: number) => perMillisecond / 1e6;
const own = await ceilings();
const rows: string[][] = [];
for (const one of cases.filter(({ operator }) => operator.includes(values.operator))) {
  const given = Object.fromEntries(one.inputs.map((shape, at) => [`input${at}`, normal(shape)]));
  const forward = await measureForward(one, given);
  const backward = await measureBackward(one, given);
  const count = one.operations ?? elementCount(one.inputs[0]!);
  const rates = {
    forward: giga(count / forward.p50),
    backward: giga((one.operations === undefined ? count : 2 * count) / backward.p50),
  };
  const unit = one.operations === undefined ? "Gelement/s" : "GFLOP/s";
  if (values.json) {
    const row = { benchmark: "training-operators", operator: one.operator, case: one.what, seed, unit };
    const ceiling = { matrix_product: giga(own.matrixProduct), convolution: giga(own.convolution) };
    console.log(JSON.stringify({ ...row, forward_ms: forward, backward_ms: backward, rates, ceiling }));
    continue;
  }
  const share = (rate: number) =>
    one.operations === undefined ? "" : percentage(rate / giga(own.matrixProduct));
  rows.push([
    `${one.operator} ${one.what}`.trim(),
    unit,
    fixed(forward.p50, 2),
    fixed(forward.p90, 2),
    fixed(rates.forward, 2),
    share(rates.forward),
    fixed(backward.p50, 2),
    fixed(backward.p90, 2),
    fixed(rates.backward, 2),
    share(rates.backward),
  ]);
}
if (!values.json) {
  console.log(machineLine(describeMachine()));
  console.log(
    `ONNX Runtime's own, one thread: matrix product ${fixed(giga(own.matrixProduct), 1)} GFLOP/s, convolution with constant weights ${fixed(giga(own.convolution), 1)} GFLOP/s\n`,
  );
  const titles = ["unit", "forward ms", "p90", "rate", "share", "backward ms", "p90", "rate", "share"];
  const columns = titles.map((title) => ({ title, align: "right" as const }));
  console.log(table([{ title: "Operator", align: "left" }, ...columns], rows));
}
