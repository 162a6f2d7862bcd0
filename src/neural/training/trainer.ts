import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { InputError, NeuroranError } from "../../errors.js";
import type { NamedTensors } from "../engines/engine.js";
import type { DimensionSizes } from "../graph/dimensions.js";
import type { OnnxModel } from "../graph/graph.js";
import { writeOnnx } from "../onnx/index.js";
import { checkIdentity, digest, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import type { TrainingCurve } from "./curve.js";
import type { DatasetReference } from "./dataset.js";
import { optimizer } from "./optimizers.js";
import { checkSchedule } from "./schedule.js";
import { type SharedStepSizes, sharedStepMemory } from "./shared-step.js";
import type { TrainingSpecification } from "./specification.js";
import type { GraphRole, RunnerPlan } from "./step-runner.js";
import { trainableForm, trained } from "./trained.js";
import type { SentDataset, StepReport, TrainerStart, TrainingEnd } from "./trainer-messages.js";
import { runThreads } from "./trainer-threads.js";
import {
  gradientGraph,
  inferenceGraph,
  initialVectors,
  namedVectors,
  type TrainingLayout,
  trainingGraph,
  trainingLayout,
  trainingPorts,
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
  /**
   * A file that keeps the state, at least so many seconds apart (30 unless given) and at the end. Where it exists, the training
   * goes on from it, to the bits that it would have had without the interruption.
   */
  readonly checkpoint?: { readonly path: string; readonly everySeconds?: number };
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
 * timing (on one kind of processor). An imported network is trained in float32 and comes back in its own element types.
 *
 * @throws InputError for a specification that does not fit the model, for an operator without a gradient, for a batch that
 * is not what the model and the targets declare, or for a checkpoint that is damaged or belongs to another training.
 * @throws NeuroranError TRAINING_DIVERGED, DATASET_INVALID, or ENGINE_MISSING without ONNX Runtime.
 */
export async function train(
  untrained: OnnxModel,
  specification: TrainingSpecification,
  options: TrainOptions,
): Promise<TrainingResult> {
  check(specification);
  const model = trainableForm(untrained);
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
  const identity: Record<string, string> = identityOf(model, specification, options.seed);
  const checkpoint = options.checkpoint && readCheckpoint(options.checkpoint.path);
  if (checkpoint !== undefined) checkIdentity(checkpoint, identity);
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
    state: checkpoint?.state ?? initialState(initialVectors(model, layout, plan.state.length), sizes.scalars),
    memory: sharedStepMemory(sizes),
    sizes,
    checkpointEvery_s: options.checkpoint && (options.checkpoint.everySeconds ?? 30),
  };
  const graphOf = graphMaker(model, specification, layout);
  const save = (now: TrainingState): void => {
    if (options.checkpoint !== undefined)
      writeCheckpoint(options.checkpoint.path, identity, plan.metrics, now);
  };
  const { end, state } = await runThreads(start, {
    graphOf(role, dimensions, thread) {
      const bytes = graphOf(role, dimensions);
      if (thread === 0 && identity.objective === undefined) {
        // The first that thread 0 asks for is that of the first shard.
        const objective = { objective: digest(bytes) };
        if (checkpoint !== undefined) checkIdentity(checkpoint, objective);
        Object.assign(identity, objective);
      }
      return bytes;
    },
    observe: observer(specification, options),
    save,
    signal: options.signal,
  });
  // No later step has shown what the last update did.
  if (end !== "signal" && state.best === undefined && !state.vectors.parameters.every(Number.isFinite))
    throw new NeuroranError(
      "TRAINING_DIVERGED",
      `the update of step ${state.step - 1} gives parameters that are no numbers: lower the learning rate or clip the gradients`,
    );
  save(state);
  const last = namedVectors(layout, state.vectors);
  return {
    model: trained(untrained, state.best === undefined ? last : namedVectors(layout, state.best)),
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
  return {
    ports: trainingPorts(model, specification),
    metrics: Object.keys(specification.metrics ?? {}),
    state: optimizer(specification.optimizer).state,
  };
}

/** The parts of a training that are known before its graphs are made. */
function identityOf(
  model: OnnxModel,
  specification: TrainingSpecification,
  seed: number,
): Record<string, string> {
  const { dataset, validation, targets, optimizer, clipNorm, frozen } = specification;
  const { steps, batch, shards, schedule } = specification;
  // Folders differ from machine to machine.
  const source = ({ module, factory, parameters }: DatasetReference) => [
    basename(module.pathname),
    factory,
    parameters,
  ];
  const of = (value: unknown): string => digest(JSON.stringify(value) ?? "");
  return {
    model: digest(writeOnnx(model)),
    seed: of(seed),
    dataset: of(source(dataset)),
    targets: of(targets),
    optimizer: of([optimizer, clipNorm, frozen]),
    schedule: of([schedule, steps, batch, shards]),
    validation: of(
      validation && [{ ...validation, dataset: undefined }, validation.dataset && source(validation.dataset)],
    ),
  };
}

function sent({ module, factory, parameters }: DatasetReference): SentDataset {
  return { module: module.href, factory, parameters };
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
    const graphs = {
      training: trainingGraph,
      gradient: gradientGraph,
      validation: validationGraph,
      inference: inferenceGraph,
    };
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
