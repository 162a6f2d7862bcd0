import { type Command, Option } from "commander";
import type { TargetName } from "../compiler/index.js";
import { InputError } from "../errors.js";
import { type DelayProfileName, delayProfiles } from "../radio/index.js";
import {
  type Carrier,
  compactCarrier,
  parseCarrier,
  TRANSMISSION_BANDWIDTHS,
} from "../transceiver/pusch/index.js";
import { type SimulationOptions, type SimulationReport, simulate } from "../transceiver/simulation.js";
import { addCarrierOptions, type CarrierOptions } from "./carrier-options.js";
import { blerChart } from "./chart.js";
import { runConformance } from "./conformance.js";
import { exitStatus } from "./exit-status.js";
import { fixed, percentage, printJson } from "./format.js";
import { onInterrupt } from "./interrupt.js";
import { choiceOption, implementationOption, numberOption, sweepOption } from "./options.js";
import { checkWritable, writeOutput } from "./output-file.js";
import { createProgress } from "./progress.js";
import { pointJson, printCellReport, printSweep, type SimulatedPoint } from "./simulation-report.js";
import { targetOption } from "./targets.js";

const profileNames = ["awgn", ...Object.keys(delayProfiles)] as readonly (DelayProfileName | "awgn")[];

interface SimulateOptions extends CarrierOptions {
  readonly bandwidth?: number;
  readonly prbs?: number;
  readonly mcs: number;
  readonly mcsTable: 1 | 2 | 3;
  readonly layers: 1 | 2 | 3 | 4;
  readonly receiveAntennas: number;
  readonly profile: DelayProfileName | "awgn";
  readonly delaySpread: number;
  readonly doppler: number;
  readonly snr: readonly number[];
  readonly cfo: number;
  readonly timingOffset: number;
  readonly slots: number;
  readonly stopAfterErrors?: number;
  readonly implementation?: Record<string, string>;
  readonly target?: TargetName;
  readonly seed: number;
  readonly transmissions: number;
  readonly svg?: string;
  readonly conformance?: boolean;
  readonly table?: string;
  readonly row?: string;
  readonly json?: boolean;
}

/** The options that count for conformance; the requirements say all others. */
const conformanceOptions = ["table", "row", "slots", "implementation", "target", "seed", "json"];
/** Transport blocks a row: the throughput is uncertain by about 3 %, the margin by 0.3 dB. */
const conformanceSlots = 200;

