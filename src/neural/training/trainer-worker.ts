/**
 * A thread of a training.
 *
 * Invariants:
 * 1. All threads hold the same state after each step: each computes the update from the same shards in the same order, by the
 *    same graph. What a thread decides (best parameters, early end) it decides from that state alone.
 * 2. A shard's data follow from seed, step and shard; those of a validation from seed and chunk. Which thread makes them, and
 *    when, changes nothing.
 */
import { parentPort, workerData } from "node:worker_threads";
import { describeError, NeuroranError } from "../../errors.js";
import { createRandom } from "../../system/index.js";
import type { NamedTensors } from "../engines/engine.js";
import { accumulated, emptyAccumulator, hasPoint, named } from "./curve.js";
import type { Dataset } from "./dataset.js";
import { learningRateAt } from "./schedule.js";
import { openSharedStep } from "./shared-step.js";
import { createStepRunner } from "./step-runner.js";
import type {
  GraphReply,
  SentDataset,
  StepReport,
  TrainerMessage,
  TrainerStart,
  TrainingEnd,
} from "./trainer-messages.js";

const port = parentPort!;
const start = workerData as TrainerStart;
const { thread, plan, state, sizes, steps } = start;
const { shards, threads } = sizes;
const isLeader = thread === 0;
const ownShards = Array.from({ length: shards }, (_, shard) => shard).filter(
  (shard) => shard % threads === thread,
);
const ownChunks = Array.from({ length: sizes.chunks }, (_, chunk) => chunk).filter(
  (chunk) => chunk % threads === thread,
);
const random = createRandom(start.seed);
const trainingRandom = random.fork("training");
const validationRandom = random.fork("validation");
/** Batches of the validation, which are the same each time, and may take longer to make than to judge. */
const keptChunks = new Map<number, NamedTensors>();
const largestKept_bytes = 2 ** 26;
let keptBytes = 0;
/** Reports are for people. */
const reportEvery_ms = 100;

async function openDataset({ module, factory, parameters }: SentDataset): Promise<Dataset> {
  const exported: unknown = (await import(module))[factory];
  if (typeof exported !== "function")
    throw new NeuroranError("DATASET_INVALID", `${module} exports no function ${factory}`);
  return (await exported(parameters)) as Dataset;
}

function send(message: TrainerMessage): void {
  port.postMessage(message);
}

function fetchGraph(message: TrainerMessage & { kind: "graph" }): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    port.once("message", ({ bytes }: GraphReply) => {
      if (bytes === undefined) reject(new NeuroranError("TRAINING_ABANDONED", "there is no such graph"));
      else resolve(bytes);
    });
    send(message);
  });
}

const runner = createStepRunner(plan, (role, dimensions) =>
  fetchGraph({ kind: "graph", role, sizes: dimensions }),
);

