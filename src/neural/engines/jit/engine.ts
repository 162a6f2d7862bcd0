import { type CompiledKernel, openTarget, type TargetName } from "../../../compiler/index.js";
import { InputError, NeuroranError } from "../../../errors.js";
import { fromFloat16, toFloat16 } from "../../graph/float16.js";
import type { Graph, GraphValue, OnnxModel, TensorType } from "../../graph/graph.js";
import { elementArray, elementCount, type Tensor, tensor } from "../../graph/tensor.js";
import type { Engine, Instance, InstantiateOptions, NamedTensors } from "../engine.js";
import { bindEdges, checkInputs } from "../inputs.js";
import { bodyShape } from "./body.js";
import { returnMemory, takeMemory } from "./memory-pool.js";
import { networkKernel, workspaceLength } from "./network-kernel.js";
import { planNetwork } from "./rules.js";

/** Bytes between one region of memory and the next are a multiple of it: a line of the caches. */
const LINE = 64;

/**
 * Small networks whose inputs and outputs begin with the batch and that treat its samples alike, compiled to one kernel of
 * this process. All is computed as float32, float16 models too. `run` computes in the calling thread, for as long as a few
 * microseconds for a hundred samples of a small network take: for batches of thousands of samples of a large one choose
 * onnxruntime, whose threads are its own.
 */
export const jit: Engine = jitEngine();

/**
 * The same for one target of the compiler, the fastest of this machine unless it is named.
 * @throws what {@link openTarget} throws, when a model is instantiated
 */
export function jitEngine(name?: TargetName): Engine {
  return {
    name: "jit",
    async instantiate(model, options) {
      return instantiate(model, options, name);
    },
  };
}

function instantiate(model: OnnxModel, { dimensions }: InstantiateOptions, name?: TargetName): Instance {
  const graph = bindEdges(model.graph, dimensions);
  for (const value of [...graph.inputs, ...graph.outputs]) expectFloats(value);
  const { plan, table } = planNetwork(model, { dimensions });
  const inputs: Record<string, TensorType> = Object.fromEntries(
    graph.inputs.map(({ name: port, type }) => [port, type as TensorType]),
  );
  const samples = batchOf(graph);
  const outputs: Record<string, TensorType> = Object.fromEntries(
    plan.outputs.map(({ name: port, shape }, index) => [
      port,
      { elementType: graph.outputs[index]!.type.elementType, shape: [samples, ...shape] },
    ]),
  );
  const target = openTarget(name);
  const shape = { plan, body: bodyShape(target) };
  let bytes = 0;
  const reserve = (numbers: number): number => {
    const offset = bytes;
    bytes += LINE * Math.ceil((4 * numbers) / LINE);
    return offset;
  };
  const sources = plan.inputs.map(({ features }) => reserve(samples * features));
  const targets = plan.outputs.map(({ features }) => reserve(samples * features));
  const tableAt = reserve(table.length);
  const workspaceAt = reserve(workspaceLength(shape));
  const memory = takeMemory(bytes);
  new Float32Array(memory.buffer, tableAt, table.length).set(table);
  let compiled: CompiledKernel;
  try {
    compiled = target.compile(networkKernel(shape), memory);
  } catch (error) {
    returnMemory(memory);
    throw error;
  }
  const arguments_ = [...sources, ...targets, tableAt, workspaceAt, samples];
  const views = (offsets: readonly number[], types: Readonly<Record<string, TensorType>>) =>
    Object.entries(types).map(([port, type], index) => ({
      port,
      type,
      view: new Float32Array(memory.buffer, offsets[index], elementCount(type.shape)),
    }));
  const [given, made] = [views(sources, inputs), views(targets, outputs)];
  let isReleased = false;
  return {
    engine: "jit",
    inputs,
    outputs,
    async run(tensors): Promise<NamedTensors> {
      if (isReleased)
        throw new NeuroranError(
          "INSTANCE_RELEASED",
          "this instance was released; instantiate the model again",
        );
      checkInputs(inputs, tensors);
      for (const { port, view } of given) take(tensors[port]!, view);
      compiled(...arguments_);
      return Object.fromEntries(made.map(({ port, type, view }) => [port, stored(type, view)]));
    },
    async release() {
      if (isReleased) return;
      isReleased = true;
      target.release?.(compiled);
      returnMemory(memory);
    },
  };
}

function batchOf({ inputs }: Graph): number {
  const sizes = inputs.map(({ type }) => type.shape[0] as number);
  if (sizes.some((size) => size !== sizes[0]))
    throw new InputError("dimensions", sizes, "give all inputs as many samples for the engine jit");
  return sizes[0]!;
}

function expectFloats({ name, type }: GraphValue): void {
  if (type.elementType !== "float32" && type.elementType !== "float16")
    throw new InputError(
      `type of ${name}`,
      type.elementType,
      "the engine jit has float32 and float16 at the edge of a model: choose the engine onnxruntime",
    );
}

function take({ elementType, data }: Tensor, to: Float32Array): void {
  if (elementType === "float32") to.set(data as Float32Array);
  else for (let k = 0; k < to.length; k++) to[k] = fromFloat16(data[k] as number);
}

function stored({ elementType, shape }: TensorType, from: Float32Array): Tensor {
  if (elementType === "float32") return tensor("float32", shape, from.slice());
  const halves = elementArray("float16", from.length);
  for (let k = 0; k < halves.length; k++) halves[k] = toFloat16(from[k]!);
  return tensor("float16", shape, halves);
}
