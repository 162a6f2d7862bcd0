import { InputError } from "../../../errors.js";
import type { Attempt } from "../../../functions/index.js";
import { portsText } from "../../../neural/graph/ports.js";
import { slotModel } from "../../../neural/slot/index.js";
import { prepareEstimation } from "../estimation.js";
import type { EstimationContext } from "../function.js";
import { learnedFiltering } from "./learned-filtering.js";
import { profilePorts } from "./profile-network.js";

/**
 * Prepares estimation whose filters a network weighs, of {@link profilePorts}; the network is part of a kernel.
 * @param model a model's name, or the path of its directory
 * @throws InputError for other ports, and for an operator that the engine lacks, by its name
 */
export function attemptEstimation(model: unknown, context: EstimationContext): Attempt {
  const { onnx, manifest } = slotModel(model);
  for (const kind of ["inputs", "outputs"] as const) {
    const [given, wanted] = [onnx.graph[kind], profilePorts[kind][0]!];
    const { elementType, shape } = given[0]!.type;
    if (given.length !== 1 || elementType !== wanted.type.elementType || shape[1] !== wanted.type.shape[1])
      throw new InputError(
        `model ${manifest.name}`,
        portsText(given),
        `give a model of one of the ${kind} [batch, ${wanted.type.shape[1]}], ${wanted.meaning}, as neuroran model train learned-mmse-nr makes`,
      );
  }
  const process = prepareEstimation("lmmse", context, learnedFiltering(onnx));
  const { antenna, layer, symbol, subcarrier } = context.dimensions;
  const channel = context.outputs.channel.view;
  const layerLength = 2 * antenna * symbol * subcarrier;
  return () => {
    process();
    // Weights that are no numbers are in every element of a layer.
    for (let at = 0; at < layer * layerLength; at += layerLength)
      if (Number.isNaN(channel[at]!)) return "not finite";
    return "done";
  };
}
