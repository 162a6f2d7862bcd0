/**
 * How near does training come to what ONNX Runtime computes on its own, and how does it compare with jax-js?
 *
 *     npm run build && node dist/bench/training-throughput.js [--seconds 1] [--json]
 *
 * For each network the steps of Adam that one thread makes on one batch: samples a second, and 10⁹ multiplications and
 * additions a second of its products and convolutions, forward and backward, beside the rate of a product of 512 × 512
 * matrices and of a 3 × 3 convolution of 64 to 64 channels. For dense networks the same steps by jax-js, compiled by its
 * `jit`, with the same loss and optimizer. Times are processor time of a step on
 * average, as other work on the machine would distort the rest. Not measured: making the data.
 */
import { parseArgs } from "node:util";
import { defaultDevice, init, jit, numpy as np, valueAndGrad } from "@jax-js/jax";
import { fixed, percentage, table } from "../src/cli/format.js";
import { describeMachine, machineLine } from "../src/cli/machine.js";
import { type OnnxModel, onnxModel } from "../src/neural/graph/graph.js";
import { float32Tensor, type Tensor } from "../src/neural/graph/tensor.js";
import { networkBuilder } from "../src/neural/network/builder.js";
import { conv2d, dense, residual } from "../src/neural/network/layers.js";
import { meanSquaredError } from "../src/neural/training/losses.js";
import { measureTraining, processorTime, runtimeCeilings } from "../src/neural/training/throughput.js";
import type { TrainingObjective } from "../src/neural/training/training-graph.js";
import { createRandom } from "../src/system/index.js";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "1" }, json: { type: "boolean", default: false } },
});
const seconds = Number(values.seconds);
if (!(seconds > 0 && Number.isFinite(seconds))) {
  process.stderr.write(`--seconds takes a number above 0, not ${values.seconds}\n`);
  process.exit(2);
}

const random = createRandom(1);
const drawn = (shape: readonly number[]): Tensor<"float32"> =>
  float32Tensor(
    Array.from({ length: shape.reduce((product, size) => product * size) }, () => random.gaussian()),
    shape,
  );

function objective(shape: readonly (number | string)[]): TrainingObjective {
  return {
    targets: { target: { elementType: "float32", shape } },
    loss: (builder, { y, target }) => meanSquaredError(builder, y!, target!),
    optimizer: { kind: "adam" },
  };
}

/** Layers of these widths, tanh between them. */
function perceptron(widths: readonly number[]): OnnxModel {
  const builder = networkBuilder("perceptron");
  let value = builder.input("x", "float32", ["batch", widths[0]!]);
  widths.slice(1).forEach((units, index) => {
    const activation = index === widths.length - 2 ? "linear" : "tanh";
    value = dense(builder, random, value, { units, activation });
  });
  builder.output("y", value, ["batch", widths.at(-1)!]);
  return onnxModel(builder.graph());
}

/** Residual blocks of two 3 × 3 convolutions of 64 channels over 72 subcarriers and 14 symbols. */
function convolutional(blocks: number): OnnxModel {
  const builder = networkBuilder("convolutional");
  const layer = { filters: 64, kernel: [3, 3], activation: "relu" } as const;
  let value = builder.input("x", "float32", ["batch", 64, 72, 14]);
  for (let block = 0; block < blocks; block++)
    value = residual(builder, value, (inner) =>
      conv2d(builder, random, conv2d(builder, random, inner, layer), layer),
    );
  builder.output("y", value, ["batch", 64, 72, 14]);
  return onnxModel(builder.graph());
}

