import { cpus } from "node:os";
import { percentile } from "../../functions/percentile.js";
import type { Instance } from "../engines/engine.js";
import type { DimensionSizes } from "../graph/dimensions.js";
import type { OnnxModel, TensorType } from "../graph/graph.js";
import { elementArray, elementCount, tensor } from "../graph/tensor.js";
import { type TypedGraph, typeGraph } from "../graph/type-graph.js";
import { canonicalJson, type ModelCost } from "./manifest.js";
import type { Model } from "./model.js";

/** Calls are timed until both are reached, or the longest time. */
const leastCalls = 20;
const least_ms = 20;
const longest_ms = 1000;

/** What a call takes in numbers, whatever computes it. */
export interface GraphCost {
  /** Of products and convolutions. */
  readonly multiplyAccumulates: number;
  /** Parameters, and the most that other values hold at one time. */
  readonly memory_bytes: number;
}

/** @throws InputError for a graph or sizes that are not valid */
export function graphCost(model: Pick<OnnxModel, "graph" | "opset">, sizes: DimensionSizes): GraphCost {
  const typed = typeGraph(model, sizes);
  return { multiplyAccumulates: multiplyAccumulates(typed), memory_bytes: memory(typed) };
}

function multiplyAccumulates({ graph, types }: TypedGraph): number {
  const shapeOf = (value: string | undefined) => types.get(value ?? "")?.shape ?? [];
  let total = 0;
  for (const { operator, inputs, outputs, attributes } of graph.nodes) {
    const [first, second] = [shapeOf(inputs[0]), shapeOf(inputs[1])];
    const made = elementCount(shapeOf(outputs[0]));
    if (operator === "MatMul") total += made * (first.at(-1) ?? 0);
    else if (operator === "Gemm") total += made * first[attributes.transA?.value === 1 ? 0 : 1]!;
    // Of each number made, all channels of its group at all places of the kernel.
    else if (operator === "Conv") total += made * elementCount(second.slice(1));
    // Each number given goes into all channels of its group, at all places of the kernel.
    else if (operator === "ConvTranspose") total += elementCount(first) * elementCount(second.slice(1));
  }
  return total;
}

function memory({ graph, types }: TypedGraph): number {
  const bytesOf = ({ elementType, shape }: TensorType) =>
    elementCount(shape) * elementArray(elementType, 0).BYTES_PER_ELEMENT;
  const parameters = [...graph.initializers.values()].reduce((sum, value) => sum + bytesOf(value), 0);
  const lastUses = new Map<string, number>();
  graph.nodes.forEach(({ inputs, outputs }, index) => {
    for (const name of [...inputs, ...outputs]) lastUses.set(name, index);
  });
  for (const { name } of graph.outputs) lastUses.set(name, graph.nodes.length);
  const held = new Map(graph.inputs.map(({ name }) => [name, bytesOf(types.get(name)!)]));
  let now = [...held.values()].reduce((sum, bytes) => sum + bytes, 0);
  let most = now;
  graph.nodes.forEach(({ inputs, outputs }, index) => {
    for (const name of outputs) {
      if (name === "") continue;
      held.set(name, bytesOf(types.get(name)!));
      now += held.get(name)!;
    }
    most = Math.max(most, now);
    for (const name of new Set([...inputs, ...outputs])) {
      if ((lastUses.get(name) ?? 0) > index) continue;
      now -= held.get(name) ?? 0;
      held.delete(name);
    }
  });
  return parameters + most;
}

/** Whether a cost is of this machine's processor and of these sizes. */
export function isMeasuredHere({ processor, dimensions }: ModelCost, sizes: DimensionSizes): boolean {
  return processor === processorName() && canonicalJson(dimensions) === canonicalJson(sizes);
}

/** The machine's processor, as the system names it. */
export function processorName(): string {
  return cpus()[0]?.model.trim() || "unknown";
}

/** Times an instance on inputs of zeros. Some calls come before, which nobody counts. */
export async function measureCost(
  model: Model,
  instance: Instance,
  dimensions: DimensionSizes,
): Promise<ModelCost> {
  const inputs = Object.fromEntries(
    Object.entries(instance.inputs).map(([name, { elementType, shape }]) => [
      name,
      tensor(elementType, shape),
    ]),
  );
  const times: number[] = [];
  const started = performance.now();
  await instance.run(inputs);
  for (;;) {
    const before = performance.now();
    await instance.run(inputs);
    const now = performance.now();
    times.push((now - before) / 1000);
    const elapsed = now - started;
    if ((times.length >= leastCalls && elapsed >= least_ms) || elapsed >= longest_ms) break;
  }
  times.sort((one, other) => one - other);
  return {
    processor: processorName(),
    dimensions: { ...dimensions },
    ...graphCost(model.onnx, dimensions),
    p50_s: percentile(times, 0.5),
    p99_s: percentile(times, 0.99),
    calls: times.length,
    storage_bytes: model.bytes.length,
  };
}
