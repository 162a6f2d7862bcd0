import { statSync } from "node:fs";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { memoryStore, openObjectStore } from "../bus/index.js";
import { InputError, NeuroranError } from "../errors.js";
import { createRandom } from "../system/index.js";
import type { Instance, NamedTensors } from "./engines/engine.js";
import { engineFor, type NeuralTarget } from "./engines/targets.js";
import { type DimensionSizes, openDimensions } from "./graph/dimensions.js";
import type { OnnxModel } from "./graph/graph.js";
import { withPortNames } from "./graph/ports.js";
import type { LearnedSystem } from "./learned-system.js";
import { isMeasuredHere, measureCost } from "./models/cost.js";
import { canonicalJson, checkManifest, type Manifest, type ModelCost } from "./models/manifest.js";
import { createModel, type Model, modelOfFile, portsOf } from "./models/model.js";
import { readModelDirectory, readModelFile, readOnnxFile } from "./models/model-directory.js";
import { withRegistry } from "./models/open-registry.js";
import type { ModelPort, ModelPorts } from "./models/port.js";
import { openRegistry, type Registry } from "./models/registry.js";
import { createNetwork, type NetworkSpecification } from "./network/specification.js";
import { readOnnx } from "./onnx/index.js";
import { provenanceOf } from "./training/provenance.js";
import type { TrainingSpecification } from "./training/specification.js";
import { type TrainingResult, type TrainOptions, train } from "./training/trainer.js";

/** Where a model comes from: a network's specification, a graph, a file's bytes, or the path of an ONNX file, a specification as JSON, or a model's directory. */
export type ModelSource = NetworkSpecification | OnnxModel | Uint8Array | URL | string;

export interface CreateOptions {
  /** Name in the registry; the file's or the network's own unless given. */
  readonly name?: string;
  readonly summary?: string;
  /** The function of the transceiver that the model can stand for. */
  readonly implements?: string;
  /** What the ports mean; names and types must be the graph's. */
  readonly ports?: ModelPorts;
  /** Sign and scale of the first output, where that is soft bits. */
  readonly llr?: NonNullable<ModelPort["llr"]>;
  /** Scale of the first input, where that is symbols. */
  readonly symbol?: NonNullable<ModelPort["symbol"]>;
  /** Of the initial parameters of a specification; 0 unless given. */
  readonly seed?: number;
}

export interface ModelInstantiateOptions {
  /** `onnxruntime` unless given. */
  readonly target?: NeuralTarget;
  /** Size of the dimension `batch`, or of the only one that the model leaves open. */
  readonly batch?: number;
  /** Sizes of the model's named dimensions. */
  readonly dimensions?: DimensionSizes;
}

/** A model made ready on a target. */
export interface NeuralInstance {
  readonly target: NeuralTarget;
  readonly inputs: Instance["inputs"];
  readonly outputs: Instance["outputs"];
  /** What a call costs, measured when the model was first instantiated so. */
  readonly cost: ModelCost;
  /** @throws InputError for an input that is missing, unknown, or of another type or shape */
  infer(inputs: NamedTensors): Promise<NamedTensors>;
  /** Gives back memory and threads. */
  release(): Promise<void>;
}

/** A version of a model. */
export interface NeuralModel extends Model {
  /** `name@version`. */
  readonly reference: string;
  /**
   * @throws InputError for a dimension that is missing or no size, or an operator that the target lacks, by its name;
   * NeuroranError ENGINE_MISSING
   */
  instantiate(options?: ModelInstantiateOptions): Promise<NeuralInstance>;
  /**
   * Trains on, and registers the result as a new version, with how it was trained.
   * @throws what {@link train} throws; NeuroranError TRAINING_INTERRUPTED where the signal ended it
   */
  train(training: LearnedSystem | TrainingSpecification, options: TrainOptions): Promise<TrainedModel>;
  /** What a metric says of the model, such as a learned system's `evaluate`. */
  evaluate<R>(metric: (model: OnnxModel) => Promise<R>): Promise<R>;
}

export interface TrainedModel {
  readonly model: NeuralModel;
  readonly result: TrainingResult;
}

/** Neural networks on demand. */
export interface Neural {
  /** Registers a model. @throws InputError for a source that is no model, naming what is wrong */
  create(source: ModelSource, options?: CreateOptions): Promise<NeuralModel>;
  /**
   * Trains the network of a learned system from the seed's parameters, or goes on from a model of the registry, and
   * registers the result with how it was trained: under the given name, that of the model, or the system's.
   * @throws as {@link NeuralModel.train}
   */
  train(
    system: LearnedSystem,
    options: TrainOptions & { readonly from?: string; readonly name?: string },
  ): Promise<TrainedModel>;
  /** A model of the registry: `name`, `name@alias` or `name@version`. @throws InputError where there is none */
  open(reference: string): Promise<NeuralModel>;
  /** Does something with the registry, which other processes wait for meanwhile. */
  registry<T>(use: (registry: Registry) => Promise<T>): Promise<T>;
}

