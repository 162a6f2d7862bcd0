import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { InputError, NeuroranError, reviveError } from "../../errors.js";
import type { NamedTensors } from "../engines/engine.js";
import type { GraphValue, OnnxModel } from "../graph/graph.js";
import { writeOnnx } from "../onnx/index.js";
import type { TrainingCurve } from "./curve.js";
import type { DatasetReference } from "./dataset.js";
import { optimizer } from "./optimizers.js";
import { flatten, unflatten } from "./parameters.js";
import { checkSchedule } from "./schedule.js";
import { askToStop, type SharedStepSizes, sharedStepMemory } from "./shared-step.js";
import type { TrainingSpecification } from "./specification.js";
import type { GraphRole, RunnerPlan } from "./step-runner.js";
import { trained } from "./trained.js";
import type {
  GraphReply,
  SentDataset,
  StepReport,
  TrainerMessage,
  TrainerStart,
  TrainingEnd,
} from "./trainer-messages.js";
import {
  type DimensionSizes,
  gradientGraph,
  type TrainingLayout,
  trainingGraph,
  trainingLayout,
  updateGraph,
  validationGraph,
} from "./training-graph.js";
import { initialState, type TrainingState } from "./training-state.js";

/** How far a training is, for people. */
export interface TrainingProgress extends StepReport {
  readonly steps: number;
  readonly samplesPerSecond: number;
  readonly secondsLeft: number;
}

export interface TrainOptions {
  readonly seed: number;
  /** Threads that compute shards: the processors of the machine unless given, and no more than shards. */
  readonly threads?: number;
  readonly observe?: (progress: TrainingProgress) => void;
  /** Ends the training after the step under way. */
  readonly signal?: AbortSignal;
}

export interface TrainingResult {
  /** The model with the parameters that validated best, or the last ones without a validation. */
  readonly model: OnnxModel;
  /** Parameters and running statistics of the last step. */
  readonly last: NamedTensors;
  readonly end: TrainingEnd;
  /** Steps done. */
  readonly steps: number;
  readonly best: { readonly step: number; readonly loss: number } | undefined;
  readonly curve: TrainingCurve;
  readonly seconds: number;
  readonly threads: number;
}

/**
 * Trains a network. The result depends on the model, the specification and the seed only: not on the number of threads, nor on
 * timing (on one kind of processor).
 *
 * @throws InputError for a specification that does not fit the model, for an operator without a gradient, or for a batch that
 * is not what the model and the targets declare.
 * @throws NeuroranError TRAINING_DIVERGED, DATASET_INVALID, or ENGINE_MISSING without ONNX Runtime.
 */
export async function train(
  model: OnnxModel,
  specification: TrainingSpecification,
  options: TrainOptions,
): Promise<TrainingResult> {
  check(specification);
  const layout = trainingLayout(model, specification);
  const plan = planOf(model, specification);
  const { shards, validation } = specification;
  const samples = specification.batch / shards;
  const threads = Math.min(shards, options.threads ?? availableParallelism());
  if (!(Number.isInteger(threads) && threads >= 1))
    throw new InputError("threads", options.threads, "give a number from 1");
  const sizes: SharedStepSizes = {
    threads,
    shards,
    parameters: layout.parameters.length,
    statistics: layout.statistics.length,
    scalars: 1 + plan.metrics.length,
    chunks: validation === undefined ? 0 : Math.ceil(validation.samples / samples),
  };
  const start: Omit<TrainerStart, "thread"> = {
    seed: options.seed,
    steps: specification.steps,
    samples,
    schedule: specification.schedule,
    plan,
    dataset: sent(specification.dataset),
    validation: validation && {
      dataset: validation.dataset && sent(validation.dataset),
      everySteps: validation.everySteps,
      patience: validation.patience,
    },
    state: startOf(model, layout, plan),
    memory: sharedStepMemory(sizes),
    sizes,
    checkpointEvery_s: undefined,
  };
  const { end, state } = await runThreads(start, {
    graphOf: graphMaker(model, specification, layout),
    observe: observer(specification, options),
    signal: options.signal,
  });
  const last = namedVectors(layout, state.vectors);
  return {
    model: trained(model, state.best === undefined ? last : namedVectors(layout, state.best)),
    last,
    end,
    steps: state.step,
    best: state.best && { step: state.best.step, loss: state.best.loss },
    curve: state.curve,
    seconds: state.seconds,
    threads,
  };
}

