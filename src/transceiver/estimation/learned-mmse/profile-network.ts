import { int, type OnnxModel, onnxModel } from "../../../neural/graph/graph.js";
import { float32Tensor } from "../../../neural/graph/tensor.js";
import type { ModelPorts } from "../../../neural/models/port.js";
import { networkBuilder } from "../../../neural/network/builder.js";
import type { Random } from "../../../system/index.js";
import { STATISTICS } from "./pilot-statistics.js";
import { PRIOR_PROFILES } from "./prototypes.js";

/** Numbers of each hidden layer. */
const HIDDEN = 32;

export const profilePorts: ModelPorts = {
  inputs: [
    {
      name: "statistics",
      type: { elementType: "float32", shape: ["batch", STATISTICS] },
      meaning: "signal to noise ratio, number and correlations of the pilots of a slot",
    },
  ],
  outputs: [
    {
      name: "weights",
      type: { elementType: "float32", shape: ["batch", PRIOR_PROFILES.length] },
      meaning: "weight of the MMSE filter of each prior power delay profile; their sum is 1",
    },
  ],
};

/**
 * Learned MMSE estimation for the pilots of NR. As in "Learning the MMSE Channel Estimator" (Neumann, Wiese, Utschick 2018) the
 * estimate is a mean of MMSE filters of a prior, weighted by a softmax of what a network makes of the pilots' second-order
 * statistics: the structure of the MMSE estimator for a discrete prior, whose weights are here learned from channels.
 */
export function profileNetwork(random: Random): OnnxModel {
  const builder = networkBuilder("learned-mmse-nr");
  const { add } = builder;
  const layer = (name: string, from: string, inputs: number, outputs: number, gain: number) =>
    add("Gemm", [
      from,
      builder.initializer(
        `${name}.weight`,
        float32Tensor(
          Array.from({ length: inputs * outputs }, () => gain * random.gaussian()),
          [inputs, outputs],
        ),
      ),
      builder.initializer(`${name}.bias`, float32Tensor(new Float32Array(outputs))),
    ]);
  const statistics = builder.input("statistics", "float32", ["batch", STATISTICS]);
  const first = add("Relu", [layer("first", statistics, STATISTICS, HIDDEN, Math.sqrt(2 / STATISTICS))]);
  const second = add("Relu", [layer("second", first, HIDDEN, HIDDEN, Math.sqrt(2 / HIDDEN))]);
  const likelihoods = layer("likelihood", second, HIDDEN, PRIOR_PROFILES.length, Math.sqrt(1 / HIDDEN));
  builder.output("weights", add("Softmax", [likelihoods], { axis: int(-1) }), [
    "batch",
    PRIOR_PROFILES.length,
  ]);
  return onnxModel(builder.graph());
}
