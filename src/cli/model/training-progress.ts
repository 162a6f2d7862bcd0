import type { TrainingProgress } from "../../neural/training/trainer.js";
import { createProgress, type Progress } from "../progress.js";

/** Shows on standard error how far a training is. */
export interface ShownTraining extends Pick<Progress, "stop"> {
  observe(progress: TrainingProgress): void;
}

export function showTraining(name: string, steps: number): ShownTraining {
  const progress = createProgress(`train ${name}`, steps);
  return {
    observe: (report) => progress.update(report.step, trainingNote(report)),
    stop: () => progress.stop(),
  };
}

/** Loss, metrics, the last validation, the rate and the time left, on one line. */
export function trainingNote({
  loss,
  metrics,
  validation,
  samplesPerSecond,
  secondsLeft,
}: TrainingProgress): string {
  const parts = [
    `loss ${short(loss)}`,
    ...Object.entries(metrics).map(([name, value]) => `${name} ${short(value)}`),
  ];
  if (validation !== undefined) parts.push(`validation ${short(validation.loss)}`);
  if (Number.isFinite(samplesPerSecond)) parts.push(`${short(samplesPerSecond)} samples/s`);
  if (Number.isFinite(secondsLeft)) parts.push(`${timeLeft(secondsLeft)} left`);
  return parts.join("  ");
}

function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

function timeLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)} min`;
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)} h`;
}
