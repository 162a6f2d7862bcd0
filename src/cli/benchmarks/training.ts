import { type OnnxModel, onnxModel } from "../../neural/graph/graph.js";
import { float32Tensor, type Tensor } from "../../neural/graph/tensor.js";
import { networkBuilder } from "../../neural/network/builder.js";
import { conv2d, dense, residual } from "../../neural/network/layers.js";
import { meanSquaredError } from "../../neural/training/losses.js";
import {
  measureTraining,
  type RuntimeCeilings,
  type TrainingThroughput,
} from "../../neural/training/throughput.js";
import type { TrainingObjective } from "../../neural/training/training-graph.js";
import { createRandom, type Random } from "../../system/index.js";
import { jaxStep } from "./jax-step.js";

/** How fast a network is trained on one thread, beside what ONNX Runtime computes on its own. */
export interface TrainingMeasurement extends TrainingThroughput {
  readonly benchmark: "training";
  readonly case: string;
  readonly batch: number;
  /** 10⁹ operations a second that ONNX Runtime reaches on what the network is made of. */
  readonly ceiling: number;
  /** Milliseconds of the same step by jax-js; undefined without it, or where it has no such operators. */
  readonly jax_ms: number | undefined;
}

/**
 * Times steps of Adam that one thread makes on one batch, in processor time, as other work on the machine would distort the
 * rest. Not measured: making the data.
 * @param seconds for each network and system
 */
export async function* benchmarkTraining(
  ceilings: RuntimeCeilings,
  seconds: number,
  seed: number,
): AsyncGenerator<TrainingMeasurement> {
  const random = createRandom(seed);
  const drawn = (shape: readonly number[]): Tensor<"float32"> =>
    float32Tensor(
      Array.from({ length: shape.reduce((product, size) => product * size) }, () => random.gaussian()),
      shape,
    );
  const cases = [
    { name: "dense", widths: [2, 64, 64, 8], batch: 4096 },
    { name: "dense", widths: [256, 512, 512, 256], batch: 512 },
    { name: "4 residual blocks of 3×3, 64 channels", widths: undefined, batch: 4 },
  ];
  for (const { name, widths, batch } of cases) {
    const model = widths === undefined ? convolutional(4, random) : perceptron(widths, random);
    const [input, output] = [model.graph.inputs[0]!, model.graph.outputs[0]!];
    const sizes = (shape: readonly (number | string)[]) => [batch, ...shape.slice(1).map(Number)];
    const tensors = { x: drawn(sizes(input.type.shape)), target: drawn(sizes(output.type.shape)) };
    const measured = await measureTraining(model, objective(output.type.shape), tensors, seconds);
    yield {
      benchmark: "training",
      case: widths === undefined ? name : `${name} ${widths.join("-")}`,
      batch,
      ...measured,
      ceiling: widths === undefined ? ceilings.convolution : ceilings.product,
      jax_ms: widths && (await jaxStep(widths, batch, seconds, drawn)),
    };
  }
}

function objective(shape: readonly (number | string)[]): TrainingObjective {
  return {
    targets: { target: { elementType: "float32", shape } },
    loss: (builder, { y, target }) => meanSquaredError(builder, y!, target!),
    optimizer: { kind: "adam" },
  };
}

/** Layers of these widths, tanh between them. */
function perceptron(widths: readonly number[], random: Random): OnnxModel {
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
function convolutional(blocks: number, random: Random): OnnxModel {
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
