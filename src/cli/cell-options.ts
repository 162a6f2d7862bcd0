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
import type { SimulationOptions } from "../transceiver/simulation.js";
import { addCarrierOptions, type CarrierOptions } from "./carrier-options.js";
import {
  choiceOption,
  implementationOption,
  numberListOption,
  numberOption,
  sweepOption,
} from "./options.js";
import { targetOption } from "./targets.js";
import { addModelOptions, usedImplementations } from "./used-models.js";

const profileNames = ["awgn", ...Object.keys(delayProfiles)] as readonly (DelayProfileName | "awgn")[];

/** What describes a simulated cell and its receiver on the command line. */
export interface CellOptions extends CarrierOptions {
  readonly bandwidth?: number;
  readonly prbs?: number;
  readonly mcs: number;
  readonly mcsTable: 1 | 2 | 3;
  readonly layers: 1 | 2 | 3 | 4;
  readonly dmrsSymbols?: readonly number[];
  readonly receiveAntennas: number;
  readonly profile: DelayProfileName | "awgn";
  readonly delaySpread: number;
  readonly doppler: number;
  readonly snr: readonly number[];
  readonly cfo: number;
  readonly timingOffset: number;
  readonly use?: Record<string, string>;
  readonly data: string;
  readonly deadline?: number;
  readonly realTime?: boolean;
  readonly target?: TargetName;
  readonly seed: number;
}

/** Adds the options that {@link CellOptions} holds. */
export function addCellOptions(command: Command): Command {
  command
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
      "--dmrs-symbols <list>",
      "OFDM symbols with DM-RS, such as 2,11 (those of the standard's tables)",
      numberListOption("--dmrs-symbols", { minimum: 0, maximum: 13, whole: true }),
    )
    .option(
      "--use <block=name>",
      "implementation of a block, or a model in its place: a name of the registry, or the path of a directory; may be repeated",
      implementationOption,
    )
    .option(
      "--deadline <ms>",
      "by when a slot must be done: a neural implementation that answers later is replaced, for that slot, by what it falls back to (4 slots)",
      numberOption("--deadline", { minimum: 0.001, maximum: 1e6, unit: "ms" }),
    )
    .option("--real-time", "the deadline counts on the clock, not in the time that slots stand for")
    .addOption(targetOption())
    .option(
      "--seed <number>",
      "seed of payloads, channel and noise",
      numberOption("--seed", { whole: true }),
      1,
    );
  addModelOptions(command);
  return command;
}

/**
 * The simulation of the cell at one SNR, but for how many slots.
 * @throws InputError for options that do not fit.
 */
export async function simulatedCell(
  options: CellOptions,
  snr_db: number,
  independentSlots: boolean,
): Promise<Omit<SimulationOptions, "slots">> {
  const carrier = carrierOf(options);
  const scaled = options.profile.startsWith("TDL-");
  return {
    carrier,
    grant: {
      physCellId: 1,
      rnti: 0x4601,
      rbStart: 0,
      rbSize: options.prbs ?? carrier.carrierPrbs,
      mcsTable: options.mcsTable,
      mcsIndex: options.mcs,
      nrOfLayers: options.layers,
      ...(options.dmrsSymbols ? { dmrsSymbPos: options.dmrsSymbols } : {}),
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
    implementations: options.use && (await usedImplementations(options.use, options.data)),
    deadline: {
      seconds: options.deadline === undefined ? undefined : 1e-3 * options.deadline,
      realTime: options.realTime ?? false,
    },
    target: options.target,
  };
}

function carrierOf(options: CellOptions): Carrier {
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