/** Milliseconds of a step of Adam by jax-js. */
async function jaxStep(widths: readonly number[], batch: number): Promise<number> {
  await init("wasm");
  defaultDevice("wasm");
  const { numbers, shapes } = {
    numbers: widths.slice(1).flatMap((units, index) => [drawn([widths[index]!, units]), drawn([units])]),
    shapes: widths.slice(1).length,
  };
  type Arrays = np.Array[];
  const array = ({ data, shape }: Tensor<"float32">): np.Array => np.array(data).reshape([...shape]);
  const loss = (parameters: Arrays, x: np.Array, target: np.Array): np.Array => {
    let value = x;
    for (let layer = 0; layer < shapes; layer++) {
      value = np.dot(value, parameters[2 * layer]!).add(parameters[2 * layer + 1]!);
      if (layer < shapes - 1) value = np.tanh(value);
    }
    const difference = value.sub(target);
    return np.mean(difference.ref.mul(difference));
  };
  const step = jit((parameters: Arrays, means: Arrays, variances: Arrays, x: np.Array, target: np.Array) => {
    const [value, gradients] = valueAndGrad(loss)(
      parameters.map((one) => one.ref),
      x,
      target,
    ) as [np.Array, Arrays];
    const newMeans = means.map((mean, at) => mean.mul(0.9).add(gradients[at]!.ref.mul(0.1)));
    const newVariances = variances.map((variance, at) =>
      variance.mul(0.999).add(gradients[at]!.ref.mul(gradients[at]!).mul(0.001)),
    );
    const updated = parameters.map((parameter, at) =>
      parameter.sub(newMeans[at]!.ref.mul(1e-12).div(np.sqrt(newVariances[at]!.ref).add(1e-8))),
    );
    return [value, updated, newMeans, newVariances] as [np.Array, Arrays, Arrays, Arrays];
  });
  const zeros = (): Arrays => numbers.map(({ shape }) => np.zeros([...shape]));
  let [parameters, means, variances] = [numbers.map(array), zeros(), zeros()];
  const x = array(drawn([batch, widths[0]!]));
  const target = array(drawn([batch, widths.at(-1)!]));
  const { mean_ms } = await processorTime(async () => {
    const [value, ...next] = step(parameters, means, variances, x.ref, target.ref);
    [parameters, means, variances] = next as [Arrays, Arrays, Arrays];
    // Reading waits for the work.
    await value.data();
    await parameters[0]!.ref.data();
  }, seconds);
  return mean_ms;
}

const ceilings = await runtimeCeilings(seconds);
const dense1 = [2, 64, 64, 8];
const dense2 = [256, 512, 512, 256];
const cases = [
  {
    name: "dense 2-64-64-8",
    batch: 4096,
    widths: dense1,
    model: perceptron(dense1),
    ceiling: ceilings.product,
  },
  {
    name: "dense 256-512-512-256",
    batch: 512,
    widths: dense2,
    model: perceptron(dense2),
    ceiling: ceilings.product,
  },
  {
    name: "4 residual blocks, 3×3, 64",
    batch: 4,
    widths: undefined,
    model: convolutional(4),
    ceiling: ceilings.convolution,
  },
];
const rows = [];
for (const { name, batch, widths, model, ceiling } of cases) {
  const [input, output] = [model.graph.inputs[0]!, model.graph.outputs[0]!];
  const shapeOf = (shape: readonly (number | string)[]) => [batch, ...shape.slice(1).map(Number)];
  const measured = await measureTraining(
    model,
    objective(output.type.shape),
    { x: drawn(shapeOf(input.type.shape)), target: drawn(shapeOf(output.type.shape)) },
    seconds,
  );
  const jax_ms = widths && (await jaxStep(widths, batch));
  rows.push({ network: name, batch, ...measured, ceiling, jax_ms });
}
if (values.json) {
  process.stdout.write(`${JSON.stringify({ machine: describeMachine(), ceilings, networks: rows })}\n`);
} else {
  process.stdout.write(`${machineLine(describeMachine())}\n`);
  process.stdout.write(
    `ONNX Runtime, one thread: ${fixed(ceilings.product, 1)} GFLOP/s matrix product, ${fixed(ceilings.convolution, 1)} convolution\n\n`,
  );
  process.stdout.write(
    table(
      [
        { title: "network", align: "left" },
        { title: "batch", align: "right" },
        { title: "samples/s", align: "right" },
        { title: "step (ms)", align: "right" },
        { title: "GFLOP/s", align: "right" },
        { title: "of the ceiling", align: "right" },
        { title: "jax-js step (ms)", align: "right" },
      ],
      rows.map((row) => [
        row.network,
        String(row.batch),
        fixed(row.samplesPerSecond, 0),
        fixed(row.step_ms, 2),
        fixed(row.gigaflops, 1),
        percentage(row.gigaflops / row.ceiling),
        row.jax_ms === undefined ? "–" : fixed(row.jax_ms, 2),
      ]),
    ),
  );
}
