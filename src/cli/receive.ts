import { type Command, Option } from "commander";
import { openTarget, type TargetName } from "../compiler/index.js";
import { InputError } from "../errors.js";
import { openRecording, type Recording, readFronthaul } from "../radio/index.js";
import { type Carrier, type PuschGrant, parseCarrier, symbolsPerSlot } from "../transceiver/pusch/index.js";
import { createUplinkReceiver, type SlotResult, type UplinkReceiver } from "../transceiver/receiver.js";
import { addCarrierOptions, type CarrierOptions } from "./carrier-options.js";
import { exitStatus } from "./exit-status.js";
import { bad, fixed, good, printJson, signed } from "./format.js";
import { parseGrants, readGrants } from "./grant-file.js";
import { choiceOption, implementationOption, numberOption } from "./options.js";
import { checkWritable, writeOutput } from "./output-file.js";
import { findSlot, readSlot, slotPositions } from "./slot-source.js";
import { targetOption } from "./targets.js";
import { addModelOptions, usedImplementations } from "./used-models.js";

const formats = ["cf32", "ci16", "sigmf", "oran"] as const;

interface ReceiveOptions extends CarrierOptions {
  readonly grant: string;
  readonly start?: number;
  readonly antennas?: number;
  readonly format?: (typeof formats)[number];
  readonly iqWidth: number;
  readonly use?: Record<string, string>;
  readonly data: string;
  readonly target?: TargetName;
  readonly output?: string;
  readonly json?: boolean;
}

/** Receives one grant after the other; `next` gives the result of each. */
interface SlotReceiver {
  next(grant: PuschGrant, index: number): SlotResult;
  close(): void;
}

export function addReceive(program: Command): void {
  const command = program
    .command("receive")
    .summary("receive the granted slots of a recording")
    .description(
      "Receives PUSCH transport blocks from a recording: raw samples (.fc32, .cf32, .iq, .ci16, .cs16), SigMF, or O-RAN fronthaul PRBs as hexadecimal text. The exit status is 1 where a CRC fails, 2 where the input is not accepted.",
    )
    .argument("<recording>", "file of samples, or a slot's PRBs with --format oran")
    .requiredOption("--grant <file>", "JSON file of a grant, or of a list of grants in the order of time")
    .option(
      "--start <sample>",
      "first sample of the first grant's slot (searched for by its DM-RS)",
      numberOption("--start", { minimum: 0, whole: true }),
    );
  addCarrierOptions(command, {
    scs: "the grant's",
    carrierPrbs: "up to the end of the grant's bandwidth part",
    sampleRate: "the metadata's",
    carrierFrequency: "the metadata's",
  })
    .option(
      "--antennas <number>",
      "receive antennas whose samples alternate in a raw file (1)",
      numberOption("--antennas", { minimum: 1, maximum: 8, whole: true }),
    )
    .addOption(
      new Option("--format <name>", `${formats.join(", ")} (by the file's name)`).argParser(
        choiceOption("--format", formats),
      ),
    )
    .option(
      "--iq-width <bits>",
      "bits of a mantissa in O-RAN PRBs",
      numberOption("--iq-width", { minimum: 2, maximum: 16, whole: true }),
      9,
    )
    .option(
      "--use <block=name>",
      "implementation of a block, or a model in its place: a name of the registry, or the path of a directory; may be repeated",
      implementationOption,
    )
    .addOption(targetOption())
    .option("--output <file>", "write the transport blocks whose CRC passed, one after the other")
    .option("--json", "print one JSON object a slot")
    .addHelpText(
      "after",
      `
Example:
  $ neuroran receive capture.fc32 --grant grant.json --sample-rate 23.04e6 --carrier-frequency 3427.5e6 \\
      --carrier-prbs 51 --scs 30 --start 11052

  grant.json: {"slot": 7, "physCellId": 1, "rnti": 17921, "rbStart": 3, "rbSize": 24, "mcsIndex": 9}`,
    )
    .action(async (path: string, { use, ...options }: ReceiveOptions) => {
      const chosen = use && { use: await usedImplementations(use, options.data) };
      process.exitCode = receive(path, { ...options, ...chosen });
    });
  addModelOptions(command);
}

function receive(path: string, options: ReceiveOptions): number {
  const given = readGrants(options.grant);
  if (options.output !== undefined) checkWritable("--output", options.output);
  const { receiver, grants, positions } =
    options.format === "oran"
      ? receiverOfFronthaul(path, options, given)
      : receiverOfSamples(path, options, given);
  const payloads: Uint8Array[] = [];
  try {
    grants.forEach((grant, index) => {
      const result = receiver.next(grant, index);
      if (result.crc) payloads.push(result.payload);
      printResult(result, grant, positions?.[index], options.json ?? false);
    });
  } finally {
    receiver.close();
  }
  if (options.output !== undefined) writeOutput(options.output, Buffer.concat(payloads));
  if (!options.json && grants.length > 1) {
    process.stdout.write(`${payloads.length} of ${grants.length} transport blocks received\n`);
  }
  return payloads.length === grants.length ? exitStatus.success : exitStatus.failed;
}

function receiverOfSamples(path: string, options: ReceiveOptions, given: Record<string, unknown>[]) {
  const recording = openSamples(path, options);
  try {
    const carrier = carrierOf(options, given[0]!, recording.sampleRate!, recording.carrierFrequency!);
    const grants = parseGrants(given, carrier);
    const positions = slotPositions(
      carrier,
      grants,
      options.start ?? findSlot(recording, carrier, grants[0]!),
    );
    const receivers = receiverOfUsers(carrier, recording.channels, options);
    const receiver: SlotReceiver = {
      next(grant, index) {
        const user = receivers.of(grant);
        const samples = readSlot(
          recording,
          carrier,
          grant.slot,
          positions[index]!,
          user.guard,
          user.inputSamples,
        );
        return user.receive(samples, grant);
      },
      close() {
        receivers.close();
        recording.close();
      },
    };
    return { receiver, grants, positions };
  } catch (error) {
    recording.close();
    throw error;
  }
}

