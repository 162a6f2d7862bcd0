import type { Command } from "commander";
import { benchmarkCheckpoint } from "./benchmarks/checkpoint.js";
import { type PhaseMeasurement, pacedCase } from "./benchmarks/paced-slots.js";
import { benchmarkSwap } from "./benchmarks/swap.js";
import { bad, duration, fixed, printJson, table } from "./format.js";
import {
  addSlotBenchmark,
  printFoot,
  printHead,
  type SlotBenchmarkOptions,
} from "./slot-benchmark-command.js";

/** Adds the benchmarks of what happens beside the slot path while slots arrive in real time. */
export function addSlotBenchmarks(bench: Command): void {
  addSlotBenchmark(
    bench,
    "swap",
    "exchange of the demapper while slots arrive in real time",
    arrivals,
    runSwap,
  );
  addSlotBenchmark(
    bench,
    "checkpoint",
    "checkpoints of 100 MB of state while slots arrive in real time",
    arrivals,
    runCheckpoint,
  );
}

const arrivals = { of: "time that slots arrive for", minimum: 1, usual: 8 };

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
  printHead("swap", options, `slot thread ${processor}`);
  printPhases(phases);
  const prepared = swaps
    .map(({ to, prepare_ms, gap_ms }) => `${to} in ${duration(prepare_ms)}, gap ${duration(gap_ms)}`)
    .join("; ");
  process.stdout.write(
    `\n${lost === 0 ? "0" : bad(String(lost))} of ${slots + lost} slots lost over ${swaps.length} swaps, prepared in, and gap before their first slot: ${prepared || "none"}.\n`,
  );
  printFoot(phases, [
    `Slots: ${pacedCase}; a slot is lost where none of the radio's 8 buffers is free.`,
    "Gap: how long a slot was there, and those before it done, until the slot thread began it; what is prepared for so",
    "long does not hold it up. Late: slots that took longer than 0.5 ms. Own: the time that the slot thread was on a",
    "processor, which leaves out what other programs take.",
    `The thread that plays the radio, which shares its processor with preparation, was held up for ${duration(longestStall_ms)} at most;`,
    "slots arrive later then. Not measured: a real radio, several flows, and swaps of a flow's module.",
  ]);
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
  printHead("checkpoint", options, `slot thread ${processor}`);
  printPhases(phases);
  const copied = checkpoints
    .map(({ bytes, milliseconds }) => `${(bytes / 1e6).toFixed(0)} MB in ${duration(milliseconds)}`)
    .join(", ");
  process.stdout.write(
    `\n${lost === 0 ? "0" : bad(String(lost))} of ${slots + lost} slots lost over ${checkpoints.length} checkpoints: ${copied || "none"}.\n` +
      `While state is copied the 99th percentile of slots is ${fixed(100 * p99Rise, 1)} % above that of the others, of their own time ${fixed(100 * ownP99Rise, 1)} %.\n`,
  );
  printFoot(phases, [
    `Slots: ${pacedCase}; each writes a session of 64 kB in turn. A slot is lost where none of the radio's 8 buffers is free.`,
    "Gap: how long a slot was there, and those before it done, until the slot thread began it. Late: longer than 0.5 ms.",
    "Own: the time that the slot thread was on a processor, which leaves out what other programs take.",
    `The thread that plays the radio was held up for ${duration(longestStall_ms)} at most; slots arrive later then.`,
    "Not measured: storing what was copied, and a real radio.",
  ]);
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
