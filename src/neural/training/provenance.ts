import { basename } from "node:path";
import { processorName } from "../models/cost.js";
import type { TrainingProvenance } from "../models/manifest.js";
import type { TrainingSpecification } from "./specification.js";
import type { TrainingResult, TrainOptions } from "./trainer.js";

/**
 * How a model was trained, as its manifest says it: what decided about the result, and how it went. The same training gives the
 * same, so that it gives the same version; how long it took is not in it.
 */
export function provenanceOf(
  system: string,
  specification: TrainingSpecification,
  { seed }: Pick<TrainOptions, "seed">,
  result: TrainingResult,
): TrainingProvenance {
  const { dataset, optimizer, schedule, clipNorm, batch, shards, validation, frozen } = specification;
  const { module, factory, parameters } = dataset;
  const last = result.curve.points.at(-1);
  const metrics = { loss: last?.loss, ...last?.metrics, validationLoss: result.best?.loss };
  const plain = {
    optimizer,
    schedule,
    clipNorm,
    steps: specification.steps,
    batch,
    shards,
    frozen,
    validation: validation && { samples: validation.samples, everySteps: validation.everySteps },
  };
  return {
    system,
    seed,
    // Folders differ from machine to machine.
    dataset: asJson({ module: basename(module.pathname), factory, parameters }),
    specification: asJson(plain),
    steps: result.steps,
    // On another one, the last bits differ.
    processor: processorName(),
    metrics: Object.fromEntries(
      Object.entries(metrics).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
    ),
  };
}

/** As JSON has it: without what is undefined. */
function asJson(value: object): NonNullable<TrainingProvenance["dataset"]> {
  return JSON.parse(JSON.stringify(value));
}
