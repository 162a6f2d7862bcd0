import type { Command } from "commander";
import { type DataflowVerification, verifyDataflow } from "../../functions/flows/verify-dataflow.js";
import { exitStatus } from "../exit-status.js";
import { bad, good, printJson, properties } from "../format.js";
import { numberOption } from "../options.js";
import { createProgress } from "../progress.js";

interface DataflowCommand {
  readonly seed: number;
  readonly seconds: number;
  readonly json?: boolean;
}

/** Adds `dataflow` to the command `verify`. */
export function addVerifyDataflow(verify: Command): void {
  verify
    .command("dataflow")
    .summary("a counted sequence through a keyed flow that is killed again and again")
    .description(
      "Runs a counted sequence through a keyed flow of three stages, in a process that is killed at random points, and compares what it gives with what it would give without: everything, once each. The exit status is 1 where anything differs, is stuck, or nothing was killed.",
    )
    .option(
      "--seed <number>",
      "of kills and of how the flow is laid out",
      numberOption("--seed", { whole: true }),
      1,
    )
    .option(
      "--seconds <number>",
      "time of kills; the flow then runs to its end",
      numberOption("--seconds", { minimum: 1, maximum: 86_400, unit: "s" }),
      30,
    )
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  $ neuroran verify dataflow --seed 7 --seconds 10")
    .action(runVerifyDataflow);
}

async function runVerifyDataflow({ seed, seconds, json }: DataflowCommand): Promise<void> {
  const began = performance.now();
  const progress = createProgress(`dataflow, seed ${seed}`, seconds);
  let runs = 0;
  let report: DataflowVerification;
  try {
    report = await verifyDataflow({
      seed,
      seconds,
      onRun: ({ lastEpoch }) => {
        const done = Math.min(seconds, (performance.now() - began) / 1000);
        progress.update(done, `${++runs} processes, epoch ${lastEpoch}`);
      },
    });
  } finally {
    progress.stop();
  }
  const passed = report.problems.length === 0 && report.stuck === undefined;
  if (json) printJson({ verification: "dataflow", passed, ...report });
  else process.stdout.write(dataflowText(report, passed));
  process.exitCode = passed ? exitStatus.success : exitStatus.failed;
}

function dataflowText(report: DataflowVerification, passed: boolean): string {
  const { seed, messages, outputs, kills, epochs, problems, stuck } = report;
  const lines = properties([
    ["seed", String(seed)],
    ["messages", String(messages)],
    ["outputs", String(outputs)],
    ["kills", String(kills)],
    ["epochs", String(epochs)],
  ]);
  const verdict = passed
    ? `${good("passed")}: the output is that of a run without kills, once each`
    : [`${bad("failed")}:`, ...problems.map((problem) => `  ${problem}`)].join("\n");
  const where = stuck === undefined ? "" : `stuck: ${JSON.stringify(stuck, null, 2)}\n`;
  return `${lines}\n${verdict}\n${where}`;
}
