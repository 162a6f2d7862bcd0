export type { Engine, Instance, NamedTensors } from "./engines/engine.js";
export { type NeuralTarget, neuralTargets } from "./engines/targets.js";
export type { OnnxModel } from "./graph/graph.js";
export { float32Tensor, int64Tensor, type Tensor as OnnxTensor, tensor } from "./graph/tensor.js";
export { interpret } from "./interpreter/interpret.js";
export type {
  Evaluation,
  EvaluationTable,
  EvaluationTarget,
  JudgedSystem,
  LearnedSystem,
} from "./learned-system.js";
export type { Manifest, ModelCost } from "./models/manifest.js";
export type { Model } from "./models/model.js";
export { checkModelDirectory, readModelDirectory, writeModelDirectory } from "./models/model-directory.js";
export type { ModelPort, ModelPorts } from "./models/port.js";
export type { ListedModel, ListedVersion, Registry } from "./models/registry.js";
export { createNetwork, type NetworkSpecification } from "./network/specification.js";
export {
  type CreateOptions,
  type ModelInstantiateOptions,
  type ModelSource,
  type Neural,
  type NeuralInstance,
  type NeuralModel,
  openNeural,
  type TrainedModel,
} from "./neural.js";
export { readOnnx, writeOnnx } from "./onnx/index.js";
export type { Dataset, DatasetReference } from "./training/dataset.js";
export {
  binaryCrossEntropy,
  bitErrorRate,
  meanSquaredError,
  mixedLoss,
  softmaxCrossEntropy,
} from "./training/losses.js";
export type { TrainingSpecification } from "./training/specification.js";
export { type TrainingProgress, type TrainingResult, type TrainOptions, train } from "./training/trainer.js";
