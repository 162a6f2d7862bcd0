import { InputError } from "../../errors.js";
import type { ScheduleSpecification } from "./specification.js";

/**
 * The learning rate of a step, which counts from 0, of a training of `steps` steps.
 *
 * The warm-up rises linearly to the full rate, which its last step has. A linear or cosine decay begins at its share of the
 * steps, not before the warm-up ends, and reaches its last rate at the last step; `steps` multiplies by `factor` after
 * every so many steps.
 */
export function learningRateAt(schedule: ScheduleSpecification, step: number, steps: number): number {
  const { learningRate, warmupSteps = 0, decay } = schedule;
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  if (decay === undefined) return learningRate;
  if (decay.kind === "steps") return learningRate * decay.factor ** Math.floor(step / decay.every);
  const { from = 0, to = 0 } = decay;
  const first = Math.max(Math.floor(from * steps), warmupSteps);
  const done = Math.min(1, Math.max(0, (step - first) / Math.max(1, steps - 1 - first)));
  const share = decay.kind === "linear" ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2;
  return learningRate * (to + (1 - to) * share);
}

/** @throws InputError for rates and numbers of steps that make no sense. */
export function checkSchedule({ learningRate, warmupSteps = 0, decay }: ScheduleSpecification): void {
  if (!(learningRate > 0 && Number.isFinite(learningRate)))
    throw new InputError("schedule.learningRate", learningRate, "give a positive number");
  if (!(Number.isInteger(warmupSteps) && warmupSteps >= 0))
    throw new InputError("schedule.warmupSteps", warmupSteps, "give a number of steps from 0");
  if (decay === undefined) return;
  if (decay.kind === "steps") {
    if (!(decay.factor > 0))
      throw new InputError("schedule.decay.factor", decay.factor, "give a positive number");
    if (!(Number.isInteger(decay.every) && decay.every > 0))
      throw new InputError("schedule.decay.every", decay.every, "give a number of steps from 1");
    return;
  }
  const { from = 0, to = 0 } = decay;
  if (!(from >= 0 && from <= 1))
    throw new InputError("schedule.decay.from", from, "give a share from 0 to 1");
  if (!(to >= 0)) throw new InputError("schedule.decay.to", to, "give a share from 0");
}