async function train(): Promise<TrainingEnd> {
  const dataset = await openDataset(start.dataset);
  const judged = start.validation?.dataset && (await openDataset(start.validation.dataset));
  const shared = openSharedStep(start.memory, sizes);
  const began = performance.now();
  const secondsBefore = state.seconds;
  let lastReport = began;
  let lastCheckpoint = began;
  let validation: StepReport["validation"] = state.curve.validations.at(-1);

  const makeBatch = (step: number, shard: number): NamedTensors =>
    dataset.batch(trainingRandom.fork(step).fork(shard), start.samples);
  const isJudgedAfter = (step: number): boolean =>
    start.validation !== undefined && (step % start.validation.everySteps === 0 || step === steps);

  /** The batch that was made ahead of its step. */
  let ahead: NamedTensors | undefined;

  async function computeShards(step: number): Promise<number[]> {
    const rate = learningRateAt(start.schedule, step, steps);
    if (shards === 1) {
      const batch = ahead ?? makeBatch(step, 0);
      ahead = undefined;
      return runner.train(state.vectors, batch, rate, step + 1);
    }
    for (const shard of ownShards) {
      const batch = ahead ?? makeBatch(step, shard);
      ahead = undefined;
      const { gradient, statistics, scalars } = await runner.gradient(state.vectors, batch);
      const slot = shared.shard(step, shard);
      slot.gradient.set(gradient);
      slot.statistics.set(statistics);
      slot.scalars.set(scalars);
    }
    // The dataset's tensors last until its next batch, which a validation would make.
    const [first] = ownShards;
    if (step + 1 < steps && (judged !== undefined || !isJudgedAfter(step + 1)))
      ahead = makeBatch(step + 1, first!);
    shared.barrier();
    const all = Array.from({ length: shards }, (_, shard) => shared.shard(step, shard));
    await runner.update(state.vectors, all, rate, step + 1);
    return meanOf(all.map(({ scalars }) => scalars));
  }

  async function judge(): Promise<number[]> {
    const source = judged ?? dataset;
    for (const chunk of ownChunks) {
      const batch = keptChunks.get(chunk) ?? source.batch(validationRandom.fork(chunk), start.samples);
      keepChunk(chunk, batch);
      shared.chunk(chunk).set(await runner.judge(state.vectors, batch));
    }
    shared.barrier();
    return meanOf(Array.from({ length: sizes.chunks }, (_, chunk) => shared.chunk(chunk)));
  }

  if (isLeader) {
    // Whether a checkpoint belongs to this training is judged by the graph of its first shard, whatever step comes next.
    const first = makeBatch(0, 0);
    await runner.prepare(shards === 1 ? "training" : "gradient", first);
    if (state.step === 0) ahead = first;
  }
  let end: TrainingEnd | undefined = state.step >= steps ? "steps" : isExhausted() ? "patience" : undefined;
  while (end === undefined) {
    const { step } = state;
    shared.checkAbandoned();
    if (isLeader && shared.isAskedToStop()) shared.stopAfter(step + 1);
    const scalars = await computeShards(step);
    state.step = step + 1;
    if (!Number.isFinite(scalars[0]))
      throw new NeuroranError(
        "TRAINING_DIVERGED",
        `the loss of step ${step} is ${scalars[0]}: lower the learning rate or clip the gradients`,
      );
    state.accumulator = accumulated(state.accumulator, scalars);
    if (hasPoint(state.step, steps)) {
      const means = state.accumulator.sums.map((sum) => sum / state.accumulator.steps);
      const learningRate = learningRateAt(start.schedule, step, steps);
      state.curve.points.push({ step: state.step, learningRate, ...named(plan.metrics, means) });
      state.accumulator = emptyAccumulator(sizes.scalars);
    }
    if (isJudgedAfter(state.step)) {
      validation = { step: state.step, ...named(plan.metrics, await judge()) };
      keepBest(validation);
      state.curve.validations.push(validation);
    }
    if (state.step === steps) end = "steps";
    else if (isExhausted()) end = "patience";
    else if (shared.isLast(state.step)) end = "signal";
    if (isLeader) tell(scalars);
  }
  return end;

  function tell(scalars: readonly number[]): void {
    const now = performance.now();
    state.seconds = secondsBefore + (now - began) / 1000;
    if (now - lastReport >= reportEvery_ms || end !== undefined) {
      lastReport = now;
      send({ kind: "report", report: { step: state.step, ...named(plan.metrics, scalars), validation } });
    }
    const every = start.checkpointEvery_s;
    if (every === undefined || end !== undefined || now - lastCheckpoint < 1000 * every) return;
    if (!shared.beginSaving()) return;
    lastCheckpoint = now;
    send({ kind: "checkpoint", state });
  }
}

/** Keeps a batch of the validation for the next one, as long as there is room. */
function keepChunk(chunk: number, batch: NamedTensors): void {
  const bytes = Object.values(batch).reduce((sum, { data }) => sum + data.byteLength, 0);
  if (keptChunks.has(chunk) || keptBytes + bytes > largestKept_bytes) return;
  keptBytes += bytes;
  // A copy, as the dataset may overwrite it.
  const copy = Object.entries(batch).map(([name, given]) => [name, { ...given, data: given.data.slice() }]);
  keptChunks.set(chunk, Object.fromEntries(copy));
}

function keepBest({ loss }: { loss: number }): void {
  const { parameters, statistics } = state.vectors;
  // A loss that is no finite number is never the best.
  if (Number.isFinite(loss) && loss < (state.best?.loss ?? Number.POSITIVE_INFINITY)) {
    state.best = { step: state.step, loss, parameters, statistics };
    state.withoutBetter = 0;
  } else state.withoutBetter++;
}

function isExhausted(): boolean {
  const patience = start.validation?.patience;
  return patience !== undefined && state.withoutBetter >= patience;
}

/** Element by element, summed in order. */
function meanOf(vectors: readonly ArrayLike<number>[]): number[] {
  return Array.from(vectors[0]!, (_, index) => {
    let sum = 0;
    for (const vector of vectors) sum += vector[index]!;
    return sum / vectors.length;
  });
}

try {
  const end = await train();
  await runner.release();
  send({ kind: "ended", end, state: isLeader ? state : undefined });
} catch (error) {
  await runner.release();
  send({ kind: "failed", error: describeError(error) });
}