export function addSimulate(program: Command): void {
  const command = program
    .command("simulate")
    .summary("receive a simulated cell; over several SNRs, measure block error rates")
    .description(
      "Sends random transport blocks through a channel and receives them. With one SNR the cell goes on in time, and the report tells of latency and estimates; with several, every slot has a channel of its own, and a table and a picture show the block error rate. With --conformance it measures the requirements of TS 38.104 8.2.1.2 instead, with retransmissions; the exit status is 1 where one is missed. Ctrl-C ends the run and reports what was measured.",
    )
    .option(
      "--mcs <index>",
      "modulation and coding scheme",
      numberOption("--mcs", { minimum: 0, maximum: 28, whole: true }),
      22,
    )
    .addOption(
      new Option("--mcs-table <number>", "table of TS 38.214: 1, 2 or 3")
        .argParser(choiceOption("--mcs-table", [1, 2, 3]))
        .default(1),
    )
    .option(
      "--prbs <number>",
      "granted resource blocks (all of the carrier)",
      numberOption("--prbs", { minimum: 1, maximum: 275, whole: true }),
    )
    .option(
      "--bandwidth <MHz>",
      "channel bandwidth, instead of --carrier-prbs",
      numberOption("--bandwidth", { minimum: 5, maximum: 100, whole: true, unit: "MHz" }),
    );
  addCarrierOptions(command, {
    scs: "30",
    carrierPrbs: "51",
    sampleRate: "the least that suits the carrier",
    carrierFrequency: "3.5e9",
  })
    .addOption(
      new Option("--profile <name>", `channel: ${profileNames.join(", ")}`)
        .argParser(choiceOption("--profile", profileNames))
        .default("TDL-C"),
    )
    .option(
      "--delay-spread <ns>",
      "of TDL-A to TDL-E",
      numberOption("--delay-spread", { minimum: 0, maximum: 10_000, unit: "ns" }),
      100,
    )
    .option(
      "--doppler <Hz>",
      "maximum Doppler shift",
      numberOption("--doppler", { minimum: 0, maximum: 10_000, unit: "Hz" }),
      30,
    )
    .addOption(
      new Option("--snr <dB>", "per resource element and antenna: one value, or first:step:last")
        .argParser(sweepOption("--snr"))
        .default([18], "18"),
    )
    .addOption(
      new Option("--layers <number>", "1 to 4").argParser(choiceOption("--layers", [1, 2, 3, 4])).default(1),
    )
    .option(
      "--receive-antennas <number>",
      "1 to 8",
      numberOption("--receive-antennas", { minimum: 1, maximum: 8, whole: true }),
      2,
    )
    .option(
      "--cfo <Hz>",
      "carrier frequency offset",
      numberOption("--cfo", { minimum: -100_000, maximum: 100_000, unit: "Hz" }),
      150,
    )
    .option(
      "--timing-offset <ns>",
      "how late slots arrive",
      numberOption("--timing-offset", { minimum: -10_000, maximum: 10_000, unit: "ns" }),
      200,
    )
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
    .option(
      "--implementation <block=name>",
      "implementation of a block, may be repeated",
      implementationOption,
    )
    .addOption(targetOption())
    .option(
      "--seed <number>",
      "seed of payloads, channel and noise",
      numberOption("--seed", { whole: true }),
      1,
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

function conformance(command: Command, options: SimulateOptions): Promise<number> {
  const isGiven = command.getOptionValueSource("slots") === "cli";
  return runConformance({
    table: options.table,
    row: options.row,
    transportBlocks: isGiven ? options.slots : conformanceSlots,
    seed: options.seed,
    implementations: options.implementation,
    target: options.target,
    json: options.json ?? false,
  });
}

async function run(options: SimulateOptions): Promise<number> {
  const json = options.json ?? false;
  const carrier = carrierOf(options);
  const prbs = options.prbs ?? carrier.carrierPrbs;
  if (options.svg !== undefined) checkWritable("--svg", options.svg);
  const sweep = options.snr.length > 1;
  const points: SimulatedPoint[] = [];
  const interrupt = onInterrupt();
  const progress = createProgress(sweep ? "simulating" : "receiving", options.snr.length * options.slots);
  try {
    for (const [index, snr_db] of options.snr.entries()) {
      const simulation = simulationOf(options, carrier, prbs, snr_db, sweep);
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

function simulationOf(
  options: SimulateOptions,
  carrier: Carrier,
  prbs: number,
  snr_db: number,
  independentSlots: boolean,
): SimulationOptions {
  const scaled = options.profile.startsWith("TDL-");
  return {
    carrier,
    grant: {
      physCellId: 1,
      rnti: 0x4601,
      rbStart: 0,
      rbSize: prbs,
      mcsTable: options.mcsTable,
      mcsIndex: options.mcs,
      nrOfLayers: options.layers,
    },
    receiveAntennas: options.receiveAntennas,
    profile: options.profile,
    delaySpread_s: scaled ? options.delaySpread * 1e-9 : undefined,
    maximumDoppler_hz: options.doppler,
    snr_db,
    cfo_hz: options.cfo,
    timingOffset_s: options.timingOffset * 1e-9,
    independentSlots,
    seed: options.seed,
    slots: options.slots,
    stopAfterErrors: options.stopAfterErrors,
    implementations: options.implementation,
    target: options.target,
    harq: options.transmissions > 1 ? { maximumTransmissions: options.transmissions } : undefined,
  };
}

function carrierOf(options: SimulateOptions): Carrier {
  const { scs = 30, bandwidth, cyclicPrefix = "normal", sampleRate, carrierFrequency = 3.5e9 } = options;
  if (bandwidth !== undefined && options.carrierPrbs !== undefined) {
    throw new InputError("--bandwidth", bandwidth, "leave out either it or --carrier-prbs");
  }
  const widths = TRANSMISSION_BANDWIDTHS[scs];
  const prbs = bandwidth === undefined ? (options.carrierPrbs ?? 51) : widths[bandwidth];
  if (prbs === undefined) {
    throw new InputError(
      "--bandwidth",
      bandwidth,
      `at ${scs} kHz give one of ${Object.keys(widths).join(", ")}`,
    );
  }
  const carrier = { subcarrierSpacing: scs, cyclicPrefix, carrierPrbs: prbs, carrierFrequency };
  return sampleRate === undefined ? compactCarrier(carrier) : parseCarrier({ ...carrier, sampleRate });
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
