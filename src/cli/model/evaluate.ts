import type { Command } from "commander";
import { InputError } from "../../errors.js";
import type { Evaluation, EvaluationTable, NeuralModel } from "../../neural/index.js";
import type { Measured } from "../../neural/measured.js";
import { exitStatus } from "../exit-status.js";
import { bad, bold, good, printJson, table } from "../format.js";
import { onInterrupt } from "../interrupt.js";
import { describeMachine, machineLine } from "../machine.js";
import { numberOption } from "../options.js";
import { createProgress } from "../progress.js";
import { addRegistryOptions, lookAtModels, type RegistryOptions, shortVersion } from "./registry-options.js";

interface EvaluateModelOptions extends RegistryOptions {
  readonly system?: string;
  readonly seed: number;
  readonly effort: number;
}

export function addEvaluate(model: Command): void {
  addRegistryOptions(
    model
      .command("evaluate")
      .summary("measure a model beside its baselines")
      .description(
        "Measures a model as its learned system is judged: beside its baselines, on the same draws, with 95 % intervals. The exit status is 1 where a target is missed.",
      )
      .argument("<model>", "name, name@alias or name@version")
      .option("--system <name>", "what it is judged as (what it was trained as)")
      .option("--seed <number>", "of the draws", numberOption("--seed", { whole: true }), 1)
      .option(
        "--effort <share>",
        "of the draws of a full evaluation",
        numberOption("--effort", { minimum: 1e-4, maximum: 100 }),
        1,
      ),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  $ neuroran model evaluate llrnet-16qam --effort 0.1\n  $ neuroran model evaluate receiver --system aerial-receiver",
    )
    .action(async (reference: string, options: EvaluateModelOptions) => {
      process.exitCode = await evaluate(reference, options);
    });
}

async function evaluate(reference: string, options: EvaluateModelOptions): Promise<number> {
  const found = await (await lookAtModels(options)).open(reference);
  const { judgedSystem } = await import("../../transceiver/learned-systems.js");
  const name = options.system ?? found.manifest.training?.system;
  if (name === undefined)
    throw new InputError("--system", undefined, "name the learned system that the model is judged as");
  const system = judgedSystem(name);
  const { seed, effort } = options;
  const interrupt = onInterrupt();
  const progress = createProgress(`evaluate ${found.manifest.name}`, 1);
  let evaluation: Evaluation;
  try {
    evaluation = await found.evaluate((onnx) =>
      system.evaluate(onnx, {
        seed,
        effort,
        observe: (done) => progress.update(done, ""),
        signal: interrupt.signal,
      }),
    );
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    progress.stop();
    process.stderr.write("neuroran: interrupted; nothing was measured to the end\n");
    return exitStatus.interrupted;
  } finally {
    progress.stop();
    interrupt.restore();
  }
  if (options.json)
    printJson({ model: found.reference, system: name, effort, ...evaluation, machine: describeMachine() });
  else print(found, evaluation);
  if (interrupt.signal.aborted) {
    process.stderr.write("neuroran: interrupted; what is shown was measured until then\n");
    return exitStatus.interrupted;
  }
  return evaluation.targets.every(({ isMet }) => isMet) ? exitStatus.success : exitStatus.failed;
}

function print({ manifest, version }: NeuralModel, { seed, tables, targets }: Evaluation): void {
  for (const one of tables) process.stdout.write(`${bold(one.title)}\n${evaluationTable(one)}\n`);
  if (targets.length > 0)
    process.stdout.write(
      `${table(
        [
          { title: "Target", align: "left" },
          { title: "measured", align: "right" },
          { title: "required", align: "left" },
          { title: "", align: "left" },
        ],
        targets.map(({ name, measured, required, isMet }) => [
          name,
          measuredText(measured),
          required,
          isMet ? good("met") : bad("missed"),
        ]),
      )}\n`,
    );
  process.stdout.write(
    `${manifest.name}@${shortVersion(version)}, seed ${seed}; 95 % intervals in brackets, counts behind #\n${machineLine(describeMachine())}\n`,
  );
}

function evaluationTable({ condition, columns, rows }: EvaluationTable): string {
  return table(
    [{ title: condition, align: "right" }, ...columns.map((title) => ({ title, align: "right" as const }))],
    rows.map((row) => [String(row.condition), ...row.values.map(measuredText)]),
  );
}

/** A measured number with its interval and what was counted. */
function measuredText({ value, interval, count }: Measured): string {
  const range = interval === undefined ? "" : ` (${short(interval[0])} to ${short(interval[1])})`;
  return `${short(value)}${range}${count === undefined ? "" : ` #${count}`}`;
}

function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "–";
}
