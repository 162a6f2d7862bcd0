import { z } from "zod";
import { InputError } from "../errors.js";
import { type SampleFormat, sampleFormats } from "./sample-format.js";

/** What NeuroRAN takes from SigMF metadata (Signal Metadata Format 1.2). */
export interface SigmfDescription {
  readonly format: SampleFormat;
  /** Hz. */
  readonly sampleRate: number | undefined;
  /** Hz, `core:frequency` of the first capture. */
  readonly carrierFrequency: number | undefined;
  readonly channels: number;
  /** One beyond the last sample that a capture or an annotation speaks of; 0 when none does. */
  readonly describedSamples: number;
}

const sampleIndex = z.int().min(0);

const schema = z.object({
  global: z.object({
    "core:datatype": z.enum(sampleFormats),
    "core:version": z.string(),
    "core:sample_rate": z.number().positive().optional(),
    "core:num_channels": z.int().min(1).max(1024).optional(),
    "core:dataset": z
      .undefined("data files of another name are not read: name the data like the metadata")
      .optional(),
    "core:metadata_only": z.literal(false, "metadata without data cannot be received").optional(),
    "core:trailing_bytes": z.literal(0, "bytes after the samples are not read: remove them").optional(),
  }),
  captures: z
    .array(
      z.object({
        "core:sample_start": sampleIndex,
        "core:frequency": z.number().min(0).optional(),
        "core:header_bytes": z.literal(0, "bytes between the samples are not read: remove them").optional(),
      }),
    )
    .optional(),
  annotations: z
    .array(z.object({ "core:sample_start": sampleIndex, "core:sample_count": sampleIndex.optional() }))
    .optional(),
});

/**
 * Reads the text of a `.sigmf-meta` file. Fields that NeuroRAN does not use are ignored.
 *
 * @throws InputError naming the field when the text is no JSON, a field is missing or not what it must be, or the
 *   captures have different carrier frequencies
 */
export function parseSigmf(text: string): SigmfDescription {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InputError("SigMF metadata", text, "the file must be JSON", { cause });
  }
  const parsed = schema.safeParse(json, { reportInput: true });
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.length > 0 ? issue.path.join(".") : "SigMF metadata";
    throw new InputError(field, shown(issue.input), issue.message);
  }
  const { global, captures = [], annotations = [] } = parsed.data;
  const carrierFrequency = captures[0]?.["core:frequency"];
  let describedSamples = 0;
  for (const [i, capture] of captures.entries()) {
    const frequency = capture["core:frequency"];
    if (frequency !== carrierFrequency) {
      throw new InputError(
        `captures.${i}.core:frequency`,
        frequency,
        `a recording has one carrier frequency, here ${carrierFrequency}: split it where the radio was retuned`,
      );
    }
    describedSamples = Math.max(describedSamples, capture["core:sample_start"]);
  }
  for (const annotation of annotations) {
    const end = annotation["core:sample_start"] + (annotation["core:sample_count"] ?? 0);
    describedSamples = Math.max(describedSamples, end);
  }
  return {
    format: global["core:datatype"],
    sampleRate: global["core:sample_rate"],
    carrierFrequency,
    channels: global["core:num_channels"] ?? 1,
    describedSamples,
  };
}

/** Structures may be nested deeper than can be printed. */
function shown(value: unknown): unknown {
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : value;
}

/** The text of a `.sigmf-meta` file. */
export function formatSigmf(description: Omit<SigmfDescription, "describedSamples">): string {
  const { format, sampleRate, carrierFrequency, channels } = description;
  const metadata = {
    global: {
      "core:datatype": format,
      "core:version": "1.2.0",
      "core:num_channels": channels,
      "core:sample_rate": sampleRate,
      "core:recorder": "neuroran",
    },
    captures: [{ "core:sample_start": 0, "core:frequency": carrierFrequency }],
    annotations: [],
  };
  return `${JSON.stringify(metadata, undefined, 2)}\n`;
}
