import { int } from "../../../neural/graph/graph.js";
import { int64Tensor } from "../../../neural/graph/tensor.js";
import type { TrainingSpecification } from "../../../neural/training/specification.js";
import type { PilotChannelParameters } from "./pilot-channels.js";
import { PRIOR_PROFILES } from "./prototypes.js";

/** Trained on other channels than it is judged on: TDL-A and TDL-E are left out. */
const parameters: PilotChannelParameters = { profiles: ["TDL-B", "TDL-C", "TDL-D"] };

/** By the mean squared error of the estimate that the weights make: a quadratic form of the prior's filters' errors. */
export const profileTraining: TrainingSpecification = {
  dataset: { module: new URL("./pilot-channels.js", import.meta.url), factory: "pilotChannels", parameters },
  targets: {
    errors: {
      elementType: "float32",
      shape: ["batch", PRIOR_PROFILES.length, PRIOR_PROFILES.length],
    },
  },
  loss(builder, { weights, errors }) {
    const { add, constant } = builder;
    const rows = add("Unsqueeze", [weights!, constant(int64Tensor([1]))]);
    const products = add("Mul", [add("MatMul", [rows, errors!]), rows]);
    const squared = add("ReduceSum", [products, constant(int64Tensor([1, 2]))], { keepdims: int(0) });
    return add("ReduceMean", [squared], { keepdims: int(0) });
  },
  optimizer: { kind: "adam" },
  schedule: { learningRate: 3e-3, warmupSteps: 50, decay: { kind: "cosine" } },
  steps: 3000,
  batch: 128,
  shards: 2,
};
