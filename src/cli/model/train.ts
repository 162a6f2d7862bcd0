import { extname } from "node:path";
import type { Command } from "commander";
import { InputError, NeuroranError } from "../../errors.js";
import type { NeuralModel, TrainingResult } from "../../neural/index.js";
import { exitStatus } from "../exit-status.js";
import { duration, printJson } from "../format.js";
import { onInterrupt } from "../interrupt.js";
import { numberOption } from "../options.js";
import { checkWritable, writeOutput } from "../output-file.js";
import { addRegistryOptions, openModels, type RegistryOptions, shortVersion } from "./registry-options.js";
import { trainingCurvePicture } from "./training-curve.js";
import { showTraining } from "./training-progress.js";

interface TrainModelOptions extends RegistryOptions {
  readonly from?: string;
  readonly name?: string;
  readonly seed: number;
  readonly steps?: number;
  readonly threads?: number;
  readonly checkpoint?: string;
  readonly curve?: string;
  readonly export?: string;
}

export function addTrain(model: Command): void {
  addRegistryOptions(
    model
      .command("train")
      .summary("train a learned system and register the model")
      .description(
        "Trains the network of a learned system from a seed, or goes on from a model, and registers the result with how it was trained. With --checkpoint, Ctrl-C keeps the state, and the same command goes on from it to the same bits; without, it ends the training and nothing is registered.",
      )
      .argument("<system>", "name of a learned system, such as llrnet-16qam")
      .option("--from <model>", "go on from this model: name, name@alias or name@version")
      .option("--name <name>", "in the registry (that of the model gone on from, or the system's)")
      .option("--seed <number>", "of parameters and data", numberOption("--seed", { whole: true }), 1)
      .option(
        "--steps <number>",
        "steps instead of the system's",
        numberOption("--steps", { minimum: 1, whole: true }),
      )
      .option(
        "--threads <number>",
        "that compute; the result does not depend on it",
        numberOption("--threads", { minimum: 1, maximum: 1024, whole: true }),
      )
      .option("--checkpoint <file>", "keep the state here, and go on from it where it exists")
      .option(
        "--curve <file>",
        "write loss and metrics over the steps: .svg draws them, .json has the numbers",
      )
      .option("--export <directory>", "write the model here, too, in place of one that is there"),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  $ neuroran model train llrnet-16qam --curve loss.svg\n  $ neuroran model train llrnet-16qam --from my-demapper --checkpoint training.state",
    )
    .action(async (name: string, options: TrainModelOptions) => {
      process.exitCode = await trainModel(name, options);
    });
}

async function trainModel(name: string, options: TrainModelOptions): Promise<number> {
  for (const [option, path] of [
    ["--curve", options.curve],
    ["--checkpoint", options.checkpoint],
  ] as const)
    if (path !== undefined) checkWritable(option, path);
  if (options.curve !== undefined && ![".svg", ".json"].includes(extname(options.curve)))
    throw new InputError("--curve", options.curve, "give a file whose name ends in .svg or .json");
  const [{ learnedSystem }, { checkModelDirectory, writeModelDirectory }] = await Promise.all([
    import("../../transceiver/learned-systems.js"),
    import("../../neural/index.js"),
  ]);
  const known = learnedSystem(name);
  if (options.export !== undefined) checkModelDirectory(options.export, true);
  const { from, name: registered, seed, steps, threads, checkpoint } = options;
  const system = steps === undefined ? known : { ...known, training: { ...known.training, steps } };
  const neural = await openModels(options);
  const interrupt = onInterrupt();
  const shown = showTraining(name, system.training.steps);
  try {
    const { model, result } = await neural.train(system, {
      seed,
      observe: shown.observe,
      signal: interrupt.signal,
      ...(from !== undefined && { from }),
      ...(registered !== undefined && { name: registered }),
      ...(threads !== undefined && { threads }),
      ...(checkpoint !== undefined && { checkpoint: { path: checkpoint } }),
    });
    shown.stop();
    if (options.curve !== undefined) writeCurve(options.curve, model.manifest.name, result);
    if (options.export !== undefined) writeModelDirectory(options.export, model, true);
    report(model, result, options);
    return exitStatus.success;
  } catch (error) {
    shown.stop();
    if (!(error instanceof NeuroranError && error.code === "TRAINING_INTERRUPTED")) throw error;
    process.stderr.write(`neuroran: ${error.message}\n`);
    return exitStatus.interrupted;
  } finally {
    interrupt.restore();
  }
}

function writeCurve(path: string, name: string, { curve, best }: TrainingResult): void {
  const text =
    extname(path) === ".json"
      ? `${JSON.stringify({ ...curve, best: best ?? null }, null, 2)}\n`
      : trainingCurvePicture(`Training of ${name}`, curve, best);
  writeOutput(path, Buffer.from(text));
}

function report({ manifest, version }: NeuralModel, result: TrainingResult, { json }: RegistryOptions): void {
  const { name, training } = manifest;
  const { steps, seconds, best, end, threads } = result;
  const metrics = training?.metrics ?? {};
  if (json) {
    const reference = `${name}@${version}`;
    printJson({ name, version, reference, steps, end, seconds, threads, best: best ?? null, metrics });
    return;
  }
  const numbers = Object.entries(metrics).map(
    ([metric, value]) => `${metric} ${Number(value.toPrecision(5))}`,
  );
  process.stdout.write(
    `${name}@${shortVersion(version)} registered after ${steps} steps in ${duration(1000 * seconds)}: ${numbers.join(", ")}\n`,
  );
}
