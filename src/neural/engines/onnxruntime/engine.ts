import { InputError, NeuroranError } from "../../../errors.js";
import type { Graph, OnnxModel, TensorType } from "../../graph/graph.js";
import { tensor } from "../../graph/tensor.js";
import { writeOnnx } from "../../onnx/index.js";
import type { Engine, Instance, InstantiateOptions, NamedTensors } from "../engine.js";
import { bindEdges, checkInputs } from "../inputs.js";
import { refusalOf } from "./refusal.js";
import { openPooledSession, type PooledSession } from "./session-pool.js";

/** ONNX Runtime on processors: a few threads of this process hold the sessions of all instances. */
export const onnxruntime: Engine = { name: "onnxruntime", instantiate };

async function instantiate(model: OnnxModel, { dimensions }: InstantiateOptions): Promise<Instance> {
  const graph = bindEdges(model.graph, dimensions);
  const inputs = typesOfInputs(graph);
  const session = await openPooledSession(writeOnnx({ ...model, graph })).catch((error: unknown) => {
    if (error instanceof NeuroranError && error.code === "MODEL_REFUSED")
      throw refusalOf(error.message, graph, error);
    throw error;
  });
  const outputs = await typesOfOutputs(session, inputs, dimensions);
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
      return await session.run(copied(given));
    },
    async release() {
      released = true;
      await session.release();
    },
  };
}

/** Types of a bound graph's inputs, by name. */
export function typesOfInputs(graph: Graph): Record<string, TensorType> {
  return Object.fromEntries(graph.inputs.map(({ name, type }) => [name, type as TensorType]));
}

/** Inputs of zeros. */
export function zeroInputs(types: Readonly<Record<string, TensorType>>): NamedTensors {
  return Object.fromEntries(
    Object.entries(types).map(([name, { elementType, shape }]) => [name, tensor(elementType, shape)]),
  );
}

/** What the first run gives says the sizes that the graph does not; it also brings memory to its place. */
async function typesOfOutputs(
  session: PooledSession,
  inputs: Readonly<Record<string, TensorType>>,
  dimensions: Readonly<Record<string, number>>,
): Promise<Record<string, TensorType>> {
  try {
    const outputs = await session.run(zeroInputs(inputs));
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { elementType, shape }]) => [name, { elementType, shape }]),
    );
  } catch (error) {
    await session.release();
    if (!(error instanceof NeuroranError) || error.code !== "INFERENCE_FAILED") throw error;
    const remedy = `give sizes that fit the model: ${error.message}`;
    throw new InputError("dimensions", dimensions, remedy, { cause: error });
  }
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
