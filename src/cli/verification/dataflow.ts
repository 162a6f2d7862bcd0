import type { Command } from "commander";
import { type DataflowVerification, verifyDataflow } from "../../functions/flows/verify-dataflow.js";
import { exitStatus } from "../exit-status.js";
import { bad, good, printJson, properties } from "../format.js";
import { numberOption } from "../options.js";
import { createProgress } from "../progress.js";
import { type UplinkVerification, verifyUplink } from "./uplink/verify-uplink.js";

interface DataflowCommand {
  readonly seed: number;
  readonly seconds: number;
  readonly slots: number;
  readonly json?: boolean;
}

/** Adds `dataflow` to the command `verify`. */
export function addVerifyDataflow(verify: Command): void {
  verify
    .command("dataflow")
    .summary(
      "a counted sequence, and an uplink with HARQ state, through flows that are killed again and again",
    )
    .description(
      "Runs a counted sequence through a keyed flow of three stages, in a process that is killed at random points, and compares what it gives with what it would give without: everything, once each. Then receives the uplink of a simulated cell, whose users retransmit, without a fault and in a process that is killed, and compares slot by slot and bit by bit. The exit status is 1 where anything differs, is stuck, or nothing was killed.",
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
    .option("--slots <number>", "of the uplink", numberOption("--slots", { minimum: 100, whole: true }), 300)
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  $ neuroran verify dataflow --seed 7 --seconds 10")
    .action(runVerifyDataflow);
}

async function runVerifyDataflow({ seed, seconds, slots, json }: DataflowCommand): Promise<void> {
  const began = performance.now();
  let runs = 0;
  const report = await withProgress(`dataflow, seed ${seed}`, seconds, (update) =>
    verifyDataflow({
      seed,
      seconds,
      onRun: ({ lastEpoch }) => {
        const done = Math.min(seconds, (performance.now() - began) / 1000);
        update(done, `${++runs} processes, epoch ${lastEpoch}`);
      },
    }),
  );
  const uplink = await withProgress(`uplink, seed ${seed}`, slots, (update) =>
    verifyUplink({ seed, slots, onRun: (position) => update(position, `slot ${position}`) }),
  );
  const passed = report.problems.length === 0 && report.stuck === undefined && uplink.problems.length === 0;
  if (json) printJson({ verification: "dataflow", passed, ...report, uplink });
  else process.stdout.write(dataflowText(report, uplink, passed));
  process.exitCode = passed ? exitStatus.success : exitStatus.failed;
}

async function withProgress<T>(
  what: string,
  total: number,
  run: (update: (done: number, note: string) => void) => Promise<T>,
): Promise<T> {
  const progress = createProgress(what, total);
  try {
    return await run(progress.update);
  } finally {
    progress.stop();
  }
}

function dataflowText(report: DataflowVerification, uplink: UplinkVerification, passed: boolean): string {
  const { seed, messages, outputs, kills, epochs, stuck } = report;
  const problems = [...report.problems, ...uplink.problems];
  const lines = properties([
    ["seed", String(seed)],
    ["messages", String(messages)],
    ["outputs", String(outputs)],
    ["kills", String(kills)],
    ["epochs", String(epochs)],
    ["uplink slots", String(uplink.slots)],
    ["uplink kills", String(uplink.kills)],
    ["uplink recoveries", String(uplink.recoveries)],
    ["blocks that only HARQ state let pass", String(uplink.combined)],
  ]);
  const verdict = passed
    ? `${good("passed")}: the outputs are those of runs without kills, once each`
    : [`${bad("failed")}:`, ...problems.map((problem) => `  ${problem}`)].join("\n");
  const where = stuck === undefined ? "" : `stuck: ${JSON.stringify(stuck, null, 2)}\n`;
  return `${lines}\n${verdict}\n${where}`;
}
