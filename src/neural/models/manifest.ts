import { z } from "zod";
import { InputError } from "../../errors.js";
import { elementTypes } from "../graph/tensor.js";
import type { ModelPorts } from "./port.js";

/** A name of a model, an alias or a learned system. */
export const modelName = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

const name = z.string().regex(modelName, "use lower-case letters, digits and single hyphens").max(64);
const version = z.string().regex(/^[0-9a-f]{64}$/, "a version is a SHA-256 digest in hexadecimal");
const finite = z.number();
const text = z.string().max(4096);
const count = z.int().nonnegative();

const port = z.strictObject({
  name: text.min(1),
  type: z.strictObject({
    elementType: z.enum(elementTypes),
    shape: z.array(z.union([count, text.min(1)])).max(64),
  }),
  meaning: text,
  llr: z
    .strictObject({ positiveBit: z.union([z.literal(0), z.literal(1)]), scale: finite.positive() })
    .exactOptional(),
  symbol: z.strictObject({ scale: finite.positive() }).exactOptional(),
});

/** What running a model costs on a target, measured when it was instantiated there. */
export const modelCost = z.strictObject({
  /** Of the machine's processor, as the system names it. */
  processor: text,
  dimensions: z.record(text, count),
  /** Multiplications with additions of a call, of products and convolutions. */
  multiplyAccumulates: count,
  /** Seconds of a call. */
  p50_s: finite.nonnegative(),
  p99_s: finite.nonnegative(),
  calls: count,
  /** Parameters and the largest values that a call holds at one time. */
  memory_bytes: count,
  /** Of the file. */
  storage_bytes: count,
});

const training = z.strictObject({
  /** The learned system, or what else trained the model. */
  system: text,
  seed: z.int().exactOptional(),
  dataset: z.json().exactOptional(),
  /** Optimizer, schedule, batch, steps and what else decided about the result. */
  specification: z.json().exactOptional(),
  steps: count.exactOptional(),
  seconds: finite.nonnegative().exactOptional(),
  /** Where it was trained: on another processor the same seed gives numbers that differ in their last bits. */
  processor: text.exactOptional(),
  /** Losses and what an evaluation measured. */
  metrics: z.record(text, finite).exactOptional(),
  /** The version that the training went on from. */
  parent: version.exactOptional(),
});

const manifest = z.strictObject({
  format: z.literal(1),
  name,
  summary: text.exactOptional(),
  /** The function of the transceiver that the model can stand for. */
  implements: text.exactOptional(),
  inputs: z.array(port).min(1),
  outputs: z.array(port).min(1),
  training: training.exactOptional(),
  /** Of graph and manifest, less the costs. Written when a model gets its version; one that does not fit is refused. */
  version: version.exactOptional(),
  /** By the target that they were measured on. */
  costs: z.record(text, modelCost).exactOptional(),
});

export type ModelCost = Readonly<z.infer<typeof modelCost>>;
export type TrainingProvenance = Readonly<z.infer<typeof training>>;

/** What a model says of itself beside its graph. */
export interface Manifest extends ModelPorts {
  readonly format: 1;
  readonly name: string;
  readonly summary?: string;
  /** The function of the transceiver that the model can stand for. */
  readonly implements?: string;
  readonly training?: TrainingProvenance;
  readonly version?: string;
  /** By the target that they were measured on. */
  readonly costs?: Readonly<Record<string, ModelCost>>;
}

/** @throws InputError, naming the first field that is wrong, with what it must be */
export function checkManifest(value: unknown): Manifest {
  const result = manifest.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const field = path.length === 0 ? "manifest" : `manifest.${path.map(String).join(".")}`;
  const found = path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
  throw new InputError(field, found, message);
}

/** @throws InputError where the text is no JSON or no manifest */
export function parseManifest(bytes: Uint8Array): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new InputError("manifest", `${bytes.length} bytes`, `give JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  return checkManifest(value);
}

/** The one JSON text of a value: keys in order, no blanks. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)),
        )
      : inner,
  );
}
