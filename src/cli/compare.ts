import type { Command } from "commander";
import { InputError } from "../errors.js";
import { slotOperations } from "../transceiver/operation-count.js";
import { receiverFunctions } from "../transceiver/receiver-functions.js";
import { type SimulationReport, simulate } from "../transceiver/simulation.js";
import { addCellOptions, type CellOptions, simulatedCell } from "./cell-options.js";
import { blerChart, confidence } from "./chart.js";
import { exitStatus } from "./exit-status.js";
import { bold, duration, fixed, percentage, printJson, table } from "./format.js";
import { onInterrupt } from "./interrupt.js";
import { describeMachine, machineLine } from "./machine.js";
import { blockName, numberOption } from "./options.js";
import { checkWritable, writeOutput } from "./output-file.js";
import { createProgress } from "./progress.js";
import { attemptsJson, functionTimings } from "./simulation-report.js";

interface CompareOptions extends CellOptions {
  readonly only?: string;
  readonly slots: number;
  readonly stopAfterErrors?: number;
  readonly svg?: string;
  readonly json?: boolean;
}

/** One implementation over all SNRs. */
interface Curve {
  readonly implementation: string;
  readonly points: { readonly snr_db: number; readonly report: SimulationReport }[];
  /** Operations of the whole receive chain in a slot at the highest SNR. */
  operations: number;
}

/** As good as no deadline. */
const PATIENCE_ms = 1e6;

/** Slots over which operations are averaged: decoding takes more or fewer iterations. */
const COUNTED_SLOTS = 4;

/** The block error rate at which implementations are told apart in dB, as TS 38.104 and link adaptation look at it. */
const COMPARED_RATE = 0.1;

export function addCompare(program: Command): void {
  const command = program
    .command("compare <block>")
    .summary("compare all implementations of a block: error rate, latency, a picture")
    .description(
      "Receives the same slots, with the same noise, by each implementation of a block in turn, and shows block error rate over SNR beside what each costs. Every slot has a channel of its own. Blocks: " +
        `${["receiver", ...receiverFunctions.map(({ name }) => name)].join(", ")}. Ctrl-C ends the run and reports what was measured.`,
    )
    .option(
      "--only <names>",
      "implementations, or models as --use takes them, with commas between (all implementations of the block)",
    );
  addCellOptions(command)
    .option(
      "--slots <number>",
      "slots to simulate at each SNR",
      numberOption("--slots", { minimum: 1, maximum: 1e9, whole: true }),
      500,
    )
    .option(
      "--stop-after-errors <number>",
      "go on to the next SNR after so many lost blocks",
      numberOption("--stop-after-errors", { minimum: 1, whole: true }),
    )
    .option("--svg <file>", "draw the block error rates")
    .option("--json", "print one JSON object an implementation and SNR")
    .addHelpText(
      "after",
      `
Examples:
  $ neuroran compare demapping --profile awgn --mcs 13 --prbs 6 --snr 6:0.25:8 --svg demapping.svg
  $ neuroran compare receiver --profile TDL-C --doppler 300 --mcs 12 --prbs 6 --snr 0:2:16`,
    )
    .action(async (block: string, options: CompareOptions) => {
      process.exitCode = await compare(blockName(block), options);
    });
}