function check({ batch, shards, steps, schedule, validation }: TrainingSpecification): void {
  for (const [field, value] of Object.entries({ batch, shards, steps }))
    if (!(Number.isInteger(value) && value >= 1)) throw new InputError(field, value, "give a number from 1");
  if (batch % shards !== 0) throw new InputError("batch", batch, `give a multiple of the ${shards} shards`);
  checkSchedule(schedule);
  if (validation === undefined) return;
  const { samples, everySteps, patience = 1 } = validation;
  for (const [field, value] of Object.entries({ samples, everySteps, patience }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new InputError(`validation.${field}`, value, "give a number from 1");
}

function planOf(model: OnnxModel, specification: TrainingSpecification): RunnerPlan {
  const targets: GraphValue[] = Object.entries(specification.targets).map(([name, type]) => ({ name, type }));
  return {
    ports: [...model.graph.inputs, ...targets],
    metrics: Object.keys(specification.metrics ?? {}),
    state: optimizer(specification.optimizer).state,
    shards: specification.shards,
  };
}

function startOf(model: OnnxModel, layout: TrainingLayout, plan: RunnerPlan): TrainingState {
  const initial = Object.fromEntries(model.graph.initializers);
  const parameters = flatten(layout.parameters, initial);
  const vectors = {
    parameters,
    statistics: flatten(layout.statistics, initial),
    optimizer: plan.state.map(() => new Float32Array(parameters.length)),
  };
  return initialState(vectors, 1 + plan.metrics.length);
}

function sent({ module, factory, parameters }: DatasetReference): SentDataset {
  return { module: module.href, factory, parameters };
}

function namedVectors(
  layout: TrainingLayout,
  { parameters, statistics }: { parameters: Float32Array; statistics: Float32Array },
): NamedTensors {
  return { ...unflatten(layout.parameters, parameters), ...unflatten(layout.statistics, statistics) };
}

/** Makes each graph once, whichever thread asks first. */
function graphMaker(
  model: OnnxModel,
  specification: TrainingSpecification,
  layout: TrainingLayout,
): (role: GraphRole, sizes: DimensionSizes) => Uint8Array {
  const made = new Map<string, Uint8Array>();
  const make = (role: GraphRole, sizes: DimensionSizes): OnnxModel => {
    if (role === "update") return updateGraph(layout, specification, specification.shards);
    const graphs = { training: trainingGraph, gradient: gradientGraph, validation: validationGraph };
    return graphs[role](model, specification, sizes);
  };
  return (role, sizes) => {
    const key = `${role} ${JSON.stringify(sizes)}`;
    const bytes = made.get(key) ?? writeOnnx(make(role, sizes));
    made.set(key, bytes);
    return bytes;
  };
}

function observer(
  { steps, batch }: TrainingSpecification,
  { observe }: TrainOptions,
): (report: StepReport) => void {
  if (observe === undefined) return () => {};
  let first: { step: number; time: number } | undefined;
  return (report) => {
    const now = performance.now();
    // The first steps wait for graphs; the rate is that since the first report.
    first ??= { step: report.step, time: now };
    const rate = (1000 * (report.step - first.step)) / (now - first.time);
    const isKnown = report.step > first.step;
    observe({
      ...report,
      steps,
      samplesPerSecond: isKnown ? rate * batch : Number.NaN,
      secondsLeft: isKnown ? (steps - report.step) / rate : Number.NaN,
    });
  };
}

interface ThreadHandlers {
  readonly graphOf: (role: GraphRole, sizes: DimensionSizes) => Uint8Array;
  readonly observe: (report: StepReport) => void;
  readonly signal: AbortSignal | undefined;
}

/** Runs the threads to their end. */
async function runThreads(
  start: Omit<TrainerStart, "thread">,
  { graphOf, observe, signal }: ThreadHandlers,
): Promise<{ end: TrainingEnd; state: TrainingState }> {
  const stop = (): void => askToStop(start.memory);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  const workers = Array.from(
    { length: start.sizes.threads },
    (_, thread) =>
      new Worker(new URL("./trainer-worker.js", import.meta.url), {
        workerData: { ...start, thread } satisfies TrainerStart,
      }),
  );
  try {
    const results = await Promise.all(
      workers.map(
        (worker) =>
          new Promise<TrainerMessage & { kind: "ended" }>((resolve, reject) => {
            worker.on("error", reject);
            worker.on("exit", () =>
              reject(new NeuroranError("TRAINING_FAILED", "a thread of the training ended")),
            );
            worker.on("message", (message: TrainerMessage) => {
              try {
                if (message.kind === "graph") {
                  const reply: GraphReply = { bytes: graphOf(message.role, message.sizes) };
                  worker.postMessage(reply);
                } else if (message.kind === "report") observe(message.report);
                else if (message.kind === "failed") reject(reviveError(message.error, "TRAINING_FAILED"));
                else if (message.kind === "ended") resolve(message);
              } catch (error) {
                reject(error);
              }
            });
          }),
      ),
    );
    return { end: results[0]!.end, state: results[0]!.state! };
  } finally {
    signal?.removeEventListener("abort", stop);
    // Also ends threads that wait at a barrier for one that failed.
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
