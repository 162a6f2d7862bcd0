import type { Command } from "commander";
import { openTarget, type TargetName } from "../compiler/index.js";
import { exitStatus } from "./exit-status.js";
import { bad } from "./format.js";
import { describeMachine, machineLine } from "./machine.js";
import { numberOption } from "./options.js";
import { targetNote, targetOption } from "./targets.js";

/** What a benchmark of decoder or slots is given. */
export interface SlotBenchmarkOptions {
  readonly target?: TargetName;
  readonly seconds: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** What of a measurement its foot tells. */
interface Checked {
  readonly case: string;
  readonly correct: boolean;
}

/** Adds a benchmark to the command; `seconds` says what takes so long, how long at least, and how long unless given. */
export function addSlotBenchmark(
  bench: Command,
  name: string,
  description: string,
  seconds: { readonly of: string; readonly minimum: number; readonly usual: number },
  run: (options: SlotBenchmarkOptions) => boolean | Promise<boolean>,
): void {
  const { of, minimum, usual } = seconds;
  bench
    .command(name)
    .description(description)
    .addOption(targetOption())
    .option("--seconds <number>", of, numberOption("--seconds", { minimum, maximum: 3600, unit: "s" }), usual)
    .option("--seed <number>", "seed of payloads and noise", numberOption("--seed", { whole: true }), 1)
    .option("--json", "print one JSON object a line")
    .addHelpText("after", `\nExample:\n  $ neuroran bench ${name} --target wasm --seconds ${usual} --json`)
    .action(async (options: SlotBenchmarkOptions) => {
      process.exitCode = (await run(options)) ? exitStatus.success : exitStatus.failed;
    });
}

/** The machine, what runs on which processor, and the command to repeat it by. */
export function printHead(name: string, options: SlotBenchmarkOptions, thread: string): void {
  const { target, seconds, seed } = options;
  const note = targetNote(target);
  if (note !== undefined) process.stdout.write(`${note}\n`);
  process.stdout.write(`${machineLine(describeMachine())}; ${thread}\n`);
  const opened = openTarget(target).name;
  process.stdout.write(`neuroran bench ${name} --target ${opened} --seconds ${seconds} --seed ${seed}\n\n`);
}

/** What was measured and what was not, and which cases went wrong. */
export function printFoot(measured: readonly Checked[], lines: readonly string[]): void {
  process.stdout.write(`\n${lines.join("\n")}\n`);
  for (const one of measured) {
    if (!one.correct) process.stdout.write(`${bad("wrong")}: ${one.case} did not decode what was sent\n`);
  }
}
