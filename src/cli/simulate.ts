import type { Command } from "commander";
import { InputError } from "../errors.js";
import { type SimulationOptions, type SimulationReport, simulate } from "../transceiver/simulation.js";
import { addCellOptions, type CellOptions, simulatedCell } from "./cell-options.js";
import { blerChart } from "./chart.js";
import { runConformance } from "./conformance.js";
import { exitStatus } from "./exit-status.js";
import { fixed, percentage, printJson } from "./format.js";
import { onInterrupt } from "./interrupt.js";
import { numberOption } from "./options.js";
import { checkWritable, writeOutput } from "./output-file.js";
import { createProgress } from "./progress.js";
import { pointJson, printCellReport, printSweep, type SimulatedPoint } from "./simulation-report.js";
import { usedImplementations } from "./used-models.js";

interface SimulateOptions extends CellOptions {
  readonly slots: number;
  readonly stopAfterErrors?: number;
  readonly transmissions: number;
  readonly svg?: string;
  readonly conformance?: boolean;
  readonly table?: string;
  readonly row?: string;
  readonly json?: boolean;
}

/** The options that count for conformance; the requirements say all others. */
const conformanceOptions = ["table", "row", "slots", "use", "data", "target", "seed", "json"];
/** Transport blocks a row: the throughput is uncertain by about 3 %, the margin by 0.3 dB. */
const conformanceSlots = 200;

export function addSimulate(program: Command): void {
  const command = program
    .command("simulate")
    .summary("receive a simulated cell; over several SNRs, measure block error rates")
    .description(
      "Sends random transport blocks through a channel and receives them. With one SNR the cell goes on in time, and the report tells of latency and estimates; with several, every slot has a channel of its own, and a table and a picture show the block error rate. With --conformance it measures the requirements of TS 38.104 8.2.1.2 instead, with retransmissions; the exit status is 1 where one is missed. Ctrl-C ends the run and reports what was measured.",
    );
  addCellOptions(command)
    .option(
      "--slots <number>",
      "slots to simulate at each SNR; with --conformance, transport blocks a row, 200 unless given",
      numberOption("--slots", { minimum: 1, maximum: 1e9, whole: true }),
      1000,
    )
    .option(
      "--transmissions <number>",
      "of a transport block, at most; a lost one is sent again with redundancy versions 2, 3, 1",
      numberOption("--transmissions", { minimum: 1, maximum: 16, whole: true }),
      1,
    )
    .option(
      "--stop-after-errors <number>",
      "go on to the next SNR after so many lost blocks",
      numberOption("--stop-after-errors", { minimum: 1, whole: true }),
    )
    .option("--svg <file>", "draw the block error rate")
    .option("--conformance", "measure the throughput that TS 38.104 8.2.1.2 requires, and the margin to it")
    .option("--table <number>", "with --conformance: rows of this table only, such as 8.2.1.2-1")
    .option("--row <number>", "with --conformance: rows of this number only")
    .option("--json", "print one JSON object an SNR, or a row")
    .addHelpText(
      "after",
      `
Examples:
  $ neuroran simulate
  $ neuroran simulate --profile awgn --mcs 10 --snr 2:0.25:5 --slots 2000 --stop-after-errors 100 --svg bler.svg
  $ neuroran simulate --conformance --table 8.2.1.2-1 --row 1 --slots 500`,
    )
    .action(async (options: SimulateOptions) => {
      checkConformanceOptions(command, options.conformance ?? false);
      process.exitCode = await (options.conformance ? conformance(command, options) : run(options));
    });
}

/** Refuses options that would have no effect. */
function checkConformanceOptions(command: Command, asked: boolean): void {
  for (const option of command.options) {
    const name = option.attributeName();
    if (command.getOptionValueSource(name) !== "cli" || name === "conformance") continue;
    const value: unknown = command.getOptionValue(name);
    if (asked && !conformanceOptions.includes(name)) {
      throw new InputError(option.long!, value, "leave it out with --conformance, the requirements say it");
    }
    if (!asked && (name === "table" || name === "row")) {
      throw new InputError(option.long!, value, "give it with --conformance");
    }
  }
}

async function conformance(command: Command, options: SimulateOptions): Promise<number> {
  const isGiven = command.getOptionValueSource("slots") === "cli";
  return await runConformance({
    table: options.table,
    row: options.row,
    transportBlocks: isGiven ? options.slots : conformanceSlots,
    seed: options.seed,
    implementations: options.use && (await usedImplementations(options.use, options.data)),
    target: options.target,
    json: options.json ?? false,
  });
}

async function run(options: SimulateOptions): Promise<number> {
  const json = options.json ?? false;
  if (options.svg !== undefined) checkWritable("--svg", options.svg);
  const sweep = options.snr.length > 1;
  const points: SimulatedPoint[] = [];
  const interrupt = onInterrupt();
  const progress = createProgress(sweep ? "simulating" : "receiving", options.snr.length * options.slots);
  try {
    for (const [index, snr_db] of options.snr.entries()) {
      const simulation = {
        ...(await simulatedCell(options, snr_db, sweep)),
        slots: options.slots,
        stopAfterErrors: options.stopAfterErrors,
        harq: options.transmissions > 1 ? { maximumTransmissions: options.transmissions } : undefined,
      };
      const report = await observed(simulation, index * options.slots, progress.update, interrupt.signal);
      if (report.slots > 0) {
        const point = { simulation, report };
        points.push(point);
        if (json) printJson(pointJson(point));
      }
      if (interrupt.signal.aborted) break;
    }
  } finally {
    progress.stop();
    interrupt.restore();
  }
  if (!json && points.length > 0) {
    if (sweep) printSweep(points);
    else printCellReport(points[0]!);
  }
  if (options.svg !== undefined && points.length > 0) writeOutput(options.svg, Buffer.from(chartOf(points)));
  if (!interrupt.signal.aborted) return exitStatus.success;
  process.stderr.write("neuroran: interrupted; what is shown was measured until then\n");
  return exitStatus.interrupted;
}

/** Simulates one SNR and tells how far it is; the last retransmissions come on top of the slots. */
function observed(
  simulation: SimulationOptions,
  before: number,
  update: (done: number, note: string) => void,
  signal: AbortSignal,
): Promise<SimulationReport> {
  let lost = 0;
  return simulate(
    simulation,
    ({ crc, snr_db }, done) => {
      if (!crc) lost++;
      const now = Number.isFinite(snr_db) ? `, now ${fixed(snr_db, 1)} dB` : "";
      update(
        before + Math.min(done, simulation.slots),
        `SNR ${simulation.snr_db} dB${now}, BLER ${percentage(lost / done)}`,
      );
    },
    signal,
  );
}

function chartOf(points: readonly SimulatedPoint[]): string {
  const [{ simulation, report }] = points as [SimulatedPoint];
  const { grant, carrier, profile, receiveAntennas } = simulation;
  const title = `${grant.rbSize} PRB, ${carrier.subcarrierSpacing} kHz, ${profile}, ${receiveAntennas} receive antennas`;
  return blerChart(title, [
    {
      name: `MCS ${grant.mcsIndex} of table ${grant.mcsTable}, ${report.transportBlockSize} bits`,
      points: points.map(({ simulation: { snr_db }, report: { slots, blockErrors } }) => ({
        snr_db,
        errors: blockErrors,
        blocks: slots,
      })),
    },
  ]);
}
