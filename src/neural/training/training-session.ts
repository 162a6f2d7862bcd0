import { InputError, NeuroranError } from "../../errors.js";
import type { NamedTensors } from "../engines/engine.js";
import type { DimensionSizes } from "../graph/dimensions.js";
import type { OnnxModel } from "../graph/graph.js";
import { writeOnnx } from "../onnx/index.js";
import { named } from "./curve.js";
import { optimizer } from "./optimizers.js";
import { createStepRunner, type GraphRole } from "./step-runner.js";
import { trainableForm, trained } from "./trained.js";
import {
  inferenceGraph,
  initialVectors,
  namedVectors,
  type TrainingObjective,
  trainingGraph,
  trainingLayout,
  trainingPorts,
} from "./training-graph.js";

/**
 * A training whose batches come from outside, step by step: what learns from its own experience chooses them. It computes in the
 * calling thread, which each call blocks; one call at a time.
 */
export interface TrainingSession {
  /**
   * One step: the network's inputs and the targets → the loss and the metrics before it. Batches may have any sizes that fit the
   * declared types; each new combination of sizes takes a while the first time.
   * @throws InputError for a batch or a learning rate that does not fit. @throws NeuroranError TRAINING_DIVERGED for a loss that
   * is no number; the parameters are those before the step.
   */
  step(
    batch: NamedTensors,
    learningRate: number,
  ): Promise<{ readonly loss: number; readonly metrics: Readonly<Record<string, number>> }>;
  /** The network's outputs with the parameters as they are. */
  infer(inputs: NamedTensors): Promise<NamedTensors>;
  /** Parameters and running statistics, copied. */
  parameters(): NamedTensors;
  /** The network with the parameters as they are. */
  model(): OnnxModel;
  /** Gives memory back. Not during another call. */
  release(): Promise<void>;
}

/**
 * Opens a training session.
 * @throws InputError for an objective that does not fit the model.
 */
export function openTrainingSession(untrained: OnnxModel, objective: TrainingObjective): TrainingSession {
  const model = trainableForm(untrained);
  const layout = trainingLayout(model, objective);
  const metrics = Object.keys(objective.metrics ?? {});
  const plan = {
    ports: trainingPorts(model, objective),
    metrics,
    state: optimizer(objective.optimizer).state,
  };
  const vectors = initialVectors(model, layout, plan.state.length);
  const make = (role: GraphRole, sizes: DimensionSizes): OnnxModel => {
    const graph = role === "inference" ? inferenceGraph : trainingGraph;
    return graph(model, objective, sizes);
  };
  const runner = createStepRunner(plan, async (role, sizes) => writeOnnx(make(role, sizes)));
  const outputs = model.graph.outputs.map(({ name }) => name);
  let step = 0;
  return {
    async step(batch, learningRate) {
      if (!(learningRate >= 0 && Number.isFinite(learningRate)))
        throw new InputError("learningRate", learningRate, "give a number from 0");
      const before = { ...vectors };
      const scalars = await runner.train(vectors, batch, learningRate, step + 1);
      if (!Number.isFinite(scalars[0])) {
        Object.assign(vectors, before);
        throw new NeuroranError("TRAINING_DIVERGED", `the loss is ${scalars[0]}`);
      }
      step++;
      return named(metrics, scalars);
    },
    async infer(inputs) {
      const ports = model.graph.inputs;
      const results = await runner.infer(vectors, ports, inputs);
      return Object.fromEntries(outputs.map((name) => [name, results[name]!]));
    },
    parameters: () => namedVectors(layout, vectors),
    model: () => trained(untrained, namedVectors(layout, vectors)),
    release: () => runner.release(),
  };
}