/**
 * Neural networks on demand, with the registry of a data directory; without one, models are kept as long as the process.
 *
 * ```ts
 * const neural = openNeural();
 * const model = await neural.create({
 *   inputs: [{ name: "x", shape: ["batch", 2] }],
 *   layers: [{ type: "dense", units: 4 }],
 *   outputs: [{ name: "y" }],
 * });
 * const instance = await model.instantiate({ target: "wasm", batch: 64 });
 * const { y } = await instance.infer({ x: float32Tensor(symbols, [64, 2]) });
 * ```
 */
export function openNeural(dataDirectory?: string): Neural {
  const ofProcess = dataDirectory === undefined ? registryInMemory() : undefined;
  const registry: Neural["registry"] = async (use) =>
    ofProcess === undefined ? withRegistry(dataDirectory!, use) : use(await ofProcess);

  async function register(model: Model): Promise<NeuralModel> {
    await registry((opened) => opened.put(model));
    return neuralModel(model);
  }

  function neuralModel(model: Model): NeuralModel {
    const reference = `${model.manifest.name}@${model.version}`;
    const costs = new Map<string, ModelCost>();

    async function costOf(
      target: NeuralTarget,
      instance: Instance,
      sizes: DimensionSizes,
    ): Promise<ModelCost> {
      const key = `${target} ${canonicalJson(sizes)}`;
      const before = model.manifest.costs?.[target];
      const isSame = before !== undefined && isMeasuredHere(before, sizes);
      const known = costs.get(key) ?? (isSame ? before : undefined);
      if (known !== undefined) return known;
      const cost = await measureCost(model, instance, sizes);
      costs.set(key, cost);
      await registry((opened) => opened.keepCost(reference, target, cost));
      return cost;
    }

    return {
      ...model,
      reference,
      async instantiate({ target = "onnxruntime", batch, dimensions = {} } = {}) {
        const sizes = batch === undefined ? dimensions : { ...dimensions, [batchName(model.onnx)]: batch };
        const instance = await engineFor(target).instantiate(model.onnx, { dimensions: sizes });
        try {
          const cost = await costOf(target, instance, sizes);
          const { inputs, outputs } = instance;
          return {
            target,
            inputs,
            outputs,
            cost,
            infer: (given) => instance.run(given),
            release: () => instance.release(),
          };
        } catch (error) {
          await instance.release();
          throw error;
        }
      },
      async train(training, options) {
        return trainOn(model.onnx, model.manifest, training, options);
      },
      evaluate: (metric) => metric(model.onnx),
    };
  }

  /** @param before the manifest of what is trained, whose version is the parent if it has one. */
  async function trainOn(
    onnx: OnnxModel,
    before: Manifest,
    training: LearnedSystem | TrainingSpecification,
    options: TrainOptions,
  ): Promise<TrainedModel> {
    const [system, specification] =
      "training" in training ? [training.name, training.training] : [training.dataset.factory, training];
    // Long work is not begun for a registry that cannot be had.
    await registry(async () => {});
    const result = await train(onnx, specification, options);
    if (result.end === "signal")
      throw new NeuroranError(
        "TRAINING_INTERRUPTED",
        `the training was ended after ${result.steps} of ${specification.steps} steps; ${
          options.checkpoint === undefined
            ? "nothing is kept: give a checkpoint to go on from"
            : `train again with the checkpoint ${options.checkpoint.path} to go on`
        }`,
      );
    const { version: parent, costs: _, ...manifest } = before;
    const provenance = {
      ...provenanceOf(system, specification, options, result),
      ...(parent !== undefined && { parent }),
    };
    return {
      model: await register(createModel({ ...manifest, training: provenance }, result.model)),
      result,
    };
  }

  async function trainSystem(
    system: LearnedSystem,
    { from, name, ...options }: TrainOptions & { readonly from?: string; readonly name?: string },
  ): Promise<TrainedModel> {
    if (from !== undefined) {
      const { onnx: own, manifest } = await neural.open(from);
      const onnx = withPortNames(`model ${manifest.name}`, own, system.ports);
      const before = {
        implements: system.implements,
        ...manifest,
        ...meaningOf(portsOf(onnx), manifest, system.ports),
        name: name ?? manifest.name,
      };
      checkManifest(before);
      return trainOn(onnx, before, system, options);
    }
    const { summary, implements: implemented, ports } = system;
    const manifest = {
      format: 1,
      name: name ?? system.name,
      summary,
      implements: implemented,
      ...ports,
    } as const;
    checkManifest(manifest);
    const began = performance.now();
    const random = createRandom(options.seed).fork("parameters");
    const onnx = (await system.pretrain?.(random, options)) ?? system.create(random);
    const pretraining_s = (performance.now() - began) / 1000;
    const { model, result } = await trainOn(onnx, manifest, system, options);
    return { model, result: { ...result, seconds: pretraining_s + result.seconds } };
  }

  const neural: Neural = {
    registry,
    train: trainSystem,
    create: async (source, options = {}) => register(modelOf(source, options)),
    open: async (reference) => neuralModel(await registry((opened) => opened.get(reference))),
  };
  return neural;
}

