/**
 * A training's state in a file, from which another process goes on.
 *
 * Invariants:
 * 1. Under its name stands a complete checkpoint or none: it is written beside it, flushed and renamed.
 * 2. Nothing is taken from a file whose SHA-256 does not fit, or that belongs to another training.
 *
 * The file: "NRTRAIN1", the header's bytes (uint32, little-endian), the header (JSON), the vectors in the order in which the
 * header names them (float32 and float64, little-endian), the SHA-256 of all before.
 */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { InputError } from "../../errors.js";
import { fileError } from "../../system/file-error.js";
import { named } from "./curve.js";
import type { TrainingState } from "./training-state.js";

/** What a training is, part by part, as digests: the same parts give the same result. */
export type TrainingIdentity = Readonly<Record<string, string>>;

const magic = Buffer.from("NRTRAIN1");
const checksumBytes = 32;

const count = z.int().min(0);
const headerSchema = z.strictObject({
  identity: z.record(z.string(), z.string()),
  metrics: z.array(z.string()),
  step: count,
  seconds: z.number().min(0),
  withoutBetter: count,
  best: z.strictObject({ step: count, loss: z.number() }).nullable(),
  accumulated: count,
  vectors: z.array(z.strictObject({ bytes: z.literal([4, 8]), length: count })),
});
type Header = z.infer<typeof headerSchema>;

export function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** @throws InputError where the file cannot be written. */
export function writeCheckpoint(
  path: string,
  identity: TrainingIdentity,
  metrics: readonly string[],
  state: TrainingState,
): void {
  const { vectors, best, curve, accumulator } = state;
  const doubles = [
    Float64Array.from(curve.points.flatMap((point) => [point.step, point.learningRate, ...scalarsOf(point)])),
    Float64Array.from(curve.validations.flatMap((point) => [point.step, ...scalarsOf(point)])),
    Float64Array.from(accumulator.sums),
  ];
  const singles = [vectors.parameters, vectors.statistics, ...vectors.optimizer];
  if (best !== undefined) singles.push(best.parameters, best.statistics);
  const all = [...doubles, ...singles];
  const header: Header = {
    identity,
    metrics: [...metrics],
    step: state.step,
    seconds: state.seconds,
    withoutBetter: state.withoutBetter,
    best: best === undefined ? null : { step: best.step, loss: best.loss },
    accumulated: accumulator.steps,
    vectors: all.map(({ BYTES_PER_ELEMENT, length }) => ({
      bytes: BYTES_PER_ELEMENT === 8 ? 8 : 4,
      length,
    })),
  };
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  const parts = [magic, size, text, ...all.map(bytesOf)];
  const checksum = createHash("sha256");
  for (const part of parts) checksum.update(part);
  // One name for all processes, so that those that are killed leave one such file at most.
  const partial = `${path}.partial`;
  try {
    const file = openSync(partial, "w");
    try {
      for (const part of [...parts, checksum.digest()]) writeFileSync(file, part);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (cause) {
    throw fileError(path, "written", cause, "checkpoint");
  }
}

/** A checkpoint that was read; it may belong to another training. */
export interface Checkpoint {
  readonly path: string;
  readonly identity: TrainingIdentity;
  readonly state: TrainingState;
}

/**
 * Reads a checkpoint; undefined where there is no file.
 * @throws InputError for a file that cannot be read, is none or is damaged.
 */
export function readCheckpoint(path: string): Checkpoint | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileError(path, "read", cause, "checkpoint");
  }
  if (!bytes.subarray(0, magic.length).equals(magic))
    throw new InputError(
      "checkpoint",
      path,
      "it is no checkpoint of a training of this version; give another file",
    );
  const end = bytes.length - checksumBytes;
  const body = bytes.subarray(0, Math.max(end, 0));
  const isWhole =
    end >= magic.length + 4 && createHash("sha256").update(body).digest().equals(bytes.subarray(end));
  const parsed = isWhole ? parse(body) : undefined;
  if (parsed === undefined)
    throw new InputError("checkpoint", path, "it is damaged; remove it, and the training begins anew");
  return { path, ...parsed };
}

/** Compares the parts that are expected. @throws InputError, naming those that differ, for a checkpoint of another training. */
export function checkIdentity({ path, identity }: Checkpoint, expected: TrainingIdentity): void {
  const different = Object.keys(expected).filter((part) => identity[part] !== expected[part]);
  if (different.length > 0)
    throw new InputError(
      "checkpoint",
      path,
      `it belongs to another training, whose ${different.join(", ")} differ: remove it or give another file`,
    );
}

function parse(body: Buffer): { identity: TrainingIdentity; state: TrainingState } | undefined {
  const textAt = magic.length + 4;
  const textEnd = textAt + body.readUInt32LE(magic.length);
  let header: Header;
  try {
    header = headerSchema.parse(JSON.parse(body.toString("utf8", textAt, textEnd)));
  } catch {
    return undefined;
  }
  let at = textEnd;
  const vectors = header.vectors.map(({ bytes, length }) => {
    // A copy: the file's bytes lie at any address.
    const copy = Uint8Array.from(body.subarray(at, at + bytes * length)).buffer;
    at += bytes * length;
    return bytes === 8 ? new Float64Array(copy) : new Float32Array(copy);
  });
  if (at !== body.length) return undefined;
  const doubles = vectors.filter((vector) => vector instanceof Float64Array);
  const singles = vectors.filter((vector) => vector instanceof Float32Array);
  const kept = header.best === null ? singles : singles.slice(0, -2);
  const [points, validations, sums] = doubles;
  const [parameters, statistics, ...optimizer] = kept;
  if (!points || !validations || !sums || !parameters || !statistics) return undefined;
  const { metrics, best, step, seconds, withoutBetter } = header;
  const scalars = 1 + metrics.length;
  return {
    identity: header.identity,
    state: {
      step,
      seconds,
      withoutBetter,
      vectors: { parameters, statistics, optimizer },
      best: best === null ? undefined : { ...best, parameters: singles.at(-2)!, statistics: singles.at(-1)! },
      curve: {
        points: rows(points, 2 + scalars).map(([at = 0, learningRate = 0, ...values]) => ({
          step: at,
          learningRate,
          ...named(metrics, values),
        })),
        validations: rows(validations, 1 + scalars).map(([at = 0, ...values]) => ({
          step: at,
          ...named(metrics, values),
        })),
      },
      accumulator: { sums: [...sums], steps: header.accumulated },
    },
  };
}

function scalarsOf(point: { loss: number; metrics: Readonly<Record<string, number>> }): number[] {
  return [point.loss, ...Object.values(point.metrics)];
}

function rows(numbers: Float64Array, width: number): number[][] {
  return Array.from({ length: Math.floor(numbers.length / width) }, (_, row) =>
    Array.from(numbers.subarray(row * width, (row + 1) * width)),
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