function receiverOfFronthaul(path: string, options: ReceiveOptions, given: Record<string, unknown>[]) {
  if (options.start !== undefined) {
    throw new InputError("--start", options.start, "a file of O-RAN PRBs holds one slot: leave it out");
  }
  const carrier = carrierOf(options, given[0]!, undefined, 0);
  const grants = parseGrants(given, carrier);
  for (const { slot } of grants) {
    if (slot !== grants[0]!.slot) {
      throw new InputError("slot", slot, `a file of O-RAN PRBs holds one slot, here ${grants[0]!.slot}`);
    }
  }
  const { antennas, grid } = readFronthaul(path, {
    iqWidth: options.iqWidth,
    prbCount: carrier.carrierPrbs,
    symbolCount: symbolsPerSlot(carrier.cyclicPrefix),
  });
  if (options.antennas !== undefined && options.antennas !== antennas) {
    throw new InputError("--antennas", options.antennas, `the file holds ${antennas}`);
  }
  const receivers = receiverOfUsers(carrier, antennas, options);
  const receiver: SlotReceiver = {
    next: (grant) => receivers.of(grant).receiveGrid(grid, grant),
    close: () => receivers.close(),
  };
  return { receiver, grants, positions: undefined };
}

/** A receiver for each user: timing and frequency, which it tracks, are the user's own. */
function receiverOfUsers(carrier: Carrier, receiveAntennas: number, options: ReceiveOptions) {
  const { use } = options;
  const target = openTarget(options.target);
  const receivers = new Map<number, UplinkReceiver>();
  return {
    of({ rnti }: PuschGrant): UplinkReceiver {
      let receiver = receivers.get(rnti);
      if (receiver === undefined) {
        receiver = createUplinkReceiver({
          carrier,
          receiveAntennas,
          target,
          ...(use ? { implementations: use } : {}),
        });
        receivers.set(rnti, receiver);
      }
      return receiver;
    },
    close(): void {
      for (const receiver of receivers.values()) receiver.close();
    },
  };
}

function openSamples(
  path: string,
  { format, sampleRate, carrierFrequency, antennas }: ReceiveOptions,
): Recording {
  const sigmf = format === "sigmf" && !/\.sigmf-(meta|data)$/.test(path) ? `${path}.sigmf-meta` : path;
  const raw = format === "cf32" ? "cf32_le" : format === "ci16" ? "ci16_le" : undefined;
  const recording = openRecording(sigmf, { format: raw, sampleRate, carrierFrequency, channels: antennas });
  const missing =
    recording.sampleRate === undefined
      ? new InputError("--sample-rate", undefined, "the recording does not state it: give samples per second")
      : recording.carrierFrequency === undefined
        ? new InputError("--carrier-frequency", undefined, "the recording does not state it: give Hz")
        : undefined;
  if (missing === undefined) return recording;
  recording.close();
  throw missing;
}

/** The carrier that options and grant describe together. */
function carrierOf(
  options: ReceiveOptions,
  grant: Record<string, unknown>,
  sampleRate: number | undefined,
  carrierFrequency: number,
): Carrier {
  const subcarrierSpacing = options.scs ?? grant.subcarrierSpacing;
  if (subcarrierSpacing === undefined) {
    throw new InputError("--scs", undefined, "the grant does not state it: give 15, 30 or 60");
  }
  const { bwpStart = 0, bwpSize } = grant;
  const end = typeof bwpStart === "number" && typeof bwpSize === "number" ? bwpStart + bwpSize : undefined;
  const carrierPrbs = options.carrierPrbs ?? end;
  if (carrierPrbs === undefined) {
    throw new InputError("--carrier-prbs", undefined, "the grant has no bwpSize: give 1 to 275");
  }
  return parseCarrier({
    subcarrierSpacing,
    cyclicPrefix: options.cyclicPrefix ?? grant.cyclicPrefix ?? "normal",
    carrierPrbs,
    ...(sampleRate === undefined ? {} : { sampleRate }),
    carrierFrequency,
  });
}

/** @param start first sample of the slot; undefined where there are no samples. */
function printResult(
  result: SlotResult,
  { rnti }: PuschGrant,
  start: number | undefined,
  json: boolean,
): void {
  const { slot, crc, payload, snr_db, cfo_hz, timing_s, iterations } = result;
  const hex = Buffer.from(payload).toString("hex");
  if (json) {
    printJson({ slot, crc, payload: hex, snr_db, cfo_hz, timing_s, rnti, iterations, start });
    return;
  }
  const shown = hex.length > 64 ? `${hex.slice(0, 64)}…` : hex;
  const verdict = crc ? good("CRC ok") : bad("CRC failed");
  const iterationsUsed = Math.max(...iterations.map(Math.abs));
  process.stdout.write(
    `slot ${slot}${start === undefined ? "" : ` at sample ${start}`}, RNTI ${rnti}: ${verdict}, ${payload.length} bytes ${shown}\n` +
      `  SNR ${fixed(snr_db, 1)} dB, CFO ${signed(cfo_hz, 0)} Hz, timing ${signed(timing_s * 1e6, 3)} µs, ` +
      `${iterations.length} code ${iterations.length === 1 ? "block" : "blocks"}, at most ${iterationsUsed} iterations\n`,
  );
}
