import { NeuroranError } from "../../../errors.js";
import type { Graph, OnnxModel, TensorType } from "../../graph/graph.js";
import { tensor } from "../../graph/tensor.js";
import { writeOnnx } from "../../onnx/index.js";
import type { Engine, Instance, InstantiateOptions, NamedTensors } from "../engine.js";
import { bindEdges, checkInputs } from "../inputs.js";
import { explained } from "./refusal.js";
import { openPooledSession, type PooledSession } from "./session-pool.js";

/** ONNX Runtime on processors: a few threads of this process hold the sessions of all instances. */
export const onnxruntime: Engine = { name: "onnxruntime", instantiate };

async function instantiate(model: OnnxModel, { dimensions }: InstantiateOptions): Promise<Instance> {
  const graph = bindEdges(model.graph, dimensions);
  const inputs = typesOfInputs(graph);
  let session: PooledSession | undefined;
  let outputs: Record<string, TensorType>;
  try {
    session = await openPooledSession(writeOnnx({ ...model, graph }));
    // The first run says the sizes that the graph does not; it also brings memory to its place.
    outputs = typesOf(await session.run(zeroInputs(inputs)));
  } catch (error) {
    await session?.release();
    throw explained(error, graph);
  }
  const { run, release } = session;
  let released = false;
  return {
    engine: "onnxruntime",
    inputs,
    outputs,
    async run(given) {
      if (released) {
        const text = "this instance was released; instantiate the model again";
        throw new NeuroranError("INSTANCE_RELEASED", text);
      }
      checkInputs(inputs, given);
      return await run(copied(given));
    },
    async release() {
      released = true;
      await release();
    },
  };
}

/** Types of a bound graph's inputs, by name. */
export function typesOfInputs(graph: Graph): Record<string, TensorType> {
  return Object.fromEntries(graph.inputs.map(({ name, type }) => [name, type as TensorType]));
}

function zeroInputs(types: Readonly<Record<string, TensorType>>): NamedTensors {
  return Object.fromEntries(
    Object.entries(types).map(([name, { elementType, shape }]) => [name, tensor(elementType, shape)]),
  );
}

function typesOf(tensors: NamedTensors): Record<string, TensorType> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { elementType, shape }]) => [name, { elementType, shape }]),
  );
}

/** The inputs in memory that can be handed over: the one copy on the way in. */
function copied(given: NamedTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(given).map(([name, { elementType, shape, data }]) => [
      name,
      { elementType, shape, data: data.slice() },
    ]),
  );
}
