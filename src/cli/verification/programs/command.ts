import type { Command } from "commander";
import { exitStatus } from "../../exit-status.js";
import { printJson } from "../../format.js";
import { onInterrupt } from "../../interrupt.js";
import { numberOption } from "../../options.js";
import { createProgress } from "../../progress.js";
import { programsText, verifyPrograms } from "./verify-programs.js";

interface ProgramsCommand {
  readonly seed: number;
  readonly programs: number;
  readonly json?: boolean;
}

/** Adds `programs` to the command `verify`. */
export function addVerifyPrograms(verify: Command): void {
  verify
    .command("programs")
    .summary("random programs on a node that is killed again and again")
    .description(
      "Runs random programs of calls, cycles, messages and timers over as many keys, on a node of its own that is killed every few thousand programs, and compares all counters and replies with a model. The exit status is 1 where anything differs, is stuck, or nothing was done.",
    )
    .option("--seed <number>", "of programs and kills", numberOption("--seed", { whole: true }), 1)
    .option(
      "--programs <number>",
      "programs and keys",
      numberOption("--programs", { minimum: 100, maximum: 10_000_000, whole: true }),
      100_000,
    )
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  $ neuroran verify programs --seed 7 --programs 3000")
    .action(runVerifyPrograms);
}

async function runVerifyPrograms({ seed, programs, json }: ProgramsCommand): Promise<void> {
  const interrupt = onInterrupt();
  const progress = createProgress(`programs, seed ${seed}`, programs);
  try {
    const report = await verifyPrograms({
      seed,
      programs,
      signal: interrupt.signal,
      progress: (replied, kills) => progress.update(replied, `${kills} kills`),
    });
    progress.stop();
    if (json) printJson(report);
    else process.stdout.write(programsText(report));
    process.exitCode = report.passed ? exitStatus.success : exitStatus.failed;
  } finally {
    progress.stop();
    interrupt.restore();
  }
  if (interrupt.signal.aborted) process.exitCode = exitStatus.interrupted;
}
