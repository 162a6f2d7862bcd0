import { type Command, Option } from "commander";
import { choiceOption, numberOption } from "./options.js";

/** What describes a carrier on the command line. */
export interface CarrierOptions {
  readonly scs?: 15 | 30 | 60;
  readonly cyclicPrefix?: "normal" | "extended";
  readonly carrierPrbs?: number;
  readonly sampleRate?: number;
  readonly carrierFrequency?: number;
}

/** Adds the options that {@link CarrierOptions} holds. @param defaults what the help says of options left out. */
export function addCarrierOptions(
  command: Command,
  defaults: Readonly<Record<"scs" | "carrierPrbs" | "sampleRate" | "carrierFrequency", string>>,
): Command {
  const number = numberOption;
  return command
    .option(
      "--scs <kHz>",
      `subcarrier spacing: 15, 30 or 60 (${defaults.scs})`,
      choiceOption("--scs", [15, 30, 60]),
    )
    .addOption(
      new Option("--cyclic-prefix <kind>", "normal, or extended at 60 kHz (normal)").argParser(
        choiceOption("--cyclic-prefix", ["normal", "extended"]),
      ),
    )
    .option(
      "--carrier-prbs <number>",
      `resource blocks of the carrier (${defaults.carrierPrbs})`,
      number("--carrier-prbs", { minimum: 1, maximum: 275, whole: true }),
    )
    .option(
      "--sample-rate <Hz>",
      `samples per second (${defaults.sampleRate})`,
      number("--sample-rate", { minimum: 1, unit: "Hz" }),
    )
    .option(
      "--carrier-frequency <Hz>",
      `centre of the carrier (${defaults.carrierFrequency})`,
      number("--carrier-frequency", { minimum: 0, unit: "Hz" }),
    );
}
