import { openTarget, type TargetName } from "../../compiler/index.js";
import {
  bodyShape,
  multiplications,
  networkKernel,
  planNetwork,
  workspaceLength,
} from "../../neural/engines/jit/index.js";
import { openSession } from "../../neural/engines/onnxruntime/session.js";
import { ints, type OnnxModel, onnxModel } from "../../neural/graph/graph.js";
import { elementCount, float32Tensor, type Tensor } from "../../neural/graph/tensor.js";
import { interpret } from "../../neural/interpreter/interpret.js";
import { networkBuilder } from "../../neural/network/builder.js";
import { writeOnnx } from "../../neural/onnx/index.js";
import { createRandom, type Random } from "../../radio/index.js";
import { openClock } from "../../system/index.js";
import { type Measurement, type Timing, timeCalls, timePercentiles } from "./measure.js";

/** A measurement of a network on an engine. */
export interface NeuralMeasurement extends Measurement {
  readonly engine: "onnxruntime" | "jit";
  readonly batch: number;
  /** Multiplications and additions of a call. */
  readonly operations: number;
  /** The fastest call, in milliseconds: on a machine that others use, too, the one that least was taken from. */
  readonly least: number;
}

interface Network {
  readonly name: string;
  readonly build: (random: Random) => OnnxModel;
  readonly batches: readonly number[];
}

/** A small call, and the resource elements of a slot of 273 PRBs with 12 symbols of data. */
const elements = [64, 39312];

/** A demapper, one as large as Sionna's, and convolutions over the symbols and subcarriers of a resource block. */
const networks: readonly Network[] = [
  { name: "2-16-4", build: (random) => denseNetwork([2, 16, 4], random), batches: elements },
  { name: "2-32-32-4", build: (random) => denseNetwork([2, 32, 32, 4], random), batches: elements },
  { name: "conv 2-8-8-2", build: (random) => convolutions([2, 8, 8, 2], random), batches: [64] },
];

/**
 * Times small networks with Relu on one core, ONNX Runtime beside the compiler's targets in the same run: each call from
 * inputs in memory to outputs in memory, without a copy. A call of ONNX Runtime has its way through a promise in it, which
 * is how it is called.
 * Not measured: loading and compiling, the way to another thread and back, and inputs that the caches have lost in between.
 * @param seconds for each network, batch and engine
 * @throws NeuroranError ENGINE_MISSING without ONNX Runtime
 */
export async function* benchmarkNeural(
  targets: readonly TargetName[],
  seconds: number,
  seed: number,
): AsyncGenerator<NeuralMeasurement> {
  for (const { name, build, batches } of networks) {
    const random = createRandom(seed).fork(name);
    const model = build(random);
    for (const batch of batches) {
      const [, ...shape] = model.graph.inputs[0]!.type.shape as [string, ...number[]];
      const inputs = normal(random, [batch, ...shape], 1);
      const reference = interpret(model, { x: inputs }).y!;
      const common = {
        benchmark: "neural",
        case: `${name}, batch ${batch}`,
        batch,
        operations: 2 * batch * multiplications(planNetwork(model).plan),
      };
      const subject = { model, inputs, outputs: reference.shape, seconds };
      const runtime = await timeOnnxRuntime(subject);
      yield { ...common, engine: "onnxruntime", target: "cpu", ...figures(runtime, reference.data) };
      for (const target of targets) {
        const compiled = timeKernel(target, subject);
        yield { ...common, engine: "jit", target, ...figures(compiled, reference.data) };
      }
    }
  }
}

interface Subject {
  readonly model: OnnxModel;
  readonly inputs: Tensor<"float32">;
  /** Shape of the outputs. */
  readonly outputs: readonly number[];
  readonly seconds: number;
}

interface Timed {
  readonly timing: Timing;
  readonly made: Float32Array;
}

function figures({ timing, made }: Timed, reference: Float64Array) {
  const largest = reference.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  const correct = reference.every((one, k) => Math.abs(made[k]! - one) <= 1e-4 * largest);
  return { ...timePercentiles(timing), least: timing.sorted[0]!, correct };
}

function normal(random: Random, shape: readonly number[], scale: number): Tensor<"float32"> {
  const numbers = Float32Array.from({ length: elementCount(shape) }, () => scale * random.gaussian());
  return float32Tensor(numbers, shape);
}

