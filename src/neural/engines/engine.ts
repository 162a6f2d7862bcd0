import type { OnnxModel, TensorType } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";

/** What runs models. */
export type EngineName = "onnxruntime" | "jit";

/** Tensors by the name of their port. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

export interface InstantiateOptions {
  /** Sizes of the model's named dimensions, such as `{ batch: 64 }`. */
  readonly dimensions: Readonly<Record<string, number>>;
}

/** A model made ready for given sizes on this machine. */
export interface Instance {
  readonly engine: EngineName;
  readonly inputs: Readonly<Record<string, TensorType>>;
  readonly outputs: Readonly<Record<string, TensorType>>;
  /**
   * Computes the outputs. The caller's thread stays free.
   * @throws InputError for an input that is missing, unknown, or of another type or shape.
   */
  run(inputs: NamedTensors): Promise<NamedTensors>;
  /** Gives back memory and threads; calls under way finish first. */
  release(): Promise<void>;
}

/** An engine. All are of this shape. */
export interface Engine {
  readonly name: EngineName;
  /**
   * @throws InputError for a dimension that is missing or no size, or an operator that the engine lacks, by its name.
   * @throws NeuroranError ENGINE_MISSING where the engine is not installed, with what to install.
   */
  instantiate(model: OnnxModel, options: InstantiateOptions): Promise<Instance>;
}
