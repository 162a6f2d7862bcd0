import type { NamedTensors } from "../engines/engine.js";
import { openSession, type Session } from "../engines/onnxruntime/session.js";
import { type DimensionSizes, sizesOf } from "../graph/dimensions.js";
import type { GraphValue } from "../graph/graph.js";
import { type Tensor, tensor } from "../graph/tensor.js";
import { values } from "./training-graph.js";

/** What a training changes: flat vectors, as the training graphs take them. They are replaced, never written. */
export interface TrainingVectors {
  parameters: Float32Array;
  statistics: Float32Array;
  /** In the order of the optimizer's state. */
  optimizer: Float32Array[];
}

/** What a runner knows of a training; it can be sent to threads. */
export interface RunnerPlan {
  /** The network's inputs and the targets. */
  readonly ports: readonly GraphValue[];
  readonly metrics: readonly string[];
  /** Vectors of the optimizer's state. */
  readonly state: readonly string[];
}

/** Which graph of a training. */
export type GraphRole = "training" | "gradient" | "validation" | "inference" | "update";

/** One shard's results. */
export interface ShardGradient {
  readonly gradient: Float32Array;
  readonly statistics: Float32Array;
}

/**
 * Runs the graphs of a training in the calling thread, which a run blocks. Graphs are fetched when a batch of new sizes comes
 * for the first time. Scalars are the loss and the metrics, in their order.
 */
export interface StepRunner {
  /** A whole step of one shard. @param rate learning rate @param step number of the update, from 1. */
  train(vectors: TrainingVectors, batch: NamedTensors, rate: number, step: number): Promise<number[]>;
  gradient(vectors: TrainingVectors, batch: NamedTensors): Promise<ShardGradient & { scalars: number[] }>;
  /** Replaces the vectors by those that follow the mean of the shards. */
  update(
    vectors: TrainingVectors,
    shards: readonly ShardGradient[],
    rate: number,
    step: number,
  ): Promise<void>;
  judge(vectors: TrainingVectors, batch: NamedTensors): Promise<number[]>;
  /** The network's outputs. @param ports its inputs */
  infer(vectors: TrainingVectors, ports: readonly GraphValue[], inputs: NamedTensors): Promise<NamedTensors>;
  /** Fetches what a batch of such sizes needs. */
  prepare(role: GraphRole, batch: NamedTensors): Promise<void>;
  release(): Promise<void>;
}

/** @param graphOf the bytes of the ONNX file of a role for these sizes. */
export function createStepRunner(
  plan: RunnerPlan,
  graphOf: (role: GraphRole, sizes: DimensionSizes) => Promise<Uint8Array>,
): StepRunner {
  const sessions = new Map<string, Session>();

  async function sessionFor(role: GraphRole, sizes: DimensionSizes): Promise<Session> {
    const key = `${role} ${JSON.stringify(sizes)}`;
    const known = sessions.get(key);
    if (known !== undefined) return known;
    const session = await openSession(await graphOf(role, sizes));
    sessions.set(key, session);
    return session;
  }

  /** Inputs of a graph of the network: the batch, checked, and the vectors. */
  async function feed(
    role: GraphRole,
    vectors: TrainingVectors,
    batch: NamedTensors,
    ports: readonly GraphValue[] = plan.ports,
  ): Promise<[Session, Record<string, Tensor>]> {
    const session = await sessionFor(role, sizesOf({ inputs: ports }, batch));
    const given: Record<string, Tensor> = { [values.parameters]: vector(vectors.parameters) };
    // A graph that does not use a port has no such input.
    for (const { name } of ports) if (session.inputs[name] !== undefined) given[name] = batch[name]!;
    if (session.inputs[values.statistics] !== undefined)
      given[values.statistics] = vector(vectors.statistics);
    return [session, given];
  }

  const scalarsOf = (outputs: NamedTensors): number[] =>
    [values.loss, ...plan.metrics.map(values.metric)].map((name) => Number(outputs[name]!.data[0]));

  function feedUpdate(
    given: Record<string, Tensor>,
    vectors: TrainingVectors,
    rate: number,
    step: number,
  ): void {
    given[values.learningRate] = tensor("float32", [], Float32Array.of(rate));
    given[values.step] = tensor("int64", [], BigInt64Array.of(BigInt(step)));
    plan.state.forEach((name, index) => {
      given[values.state(name)] = vector(vectors.optimizer[index]!);
    });
  }

  function replace(vectors: TrainingVectors, outputs: NamedTensors): void {
    vectors.parameters = outputs[values.newParameters]!.data as Float32Array;
    vectors.optimizer = plan.state.map((name) => outputs[values.newState(name)]!.data as Float32Array);
    const statistics = outputs[values.newStatistics];
    if (statistics !== undefined) vectors.statistics = statistics.data as Float32Array;
  }

  return {
    async train(vectors, batch, rate, step) {
      const [session, given] = await feed("training", vectors, batch);
      feedUpdate(given, vectors, rate, step);
      const outputs = await session.run(given);
      replace(vectors, outputs);
      return scalarsOf(outputs);
    },
    async gradient(vectors, batch) {
      const [session, given] = await feed("gradient", vectors, batch);
      const outputs = await session.run(given);
      return {
        gradient: outputs[values.gradient]!.data as Float32Array,
        statistics: (outputs[values.newStatistics]?.data as Float32Array | undefined) ?? new Float32Array(0),
        scalars: scalarsOf(outputs),
      };
    },
    async update(vectors, shards, rate, step) {
      const session = await sessionFor("update", {});
      const given: Record<string, Tensor> = { [values.parameters]: vector(vectors.parameters) };
      feedUpdate(given, vectors, rate, step);
      shards.forEach(({ gradient, statistics }, shard) => {
        given[values.gradientOf(shard)] = vector(gradient);
        if (statistics.length > 0) given[values.statisticsOf(shard)] = vector(statistics);
      });
      replace(vectors, await session.run(given));
    },
    async judge(vectors, batch) {
      const [session, given] = await feed("validation", vectors, batch);
      return scalarsOf(await session.run(given));
    },
    async infer(vectors, ports, inputs) {
      const [session, given] = await feed("inference", vectors, inputs, ports);
      return session.run(given);
    },
    async prepare(role, batch) {
      await sessionFor(role, sizesOf({ inputs: plan.ports }, batch));
    },
    async release() {
      for (const session of sessions.values()) await session.release();
      sessions.clear();
    },
  };
}

function vector(data: Float32Array): Tensor {
  return tensor("float32", [data.length], data);
}