function denseNetwork(widths: readonly number[], random: Random): OnnxModel {
  const builder = networkBuilder("dense");
  let value = builder.input("x", "float32", ["batch", widths[0]!]);
  for (let layer = 1; layer < widths.length; layer++) {
    const [inputs, outputs] = [widths[layer - 1]!, widths[layer]!];
    const weights = builder.constant(normal(random, [inputs, outputs], 1 / Math.sqrt(inputs)));
    const bias = builder.constant(Array.from({ length: outputs }, () => random.gaussian()));
    value = builder.add("Gemm", [value, weights, bias]);
    if (layer < widths.length - 1) value = builder.add("Relu", [value]);
  }
  builder.output("y", value, ["batch", widths.at(-1)!]);
  return onnxModel(builder.graph());
}

function convolutions(channels: readonly number[], random: Random): OnnxModel {
  const [symbols, subcarriers] = [14, 12];
  const builder = networkBuilder("convolutions");
  let value = builder.input("x", "float32", ["batch", channels[0]!, symbols, subcarriers]);
  for (let layer = 1; layer < channels.length; layer++) {
    const [inputs, outputs] = [channels[layer - 1]!, channels[layer]!];
    const weights = builder.constant(normal(random, [outputs, inputs, 3, 3], 1 / Math.sqrt(9 * inputs)));
    const bias = builder.constant(Array.from({ length: outputs }, () => random.gaussian()));
    value = builder.add("Conv", [value, weights, bias], { pads: ints([1, 1, 1, 1]) });
    if (layer < channels.length - 1) value = builder.add("Relu", [value]);
  }
  builder.output("y", value, ["batch", channels.at(-1)!, symbols, subcarriers]);
  return onnxModel(builder.graph());
}

async function timeOnnxRuntime({ model, inputs, outputs, seconds }: Subject): Promise<Timed> {
  const session = await openSession(writeOnnx(model));
  const made = float32Tensor(new Float32Array(elementCount(outputs)), outputs);
  const timing = await timePromises(() => session.run({ x: inputs }, { y: made }), seconds);
  await session.release();
  return { timing, made: made.data };
}

/** As {@link timeCalls} does, of what gives a promise. */
async function timePromises(run: () => Promise<unknown>, seconds: number): Promise<Timing> {
  const readClock = openClock();
  const [begin, end] = [0, 1];
  const times = new Float64Array(2);
  const durations: number[] = [];
  const warm = 200 * seconds;
  let total = 0;
  while (total < 1000 * seconds || durations.length < 20) {
    readClock(times, begin);
    await run();
    readClock(times, end);
    const duration = times[end]! - times[begin]!;
    if (total >= warm) durations.push(duration);
    total += duration;
  }
  const sorted = Float64Array.from(durations).sort();
  return { sorted, mean: sorted.reduce((sum, one) => sum + one, 0) / sorted.length };
}

function timeKernel(name: TargetName, { model, inputs, outputs, seconds }: Subject): Timed {
  const target = openTarget(name);
  const { plan, table } = planNetwork(model);
  const shape = { plan, body: bodyShape(target) };
  let bytes = 0;
  const place = (numbers: number): number => {
    const at = bytes;
    bytes += 64 * Math.ceil(numbers / 16);
    return at;
  };
  const offsets = [inputs.data.length, elementCount(outputs), table.length, workspaceLength(shape)].map(
    place,
  );
  const [source, result, tableAt] = offsets as [number, number, number, number];
  const pages = Math.ceil(bytes / 65536) + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  new Float32Array(memory.buffer, source, inputs.data.length).set(inputs.data);
  new Float32Array(memory.buffer, tableAt, table.length).set(table);
  const compiled = target.compile(networkKernel(shape), memory);
  const arguments_ = [...offsets, inputs.shape[0]!] as const;
  const timing = timeCalls(() => compiled(...arguments_), seconds);
  const made = new Float32Array(memory.buffer, result, elementCount(outputs)).slice();
  target.release?.(compiled);
  return { timing, made };
}

/** How many times as fast as ONNX Runtime in the same case, by the medians. */
export function fasterThanOnnxRuntime(one: NeuralMeasurement, all: readonly NeuralMeasurement[]): number {
  const reference = all.find((other) => other.engine === "onnxruntime" && other.case === one.case);
  return reference === undefined ? Number.NaN : reference.p50 / one.p50;
}