async function compare(block: string, options: CompareOptions): Promise<number> {
  const names = implementationsOf(block, options.only);
  if (options.svg !== undefined) checkWritable("--svg", options.svg);
  if (options.use?.[block] !== undefined)
    throw new InputError(
      "--use",
      `${block}=${options.use[block]}`,
      "leave it out: all implementations take turns",
    );
  const interrupt = onInterrupt();
  const progress = createProgress(`comparing ${block}`, names.length * options.snr.length * options.slots);
  const curves: Curve[] = [];
  const refused: string[] = [];
  let before = 0;
  try {
    for (const implementation of names) {
      const curve: Curve = { implementation, points: [], operations: Number.NaN };
      try {
        for (const snr_db of options.snr) {
          if (interrupt.signal.aborted) break;
          const cell = await simulatedCell(withImplementation(options, block, implementation), snr_db, true);
          const note = `${implementation} at ${snr_db} dB`;
          const report = await simulate(
            { ...cell, slots: options.slots, stopAfterErrors: options.stopAfterErrors },
            (_, done) => progress.update(before + done, note),
            interrupt.signal,
          );
          before += options.slots;
          if (report.slots === 0) continue;
          curve.points.push({ snr_db, report });
          if (options.json) printJson(pointJson(block, implementation, snr_db, report));
        }
        if (curve.points.length > 0) {
          const cell = await simulatedCell(
            withImplementation(options, block, implementation),
            options.snr.at(-1)!,
            true,
          );
          curve.operations = slotOperations({ ...cell, slots: COUNTED_SLOTS });
          if (options.json) printJson({ block, implementation, operations_per_slot: curve.operations });
        }
      } catch (error) {
        // One that is not made for this grant does not keep the others from being compared.
        if (!(error instanceof InputError) || options.only !== undefined) throw error;
        refused.push(`${implementation}: ${error.message}`);
      }
      if (curve.points.length > 0) curves.push(curve);
    }
  } finally {
    progress.stop();
    interrupt.restore();
  }
  if (curves.length === 0 && refused.length > 0) throw new InputError("block", block, refused.join("; "));
  if (!options.json && curves.length > 0) print(block, curves, options);
  for (const line of refused) process.stderr.write(`neuroran: left out ${line}\n`);
  if (options.svg !== undefined && curves.length > 0)
    writeOutput(options.svg, Buffer.from(chartOf(block, curves, options)));
  if (!interrupt.signal.aborted) return exitStatus.success;
  process.stderr.write("neuroran: interrupted; what is shown was measured until then\n");
  return exitStatus.interrupted;
}

/** Without a deadline of its own a comparison waits for every answer, so that each curve is one implementation's. */
function withImplementation(options: CompareOptions, block: string, implementation: string): CompareOptions {
  const { deadline = PATIENCE_ms } = options;
  return { ...options, deadline, use: { ...options.use, [block]: implementation } };
}

/** @throws InputError for a block or an implementation that there is not. */
function implementationsOf(block: string, only: string | undefined): string[] {
  const found = receiverFunctions.find(({ name }) => name === block);
  if (found === undefined) {
    const known = receiverFunctions.map(({ name }) => name).join(", ");
    throw new InputError("block", block, `give receiver or one of ${known}`);
  }
  const names = [...found.implementations.keys()];
  if (only === undefined) return names;
  return only.split(",").map((name) => {
    if (!names.includes(name) && found.neural === undefined)
      throw new InputError("--only", name, `give some of ${names.join(", ")}`);
    return name;
  });
}

function print(block: string, curves: readonly Curve[], options: CompareOptions): void {
  const { snr, seed } = options;
  process.stdout.write(`${bold(`Block error rate by implementation of ${block}`)}\n`);
  process.stdout.write(
    table(
      [
        { title: "SNR dB", align: "right" },
        ...curves.map(({ implementation }) => ({ title: implementation, align: "right" as const })),
      ],
      snr.map((snr_db) => [
        String(snr_db),
        ...curves.map(({ points }) => {
          const report = points.find((point) => point.snr_db === snr_db)?.report;
          if (report === undefined) return "–";
          const [low, high] = confidence({ errors: report.blockErrors, blocks: report.slots });
          return `${percentage(report.blockErrorRate)} (${percentage(low)} to ${percentage(high)})`;
        }),
      ]),
    ),
  );
  process.stdout.write(`\n${bold("What it costs")}\n`);
  process.stdout.write(
    table(
      [
        { title: "Implementation", align: "left" },
        { title: `dB at ${percentage(COMPARED_RATE)}`, align: "right" },
        { title: "block p50", align: "right" },
        { title: "slot p50", align: "right" },
        { title: "slot p99", align: "right" },
        { title: "operations a slot", align: "right" },
        { title: "fell back", align: "right" },
        { title: "blocks lost", align: "right" },
      ],
      curves.map((curve) => {
        const { statistics } = curve.points.at(-1)!.report;
        const slot = statistics.timings.find(({ name }) => name === "slot")!;
        const lost = curve.points.reduce((sum, { report }) => sum + report.blockErrors, 0);
        const all = curve.points.reduce((sum, { report }) => sum + report.slots, 0);
        return [
          curve.implementation,
          fixed(snrAt(curve, COMPARED_RATE), 2),
          duration(blockLatency(block, curve.points.at(-1)!.report)),
          duration(slot.p50),
          duration(slot.p99),
          `${fixed(curve.operations / 1e6, 1)} M`,
          fallbacks(curve),
          `${lost} of ${all}`,
        ];
      }),
    ),
  );
  process.stdout.write(
    `\nThe same slots and noise for all, seed ${seed}; 95 % intervals in brackets. Operations of the whole receive chain, lane by\nlane, compiled for wasm; two for each multiplication and addition of a network.\n${machineLine(describeMachine())}\n`,
  );
}

