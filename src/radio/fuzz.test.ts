import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom } from "../system/index.js";
import { sourceOfBytes } from "./byte-source.js";
import { decodeFronthaul, formatFronthaul, parseFronthaul } from "./fronthaul.js";
import { describeSigmf, openRecording, recordingOf, writeRecording } from "./recording.js";
import { bytesPerSample, type SampleFormat, sampleFormats } from "./sample-format.js";
import { formatSigmf } from "./sigmf.js";

const folder = mkdtempSync(join(tmpdir(), "neuroran-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("readers under arbitrary input", () => {
  /** Runs a reader on it: success or InputError are the only outcomes. */
  function survives(action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      if (error instanceof InputError) return false;
      throw error;
    }
  }

  it("raw bytes: 4,000 inputs give samples or an InputError", () => {
    let good = 0;
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 200, size: "max" }), mutatedSamples()),
        fc.constantFrom(...sampleFormats),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: -1, max: 12 }),
        fc.integer({ min: -1, max: 12 }),
        fc.boolean(),
        (bytes, format, channels, start, count, whole) => {
          const frame = bytesPerSample(format) * channels;
          const given = whole ? bytes.subarray(0, bytes.length - (bytes.length % frame)) : bytes;
          const accepted = survives(() => {
            const source = sourceOfBytes(given, "bytes");
            const recording = recordingOf(source, description(format, channels));
            expect(recording.sampleCount * frame).toBe(given.length);
            const samples = recording.read(start, count);
            expect(samples.length).toBe(2 * channels * count);
            expect(samples.every(Number.isFinite)).toBe(true);
          });
          good += accepted ? 1 : 0;
        },
      ),
      { seed: 17, numRuns: 4000 },
    );
    expect(good).toBeGreaterThan(100);
  });

  it("SigMF metadata and data: 4,000 inputs, mutated and random, give samples or an InputError", () => {
    const valid = formatSigmf({ format: "ci16_le", sampleRate: 1e6, carrierFrequency: 1e9, channels: 1 });
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.double(),
      fc.constantFrom(...sampleFormats, 1e6, 0, "", null),
    );
    const keys = [
      "core:datatype",
      "core:version",
      "core:sample_rate",
      "core:num_channels",
      "core:dataset",
      "core:metadata_only",
      "__proto__",
    ];
    const text = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.json(),
      mutatedText(valid),
      fc.tuple(fc.constantFrom(...keys), odd).map(([key, value]) => {
        const metadata = JSON.parse(valid);
        metadata.global[key] = value;
        return JSON.stringify(metadata);
      }),
      fc
        .tuple(fc.constantFrom("global", "captures", "annotations"), odd)
        .map(([key, value]) => JSON.stringify({ ...JSON.parse(valid), [key]: value })),
    );
    let good = 0;
    fc.assert(
      fc.property(text, fc.uint8Array({ maxLength: 64 }), fc.boolean(), (metadata, given, whole) => {
        const bytes = whole ? new Uint8Array(48) : given;
        const accepted = survives(() => {
          const recording = recordingOf(sourceOfBytes(bytes, "data"), describeSigmf(metadata, {}));
          recording.read(0, recording.sampleCount);
        });
        good += accepted ? 1 : 0;
      }),
      { seed: 18, numRuns: 4000 },
    );
    expect(good).toBeGreaterThan(100);
  });

  it("fronthaul text: 4,000 inputs, mutated and random, give a grid or an InputError", () => {
    const random = createRandom(21);
    const options = { iqWidth: 9, prbCount: 1 };
    const valid = formatFronthaul(
      Float32Array.from({ length: 24 * 14 }, () => random.gaussian() / 8),
      options,
    );
    const text = fc.oneof(
      { weight: 1, arbitrary: fc.string({ maxLength: 100, unit: "binary" }) },
      {
        weight: 1,
        arbitrary: fc.string({ maxLength: 90, unit: fc.constantFrom("0", "a", "F", " ", "\n", "\r", "g") }),
      },
      { weight: 3, arbitrary: mutatedText(valid) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(valid, valid + valid, `${valid}\n`, valid.replaceAll("\n", "\r\n")),
      },
    );
    let good = 0;
    fc.assert(
      fc.property(text, fc.constantFrom(9, 9, 9, 14, 2, 16, 17), (content, iqWidth) => {
        const accepted = survives(() => {
          const { grid, antennas } = parseFronthaul(content, { iqWidth, prbCount: 1 });
          expect(grid.length).toBe(24 * 14 * antennas);
          expect(grid.every(Number.isFinite)).toBe(true);
        });
        good += accepted ? 1 : 0;
      }),
      { seed: 22, numRuns: 4000 },
    );
    expect(good).toBeGreaterThan(100);
  });

  it("fronthaul PRBs: 1,000 inputs give a grid or an InputError", () => {
    let good = 0;
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 14 * 7 * 3, size: "max" }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        (bytes, iqWidth, whole) => {
          const slot = 14 * (1 + 3 * iqWidth);
          const given = whole ? bytes.subarray(0, bytes.length - (bytes.length % slot)) : bytes;
          const accepted = survives(() => {
            const { grid } = decodeFronthaul(given, { iqWidth, prbCount: 1 });
            expect(grid.every(Number.isFinite)).toBe(true);
          });
          good += accepted ? 1 : 0;
        },
      ),
      { seed: 23, numRuns: 1000 },
    );
    expect(good).toBeGreaterThan(100);
  });

  it("files on disk: 300 inputs through the public function", () => {
    const path = join(folder, "fuzzed.cf32");
    const meta = join(folder, "pair.sigmf-meta");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, asMetadata) => {
        writeFileSync(asMetadata ? meta : path, bytes);
        if (!asMetadata) writeFileSync(join(folder, "pair.sigmf-data"), bytes);
        survives(() => {
          const recording = openRecording(asMetadata ? meta : path);
          try {
            recording.read(0, recording.sampleCount);
          } finally {
            recording.close();
          }
        });
      }),
      { seed: 19, numRuns: 300 },
    );
  });

  it("the writer: 300 inputs leave a complete file or none", () => {
    fc.assert(
      fc.property(
        fc.array(fc.float(), { maxLength: 12 }),
        fc.constantFrom(...sampleFormats),
        (values, format) => {
          const path = join(folder, "written.iq");
          const accepted = survives(() => writeRecording(path, Float32Array.from(values), { format }));
          expect(readdirSync(folder).filter((name) => name.startsWith("written"))).toEqual(
            accepted ? ["written.iq"] : [],
          );
          if (accepted) {
            expect(readFileSync(path).length).toBe((values.length / 2) * bytesPerSample(format));
            rmSync(path);
          }
        },
      ),
      { seed: 20, numRuns: 300 },
    );
  });
});

function description(format: SampleFormat, channels: number) {
  return { format, channels, sampleRate: undefined, carrierFrequency: undefined, describedSamples: 0 };
}

/** Bytes of float32 samples of usual amplitudes, one of them overwritten. */
function mutatedSamples(): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.nat(24), fc.nat(191), fc.nat(255)).map(([count, at, value]) => {
    const random = createRandom(count);
    const bytes = new Uint8Array(Float32Array.from({ length: 2 * count }, () => random.gaussian()).buffer);
    if (at < bytes.length) bytes[at] = value;
    return bytes;
  });
}

/** The text with one to three characters replaced, removed or inserted, or cut off. */
function mutatedText(text: string): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.nat(text.length - 1),
    removed: fc.integer({ min: 0, max: 3 }),
    inserted: fc.string({ maxLength: 2 }),
    cut: fc.nat(9).map((n) => n === 0),
  });
  return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) =>
    edits.reduce((mutated, { at, removed, inserted, cut }) => {
      const end = cut ? "" : mutated.slice(at + removed);
      return mutated.slice(0, at) + inserted + end;
    }, text),
  );
}
