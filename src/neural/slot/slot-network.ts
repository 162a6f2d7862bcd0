import type { Attempt, Context } from "../../functions/index.js";
import type { EngineName, NamedTensors } from "../engines/engine.js";
import { bindEdges } from "../engines/inputs.js";
import {
  bodyShape,
  networkKernel,
  planNetwork,
  type SamplePort,
  workspaceLength,
} from "../engines/jit/index.js";
import { typesOfInputs } from "../engines/onnxruntime/engine.js";
import { explained } from "../engines/onnxruntime/refusal.js";
import type { Graph, OnnxModel } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import { graphCost } from "../models/cost.js";
import { writeOnnx } from "../onnx/index.js";
import { holdsNumbers } from "./finite.js";
import { openMailbox } from "./inference-thread.js";

/** A network in the slot path. Its tensors stay where they are. */
export interface SlotNetwork {
  /** To be filled before each run. By "jit", what the model has as float16 is float32. */
  readonly inputs: NamedTensors;
  /** What the last run that was done gave. */
  readonly outputs: NamedTensors;
  /** Runs it on what the inputs hold. Allocates nothing. */
  readonly run: Attempt;
}

/** What of an implementation's context a network takes. */
export type SlotContext = Pick<Context, "compile" | "scratch" | "table" | "target" | "whenReleased">;

export interface SlotNetworkOptions {
  readonly engine: EngineName;
  /** Sizes of the model's named dimensions. */
  readonly dimensions: Readonly<Record<string, number>>;
}

/**
 * Makes a model ready for the slot path, to be used in an implementation's `attempt`. By "onnxruntime" another thread runs it
 * and `run` waits no longer than it may; by "jit" it is a kernel in the calling thread, and cannot be interrupted.
 *
 * ```ts
 * attempt(model, context) {
 *   const network = openSlotNetwork(model, { engine: "onnxruntime", dimensions: { batch: 128 } }, context);
 *   const [x, y] = [network.inputs.x.data, network.outputs.y.data];
 *   return (answerBy) => {
 *     // fills x from the function's inputs
 *     const outcome = network.run(answerBy);
 *     // writes the function's outputs from y, where outcome is "done"
 *     return outcome;
 *   };
 * }
 * ```
 *
 * @throws InputError for a dimension that is missing, no size or does not fit, or an operator that the engine lacks;
 * NeuroranError ENGINE_MISSING, ENGINE_ENDED.
 */
export function openSlotNetwork(
  model: OnnxModel,
  options: SlotNetworkOptions,
  context: SlotContext,
): SlotNetwork {
  const graph = bindEdges(model.graph, options.dimensions);
  return options.engine === "jit"
    ? kernelNetwork(model, graph, options, context)
    : mailboxNetwork(model, graph, context);
}

function mailboxNetwork(model: OnnxModel, graph: Graph, context: SlotContext): SlotNetwork {
  try {
    const { inputs, outputs, ask, release } = openMailbox(
      writeOnnx({ ...model, graph }),
      typesOfInputs(graph),
    );
    context.whenReleased(release);
    return { inputs, outputs, run: counted(ask, model, graph, context) };
  } catch (error) {
    throw explained(error, graph);
  }
}

/** The attempt, whose multiplications and additions are counted where kernels count theirs. */
function counted(ask: Attempt, model: OnnxModel, graph: Graph, { target }: SlotContext): Attempt {
  if (target.countOperations === undefined) return ask;
  const operations = 2 * graphCost({ ...model, graph }, {}).multiplyAccumulates;
  return (answerBy) => {
    target.countOperations!(operations);
    return ask(answerBy);
  };
}

function kernelNetwork(
  model: OnnxModel,
  graph: Graph,
  { dimensions }: SlotNetworkOptions,
  { scratch, table, compile, target }: SlotContext,
): SlotNetwork {
  const { plan, table: weights } = planNetwork(model, { dimensions });
  const samples = (graph.inputs[0]?.type.shape[0] ?? 0) as number;
  const shape = { plan, body: bodyShape(target) };
  const place = ({ name, shape: sizes }: SamplePort) => {
    const { offset, view } = scratch(`${graph.name} ${name}`, "float32", samples, ...sizes);
    const held: Tensor = { elementType: "float32", shape: [samples, ...sizes], data: view };
    return { name, offset, held };
  };
  const [sources, targets] = [plan.inputs.map(place), plan.outputs.map(place)];
  const offsets = [...sources, ...targets].map(({ offset }) => offset);
  const weightsAt = table(`${graph.name} weights`, weights).offset;
  const workspaceAt = scratch(`${graph.name} workspace`, "float32", workspaceLength(shape)).offset;
  const compute = compile(networkKernel(shape)).bind(undefined, ...offsets, weightsAt, workspaceAt, samples);
  const made = targets.map(({ held }) => held);
  const named = (places: typeof sources) => Object.fromEntries(places.map(({ name, held }) => [name, held]));
  return {
    inputs: named(sources),
    outputs: named(targets),
    run() {
      compute();
      for (let index = 0; index < made.length; index++) if (!holdsNumbers(made[index]!)) return "not finite";
      return "done";
    },
  };
}
