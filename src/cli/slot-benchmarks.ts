import type { Command } from "commander";
import { openTarget, type TargetName } from "../compiler/index.js";
import { benchmarkCheckpoint } from "./benchmarks/checkpoint.js";
import { type PhaseMeasurement, pacedCase } from "./benchmarks/paced-slots.js";
import { benchmarkSwap } from "./benchmarks/swap.js";
import { exitStatus } from "./exit-status.js";
import { bad, duration, fixed, printJson, table } from "./format.js";
import { describeMachine, machineLine } from "./machine.js";
import { numberOption } from "./options.js";
import { targetNote, targetOption } from "./targets.js";

interface SlotBenchmarkOptions {
  readonly target?: TargetName;
  readonly seconds: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** Adds the benchmarks of what happens beside the slot path while slots arrive in real time. */
export function addSlotBenchmarks(bench: Command): void {
  addCase(bench, "swap", "exchange of the demapper while slots arrive in real time", runSwap);
  addCase(
    bench,
    "checkpoint",
    "checkpoints of 100 MB of state while slots arrive in real time",
    runCheckpoint,
  );
}

function addCase(
  bench: Command,
  name: string,
  description: string,
  run: (options: SlotBenchmarkOptions) => Promise<boolean>,
): void {
  bench
    .command(name)
    .description(description)
    .addOption(targetOption())
    .option(
      "--seconds <number>",
      "time that slots arrive for",
      numberOption("--seconds", { minimum: 1, maximum: 3600, unit: "s" }),
      8,
    )
    .option("--seed <number>", "seed of payloads and noise", numberOption("--seed", { whole: true }), 1)
    .option("--json", "print one JSON object a line")
    .addHelpText("after", `\nExample:\n  $ neuroran bench ${name} --seconds 8 --json`)
    .action(async (options: SlotBenchmarkOptions) => {
      process.exitCode = (await run(options)) ? exitStatus.success : exitStatus.failed;
    });
}

async function runSwap(options: SlotBenchmarkOptions): Promise<boolean> {
  const { phases, swaps, lost, slots, processor, longestStall_ms } = await benchmarkSwap(
    options.target,
    options.seconds,
    options.seed,
  );
  const good = lost === 0 && swaps.length > 0 && phases.every(({ correct }) => correct);
  if (options.json) {
    for (const one of phases) printJson(one);
    printJson({ benchmark: "swap", case: "swaps", swaps, lost, slots, longestStall_ms });
    return good;
  }
  printHead("swap", options, processor);
  printPhases(phases);
  const prepared = swaps
    .map(({ to, prepare_ms, gap_ms }) => `${to} in ${duration(prepare_ms)}, gap ${duration(gap_ms)}`)
    .join("; ");
  process.stdout.write(
    `\n${lost === 0 ? "0" : bad(String(lost))} of ${slots + lost} slots lost over ${swaps.length} swaps, prepared in, and gap before their first slot: ${prepared || "none"}.\n`,
  );
  process.stdout.write(
    `${[
      `Slots: ${pacedCase}; a slot is lost where none of the radio's 8 buffers is free.`,
      "Gap: how long a slot was there, and those before it done, until the slot thread began it; what is prepared for so",
      "long does not hold it up. Late: slots that took longer than 0.5 ms. Own: the time that the slot thread was on a",
      "processor, which leaves out what other programs take.",
      `The thread that plays the radio, which shares its processor with preparation, was held up for ${duration(longestStall_ms)} at most;`,
      "slots arrive later then. Not measured: a real radio, several flows, and swaps of a flow's module.",
    ].join("\n")}\n`,
  );
  printWrong(phases);
  return good;
}

async function runCheckpoint(options: SlotBenchmarkOptions): Promise<boolean> {
  const run = await benchmarkCheckpoint(options.target, options.seconds, options.seed);
  const { phases, checkpoints, lost, slots, p99Rise, ownP99Rise, processor, longestStall_ms } = run;
  const good = lost === 0 && checkpoints.length > 0 && phases.every(({ correct }) => correct);
  if (options.json) {
    for (const one of phases) printJson(one);
    printJson({
      benchmark: "checkpoint",
      case: "checkpoints",
      checkpoints,
      lost,
      slots,
      p99Rise,
      ownP99Rise,
      longestStall_ms,
    });
    return good;
  }
  printHead("checkpoint", options, processor);
  printPhases(phases);
  const copied = checkpoints
    .map(({ bytes, milliseconds }) => `${(bytes / 1e6).toFixed(0)} MB in ${duration(milliseconds)}`)
    .join(", ");
  process.stdout.write(
    `\n${lost === 0 ? "0" : bad(String(lost))} of ${slots + lost} slots lost over ${checkpoints.length} checkpoints: ${copied || "none"}.\n` +
      `While state is copied the 99th percentile of slots is ${fixed(100 * p99Rise, 1)} % above that of the others, of their own time ${fixed(100 * ownP99Rise, 1)} %.\n`,
  );
  process.stdout.write(
    `${[
      `Slots: ${pacedCase}; each writes a session of 64 kB in turn. A slot is lost where none of the radio's 8 buffers is free.`,
      "Gap: how long a slot was there, and those before it done, until the slot thread began it. Late: longer than 0.5 ms.",
      "Own: the time that the slot thread was on a processor, which leaves out what other programs take.",
      `The thread that plays the radio was held up for ${duration(longestStall_ms)} at most; slots arrive later then.`,
      "Not measured: storing what was copied, and a real radio.",
    ].join("\n")}\n`,
  );
  printWrong(phases);
  return good;
}

function printPhases(phases: readonly PhaseMeasurement[]): void {
  process.stdout.write(
    table(
      [
        { title: "Slots", align: "left" },
        { title: "ms p50", align: "right" },
        { title: "p90", align: "right" },
        { title: "p99", align: "right" },
        { title: "max", align: "right" },
        { title: "own p50", align: "right" },
        { title: "own p99", align: "right" },
        { title: "slots", align: "right" },
        { title: "lost", align: "right" },
        { title: "late", align: "right" },
        { title: "longest gap", align: "right" },
      ],
      phases.map((one) => [
        one.case.slice(0, one.case.indexOf(":")),
        fixed(one.p50, 3),
        fixed(one.p90, 3),
        fixed(one.p99, 3),
        fixed(one.max, 3),
        fixed(one.own.p50, 3),
        fixed(one.own.p99, 3),
        String(one.n),
        String(one.lost),
        String(one.late),
        duration(one.longestGap_ms),
      ]),
    ),
  );
}

function printWrong(phases: readonly PhaseMeasurement[]): void {
  for (const one of phases)
    if (!one.correct) process.stdout.write(`${bad("wrong")}: slots ${one.case} were not what was sent\n`);
}

function printHead(
  name: string,
  { target: chosen, seconds, seed }: SlotBenchmarkOptions,
  processor: string,
): void {
  const note = targetNote(chosen);
  if (note !== undefined) process.stdout.write(`${note}\n`);
  process.stdout.write(`${machineLine(describeMachine())}; slot thread ${processor}\n`);
  process.stdout.write(
    `neuroran bench ${name} --target ${openTarget(chosen).name} --seconds ${seconds} --seed ${seed}\n\n`,
  );
}
