import { InputError } from "../../errors.js";
import type { Attempt } from "../../functions/index.js";
import type { OnnxModel } from "../../neural/graph/graph.js";
import { slotModel } from "../../neural/slot/index.js";
import { attemptDeeprx } from "./deeprx/implementation.js";
import type { DetectionContext } from "./function.js";
import { attemptImported, importedReceivers } from "./imported/receivers.js";

/** How a network stands for detection: what its ports are called, and its edge. */
interface NeuralReceiver {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  attempt(model: OnnxModel, context: DetectionContext): Attempt;
}

/** All shapes of networks that stand for detection. */
const neuralReceivers: readonly NeuralReceiver[] = [
  { inputs: ["grid", "elements"], outputs: ["llrs"], attempt: attemptDeeprx },
  ...importedReceivers.map((imported) => ({
    inputs: imported.inputs,
    outputs: imported.outputs,
    attempt: (model: OnnxModel, context: DetectionContext) => attemptImported(imported, model, context),
  })),
];

/**
 * Prepares a model for detection by what its ports are called.
 * @param model what `slotModel` takes, or an ONNX model
 * @throws InputError for ports that no receiver has.
 */
export function attemptModel(model: unknown, context: DetectionContext): Attempt {
  const onnx = typeof model === "string" ? slotModel(model).onnx : (model as OnnxModel);
  const { inputs, outputs } = onnx.graph;
  const has = (ports: readonly { readonly name: string }[], names: readonly string[]) =>
    ports.length === names.length && names.every((name) => ports.some((port) => port.name === name));
  const receiver = neuralReceivers.find((one) => has(inputs, one.inputs) && has(outputs, one.outputs));
  const half = [...inputs, ...outputs].find(({ type }) => type.elementType === "float16");
  if (receiver !== undefined && half !== undefined)
    throw new InputError(`port ${half.name} of the model`, half.type.elementType, "give it in float32");
  if (receiver !== undefined) return receiver.attempt(onnx, context);
  const known = neuralReceivers.map((one) => `${one.inputs.join(", ")} → ${one.outputs.join(", ")}`);
  throw new InputError(
    "model of detection",
    `${inputs.map(({ name }) => name).join(", ")} → ${outputs.map(({ name }) => name).join(", ")}`,
    `give one with the ports ${known.join("; or ")}`,
  );
}