/** Milliseconds that the functions of a block take together in a slot, by their medians. */
function blockLatency(block: string, report: SimulationReport): number {
  return functionTimings(report)
    .filter(({ name }) => name.split("/").includes(block))
    .reduce((sum, { p50 }) => sum + p50, 0);
}

/** Slots that the implementation behind a neural one computed; a dash where there is no neural one. */
function fallbacks({ points }: Curve): string {
  const attempts = points.flatMap(({ report }) => report.statistics.attempts);
  if (attempts.length === 0) return "–";
  const fallen = attempts.reduce((sum, { fallenBack }) => sum + fallenBack, 0);
  // A slot without an attempt is none of the calls.
  const slots = attempts.reduce((sum, { calls, unavailable }) => sum + calls + unavailable, 0);
  return `${fallen} of ${slots}`;
}

/** SNR in dB at which a curve falls below a rate, between its points on a logarithmic scale; NaN where it does not. */
function snrAt({ points }: Curve, rate: number): number {
  const sorted = [...points].sort((a, b) => a.snr_db - b.snr_db);
  for (let index = 1; index < sorted.length; index++) {
    const [before, after] = [sorted[index - 1]!, sorted[index]!];
    const [high, low] = [before.report, after.report].map(
      ({ blockErrors, slots }) => Math.max(blockErrors, 0.5) / slots,
    ) as [number, number];
    if (high >= rate && low < rate) {
      const share = Math.log(high / rate) / Math.log(high / low);
      return before.snr_db + share * (after.snr_db - before.snr_db);
    }
  }
  return Number.NaN;
}

function pointJson(block: string, implementation: string, snr_db: number, report: SimulationReport): object {
  const [low, high] = confidence({ errors: report.blockErrors, blocks: report.slots });
  const slot = report.statistics.timings.find(({ name }) => name === "slot")!;
  return {
    block,
    implementation,
    snr_db,
    slots: report.slots,
    errors: report.blockErrors,
    bler: report.blockErrorRate,
    bler_low: low,
    bler_high: high,
    attempts: attemptsJson(report),
    block_p50_ms: blockLatency(block, report),
    slot_p50_ms: slot.p50,
    slot_p99_ms: slot.p99,
    interrupted: report.interrupted,
  };
}

function chartOf(block: string, curves: readonly Curve[], options: CompareOptions): string {
  const { profile, doppler, receiveAntennas, mcs } = options;
  const channel = profile === "awgn" ? "AWGN" : `${profile}, ${doppler} Hz`;
  return blerChart(
    `${block}: MCS ${mcs}, ${channel}, ${receiveAntennas} receive antennas`,
    curves.map(({ implementation, points }) => ({
      name: implementation,
      points: points.map(({ snr_db, report }) => ({
        snr_db,
        errors: report.blockErrors,
        blocks: report.slots,
      })),
    })),
  );
}
