import type { Command } from "commander";
import { openTarget } from "../compiler/index.js";
import { addFunctionBenchmarks } from "./bench-functions.js";
import { addNeuralBenchmark } from "./bench-neural.js";
import { benchmarkLdpc } from "./benchmarks/ldpc.js";
import { takeProcessor } from "./benchmarks/own-processor.js";
import { benchmarkPusch, type PuschMeasurement } from "./benchmarks/pusch.js";
import { fixed, printJson, table } from "./format.js";
import {
  addSlotBenchmark,
  printFoot,
  printHead,
  type SlotBenchmarkOptions,
} from "./slot-benchmark-command.js";
import { addSlotBenchmarks } from "./slot-benchmarks.js";

export function addBench(program: Command): void {
  const bench = program
    .command("bench")
    .summary("measure the speed of the decoder, of the receiver, or of stateful functions")
    .description(
      "Measures and prints percentiles; decoder and receiver on one core. The exit status is 1 where a block did not decode.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  $ neuroran bench ldpc --target wasm\n  $ neuroran bench pusch --seconds 5 --json",
    );
  addSlotBenchmark(
    bench,
    "ldpc",
    "LDPC decoder: soft bits in, packed information bits out",
    eachCase,
    runLdpc,
  );
  addSlotBenchmark(
    bench,
    "pusch",
    "PUSCH receiver: samples of a slot in, checked transport block out",
    eachCase,
    runPusch,
  );
  addFunctionBenchmarks(bench);
  addSlotBenchmarks(bench);
  addNeuralBenchmark(bench);
}

const eachCase = { of: "time for each case", minimum: 0.01, usual: 5 };

function runLdpc(options: SlotBenchmarkOptions): boolean {
  const { measured, thread } = collect(
    benchmarkLdpc(openTarget(options.target), options.seconds, options.seed),
    options,
  );
  if (options.json) return allCorrect(measured);
  printHead("ldpc", options, thread);
  process.stdout.write(
    table(
      [
        { title: "Case", align: "left" },
        { title: "Mbit/s p50", align: "right" },
        { title: "p90", align: "right" },
        { title: "p99", align: "right" },
        { title: "max", align: "right" },
        { title: "calls", align: "right" },
      ],
      measured.map((one) => [
        one.case,
        fixed(one.p50, 1),
        fixed(one.p90, 1),
        fixed(one.p99, 1),
        fixed(one.max, 1),
        String(one.n),
      ]),
    ),
  );
  printFoot(measured, [
    "Bits of information a second on one core; 50, 90 and 99 % of the calls were at least so fast.",
    "A call decodes one code block of 8-bit soft bits into packed bits, 6 iterations, no early stop.",
    "Not measured: demapping, rate recovery, CRC, and data that the caches have lost in between.",
  ]);
  return allCorrect(measured);
}

function runPusch(options: SlotBenchmarkOptions): boolean {
  const { measured, thread } = collect(
    benchmarkPusch(openTarget(options.target), options.seconds, options.seed),
    options,
  );
  if (options.json) return allCorrect(measured);
  printHead("pusch", options, thread);
  process.stdout.write(
    table(
      [
        { title: "Case", align: "left" },
        { title: "ms p50", align: "right" },
        { title: "p90", align: "right" },
        { title: "p99", align: "right" },
        { title: "max", align: "right" },
        { title: "p99.9/p50", align: "right" },
        { title: "slots", align: "right" },
        { title: "slot lasts", align: "right" },
        { title: "late", align: "right" },
      ],
      measured.map((one) => [
        one.case,
        fixed(one.p50, 3),
        fixed(one.p90, 3),
        fixed(one.p99, 3),
        fixed(one.max, 3),
        fixed(one.tail, 2),
        String(one.n),
        `${one.slot_ms} ms`,
        String(one.late),
      ]),
    ),
  );
  process.stdout.write(`\n${blockTable(measured)}`);
  printFoot(measured, [
    "A call receives one slot on one core, one layer: the carrier's grid or baseband samples in, checked transport block out.",
    '"Noise" is a grid of noise that never decodes, zero forcing and two LDPC iterations; the others are decoded 1 dB',
    "above the point of 10 % block error rate, up to six iterations. Late: slots that took longer than a slot lasts.",
    "Not measured: transport of samples, preparation for a grant of a new shape, hand-over between threads.",
  ]);
  return allCorrect(measured);
}

/** Median of each block in milliseconds, one column a case. */
function blockTable(measured: readonly PuschMeasurement[]): string {
  const names = [...new Set(measured.flatMap(({ blocks }) => Object.keys(blocks)))];
  return table(
    [
      { title: "Block, ms p50", align: "left" },
      ...measured.map((_, index) => ({ title: `case ${index + 1}`, align: "right" as const })),
    ],
    names.map((name) => [
      name,
      ...measured.map(({ blocks }) => (blocks[name] === undefined ? "" : fixed(blocks[name], 3))),
    ]),
  );
}

/** All measurements, and where this thread made them; with `--json` each is printed as soon as it is there. */
function collect<T extends object>(
  measurements: Iterable<T>,
  { json }: SlotBenchmarkOptions,
): { measured: T[]; thread: string } {
  const measured: T[] = [];
  const processor = takeProcessor();
  try {
    for (const one of measurements) {
      measured.push(one);
      if (json) printJson(one);
    }
  } finally {
    processor.restore();
  }
  return { measured, thread: processor.note };
}

function allCorrect(measured: readonly { readonly correct: boolean }[]): boolean {
  return measured.every(({ correct }) => correct);
}
