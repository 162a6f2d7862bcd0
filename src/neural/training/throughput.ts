import { createRandom } from "../../system/index.js";
import type { NamedTensors } from "../engines/engine.js";
import { openSession } from "../engines/onnxruntime/session.js";
import { sizesOf } from "../graph/dimensions.js";
import { ints, type OnnxModel, onnxModel } from "../graph/graph.js";
import { float32Tensor, type Tensor } from "../graph/tensor.js";
import { graphCost } from "../models/cost.js";
import { networkBuilder } from "../network/builder.js";
import { writeOnnx } from "../onnx/index.js";
import { trainableForm } from "./trained.js";
import { type TrainingObjective, trainingGraph, trainingPorts } from "./training-graph.js";
import { openTrainingSession } from "./training-session.js";

/** How fast one thread trains, by its processor time: other work on the machine does not count. Counted are the products and convolutions of the training graph, forward and backward. */
export interface TrainingThroughput {
  readonly samplesPerSecond: number;
  /** 10⁹ multiplications and additions a second. */
  readonly gigaflops: number;
  /** Multiplications and additions a sample and step. */
  readonly flopsPerSample: number;
  /** Processor time of a step in milliseconds. */
  readonly step_ms: number;
  /** Steps that were timed. */
  readonly steps: number;
}

/** What one thread of ONNX Runtime reaches on what networks are made of, in 10⁹ multiplications and additions a second. */
export interface RuntimeCeilings {
  /** Product of two matrices of 512 × 512, of which one is constant. */
  readonly product: number;
  /** Convolution of 64 channels of 72 × 14 with 3 × 3 to 64, weights constant. */
  readonly convolution: number;
}

/** Times steps of a batch again and again for about so many seconds, after a warm-up that does not count. */
export async function measureTraining(
  model: OnnxModel,
  objective: TrainingObjective,
  batch: NamedTensors,
  seconds: number,
): Promise<TrainingThroughput> {
  const form = trainableForm(model);
  const sizes = sizesOf({ inputs: trainingPorts(form, objective) }, batch);
  const { multiplyAccumulates } = graphCost(trainingGraph(form, objective, sizes), {});
  const session = openTrainingSession(model, objective);
  // So small a rate that the loss stays a number, whatever the batch.
  const time = await processorTime(async () => void (await session.step(batch, 1e-12)), seconds);
  await session.release();
  const samples = Object.values(batch)[0]!.shape[0]!;
  return {
    samplesPerSecond: (1000 * samples) / time.mean_ms,
    gigaflops: (2 * multiplyAccumulates) / (1e6 * time.mean_ms),
    flopsPerSample: (2 * multiplyAccumulates) / samples,
    step_ms: time.mean_ms,
    steps: time.calls,
  };
}

/** Measures for about so many seconds each. */
export async function runtimeCeilings(seconds: number): Promise<RuntimeCeilings> {
  const random = createRandom(1);
  const drawn = (shape: readonly number[]): Tensor<"float32"> => {
    const length = shape.reduce((product, size) => product * size);
    return float32Tensor(
      Array.from({ length }, () => random.gaussian()),
      shape,
    );
  };
  const measured = async (
    operator: "MatMul" | "Conv",
    input: readonly number[],
    weight: readonly number[],
  ): Promise<number> => {
    const builder = networkBuilder("ceiling");
    const x = builder.input("x", "float32", input);
    const attributes = operator === "Conv" ? { pads: ints([1, 1, 1, 1]) } : {};
    builder.output("y", builder.add(operator, [x, builder.initializer("w", drawn(weight))], attributes));
    const model = onnxModel(builder.graph());
    const session = await openSession(writeOnnx(model));
    const inputs = { x: drawn(input) };
    const time = await processorTime(async () => void (await session.run(inputs)), seconds);
    await session.release();
    return (2 * graphCost(model, {}).multiplyAccumulates) / (1e6 * time.mean_ms);
  };
  return {
    product: await measured("MatMul", [512, 512], [512, 512]),
    convolution: await measured("Conv", [1, 64, 72, 14], [64, 64, 3, 3]),
  };
}

const leastCalls = 5;

/**
 * Processor time of a call that computes in this process, on average: what a machine that does nothing else would take. A fifth
 * of the time comes before, which nobody counts.
 */
export async function processorTime(
  call: () => Promise<void>,
  seconds: number,
): Promise<{ mean_ms: number; calls: number }> {
  const warm = performance.now() + 200 * seconds;
  do await call();
  while (performance.now() < warm);
  const end = performance.now() + 800 * seconds;
  const before = process.cpuUsage();
  let calls = 0;
  while (calls < leastCalls || performance.now() < end) {
    await call();
    calls++;
  }
  const { user, system } = process.cpuUsage(before);
  return { mean_ms: (user + system) / 1000 / calls, calls };
}