/** A model's ports; those that a system trains mean what it says of them, others what was known before. */
function meaningOf({ inputs, outputs }: ModelPorts, before: ModelPorts, trained: ModelPorts): ModelPorts {
  const meaning = (ports: readonly ModelPort[], known: readonly ModelPort[]): ModelPort[] =>
    ports.map((port) => ({ ...(known.find(({ name }) => name === port.name) ?? port), type: port.type }));
  return {
    inputs: meaning(inputs, [...trained.inputs, ...before.inputs]),
    outputs: meaning(outputs, [...trained.outputs, ...before.outputs]),
  };
}

async function registryInMemory(): Promise<Registry> {
  return openRegistry(await openObjectStore(memoryStore(), "models"));
}

function batchName({ graph }: OnnxModel): string {
  const open = openDimensions(graph);
  if (open.includes("batch") || open.length !== 1) return "batch";
  return open[0]!;
}

/** The model that a source stands for, under the options' name. @throws InputError for a source that is no model */
export function modelOf(source: ModelSource, options: CreateOptions = {}): Model {
  if (typeof source === "string" || source instanceof URL) {
    const path = typeof source === "string" ? source : fileURLToPath(source);
    if (isDirectory(path)) return described(readModelDirectory(path), options);
    if (extname(path) === ".json") return modelOf(readSpecification(path), options);
    return named(readOnnxFile(path), basename(path, extname(path)), options);
  }
  if (source instanceof Uint8Array) {
    const onnx = readOnnx(source);
    return named(onnx, onnx.graph.name, options);
  }
  if (isGraph(source)) return named(source, source.graph.name, options);
  const { model, ports } = createNetwork(source, createRandom(options.seed ?? 0).fork("parameters"));
  return named(model, model.graph.name, { ports, ...options });
}

function readSpecification(path: string): NetworkSpecification {
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(readModelFile(path)).toString());
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const remedy = `give a specification as JSON: ${(cause as Error).message}`;
    throw new InputError("source", path, remedy, { cause });
  }
  // Text would be taken for the path of a model, bytes for its file; what else is wrong is found where a network is made.
  if (typeof read !== "object" || read === null || Array.isArray(read))
    throw new InputError("source", path, "give a specification as JSON: an object");
  return read as NetworkSpecification;
}

/** Whether a source is a graph; what is neither that nor a specification is refused as one. */
function isGraph(source: unknown): source is OnnxModel {
  const { graph } = (source ?? {}) as { readonly graph?: { readonly initializers?: unknown } };
  return graph?.initializers instanceof Map;
}

/** A model in a directory of its own keeps its file, and what its manifest says unless the options say otherwise. */
function described({ manifest, bytes }: Model, options: CreateOptions): Model {
  const { version: _, ...rest } = manifest;
  const ports = withConventions(options.ports ?? rest, options);
  return modelOfFile({ ...rest, ...textsOf(options), ...ports }, bytes);
}

/** The name of a graph or a file is changed into one that a model may have; one that was given is not. */
function named(onnx: OnnxModel, fallback: string, options: CreateOptions): Model {
  const own = fallback
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[-0-9]+|-+$/g, "");
  const name = options.name ?? own;
  if (name === "") throw new InputError("name", undefined, "give the model a name");
  const ports = withConventions(options.ports ?? portsOf(onnx), options);
  return createModel({ format: 1, ...textsOf(options), name, ...ports }, onnx);
}

/** The ports, the first of them with the signs and scales that are given. */
function withConventions({ inputs, outputs }: ModelPorts, { llr, symbol }: CreateOptions): ModelPorts {
  const first = (ports: readonly ModelPort[], more: Partial<ModelPort>): ModelPort[] =>
    ports.map((port, index) => (index === 0 ? { ...port, ...more } : port));
  return {
    inputs: first(inputs, symbol === undefined ? {} : { symbol }),
    outputs: first(outputs, llr === undefined ? {} : { llr }),
  };
}

function textsOf(options: CreateOptions): Pick<CreateOptions, "name" | "summary" | "implements"> {
  const { name, summary, implements: implemented } = options;
  return {
    ...(name !== undefined && { name }),
    ...(summary !== undefined && { summary }),
    ...(implemented !== undefined && { implements: implemented }),
  };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
