import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom } from "../system/index.js";
import { openRecording, type RecordingOptions, writeRecording } from "./recording.js";

const capture = resolve(process.cwd(), "../shared/data/ota/srsran-n78-20MHz_pusch_3426.fc32");
const captureExists = readable(capture);

const root = mkdtempSync(join(tmpdir(), "neuroran-recording-"));
let folder = root;
let nextFolder = 0;
beforeEach(() => {
  folder = join(root, String(nextFolder++));
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true }));

function refusal(action: () => unknown): InputError {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Samples on the int16 grid, so that every format keeps them exactly. */
function exactSamples(count: number, channels: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: 2 * count * channels }, () => (random.integer(65535) - 32767) / 32768);
}

function all(path: string, options?: RecordingOptions): Float32Array {
  const recording = openRecording(path, options);
  try {
    return recording.read(0, recording.sampleCount);
  } finally {
    recording.close();
  }
}

describe("recording", () => {
  it("returns what was written, in every format, for one and more channels", () => {
    for (const [name, format] of [
      ["a.fc32", undefined],
      ["a.cf32", "cf32_be"],
      ["a.cfile", "cf32_le"],
      ["a.iq", "ci16_be"],
      ["a.ci16", undefined],
      ["a.cs16", "ci16_le"],
      ["a.SC16", undefined],
      ["b.sigmf-meta", undefined],
      ["c.sigmf-data", "cf32_be"],
      ["d.sigmf-meta", "ci16_le"],
      ["e.sigmf-data", "ci16_be"],
    ] as const) {
      for (const channels of [1, 3]) {
        const samples = exactSamples(1000, channels, 1);
        const path = join(folder, name);
        const known = { format, channels, sampleRate: 23.04e6, carrierFrequency: 3.4275e9 };
        writeRecording(path, samples, known);
        const recording = openRecording(path, known);
        expect(recording).toMatchObject({
          sampleCount: 1000,
          channels,
          sampleRate: 23.04e6,
          carrierFrequency: 3.4275e9,
        });
        expect(recording.read(0, 1000)).toEqual(samples);
        recording.close();
      }
    }
  });

  it("opens SigMF by either file or the common name, and takes everything from the metadata", () => {
    const samples = exactSamples(10, 2, 2);
    writeRecording(join(folder, "x.y.sigmf-meta"), samples, {
      format: "ci16_be",
      channels: 2,
      sampleRate: 1.92e6,
      carrierFrequency: 0,
    });
    expect(readdirSync(folder).sort()).toEqual(["x.y.sigmf-data", "x.y.sigmf-meta"]);
    for (const name of ["x.y", "x.y.sigmf-meta", "x.y.sigmf-data"]) {
      const recording = openRecording(join(folder, name));
      expect(recording).toMatchObject({
        format: "ci16_be",
        channels: 2,
        sampleRate: 1.92e6,
        carrierFrequency: 0,
      });
      expect(recording.read(0, 10)).toEqual(samples);
      recording.close();
    }
  });

  it("stores bytes as the formats define them", () => {
    const bytes = (name: string, options: RecordingOptions) => {
      const path = join(folder, name);
      writeRecording(path, Float32Array.of(0.5, -1, 1, 0, 0, 2 ** -15, 0, 0), { channels: 2, ...options });
      return readFileSync(path).toString("hex");
    };
    // [channel][sample] in memory, sample by sample in the file: ch0 s0, ch1 s0, ch0 s1, ch1 s1.
    expect(bytes("a.ci16", {})).toBe("00400080" + "00000100" + "ff7f0000" + "00000000");
    expect(bytes("a.ci16", { format: "ci16_be" })).toBe("40008000" + "00000001" + "7fff0000" + "00000000");
    expect(bytes("a.cf32", {}).slice(0, 16)).toBe("0000003f" + "000080bf");
    expect(bytes("a.cf32", { format: "cf32_be" }).slice(0, 16)).toBe("3f000000" + "bf800000");
  });

  it("reads any part, in pieces larger and smaller than its buffer", () => {
    const count = 100_003;
    const samples = exactSamples(count, 2, 3);
    const path = join(folder, "long.cf32");
    writeRecording(path, samples, { channels: 2 });
    const recording = openRecording(path, { channels: 2 });
    const part = (start: number, n: number) => {
      const channel = (c: number) => samples.subarray(2 * (c * count + start), 2 * (c * count + start + n));
      return Float32Array.of(...channel(0), ...channel(1));
    };
    for (const [start, n] of [
      [0, 1],
      [99_999, 4],
      [16_383, 2],
      [50_000, 0],
      [count, 0],
      [10, 20_000],
    ] as const) {
      expect(same(recording.read(start, n), part(start, n))).toBe(true);
    }
    expect(same(recording.read(0, count), samples)).toBe(true);
    recording.close();
    recording.close();
    expect(() => recording.read(0, 1)).toThrow(/read before closing/);
  });

  it("reads a file far larger than memory should hold, by position", () => {
    const path = join(folder, "sparse.cf32");
    const samples = 2 ** 33 / 8;
    const descriptor = openSync(path, "w");
    writeSync(descriptor, new Uint8Array(new Float32Array([0.25, -0.25]).buffer), 0, 8, (samples - 1) * 8);
    closeSync(descriptor);
    const recording = openRecording(path);
    expect(recording.sampleCount).toBe(samples);
    expect(recording.read(samples - 1, 1)).toEqual(Float32Array.of(0.25, -0.25));
    expect(refusal(() => recording.read(0, samples)).field).toBe("count");
    recording.close();
  });

  it("writes blocks one after the other", () => {
    const path = join(folder, "blocks.ci16");
    const block = (n: number) => exactSamples(5, 1, n);
    function* blocks() {
      yield block(1);
      yield new Float32Array(0);
      yield block(2);
    }
    writeRecording(path, blocks());
    expect(all(path)).toEqual(Float32Array.of(...block(1), ...block(2)));
  });

  it.skipIf(!captureExists)(
    `reads an over-the-air capture${captureExists ? "" : ` (skipped: no ${capture})`}`,
    () => {
      const recording = openRecording(capture, { sampleRate: 23.04e6, carrierFrequency: 3.4275e9 });
      expect(recording.sampleCount).toBe(23040);
      const samples = recording.read(0, 23040);
      const reference = new Float32Array(new Uint8Array(readFileSync(capture)).buffer);
      expect(same(samples, reference)).toBe(true);
      recording.close();
    },
  );
});

describe("what a recording refuses", () => {
  it("missing, empty and unreadable files", () => {
    expect(refusal(() => openRecording(join(folder, "no.cf32"))).message).toMatch(
      /no\.cf32.*cannot be read.*ENOENT/,
    );
    expect(refusal(() => openRecording(file("empty.cf32", ""))).message).toMatch(
      /empty\.cf32: "an empty file"/,
    );
    mkdirSync(join(folder, "folder.cf32"));
    expect(refusal(() => openRecording(join(folder, "folder.cf32"))).message).toMatch(/folder or a device/);
    expect(refusal(() => openRecording(file("a.mp3", "x"))).message).toMatch(/\.fc32, \.cf32.*\.sigmf-meta/);
  });

  it("a file cut off within a sample, naming the byte", () => {
    const error = refusal(() => openRecording(file("cut.cf32", new Uint8Array(8 * 5 + 3))));
    expect(error.message).toMatch(/"43 bytes".*last sample begins at byte 40 and has 3 of 8 bytes/);
    expect(
      refusal(() => openRecording(file("cut.ci16", new Uint8Array(12)), { channels: 2 })).message,
    ).toMatch(/byte 8/);
  });

  it("a file that gets shorter while it is open", () => {
    const path = file("shrinks.ci16", new Uint8Array(400));
    const recording = openRecording(path);
    truncateSync(path, 202);
    expect(refusal(() => recording.read(0, 100)).message).toMatch(/end of file at byte 202/);
    recording.close();
  });

  it("NaN, infinite and absurd samples, naming sample and byte", () => {
    for (const [value, shown] of [
      [Number.NaN, "NaN"],
      [Number.POSITIVE_INFINITY, "Infinity"],
      [-1e30, "-1"],
    ] as const) {
      for (const format of ["cf32_le", "cf32_be"] as const) {
        const samples = new DataView(new ArrayBuffer(8 * 60_000));
        samples.setFloat32(8 * 50_001 + 4, value, format === "cf32_le");
        const recording = openRecording(file(`bad-${format}.cf32`, new Uint8Array(samples.buffer)), {
          format,
        });
        const error = refusal(() => recording.read(100, 59_000));
        expect(error.field).toBe("sample 50001 (byte 400012)");
        expect(error.message).toContain(shown);
        expect(recording.read(0, 50_001).length).toBe(100_002);
        recording.close();
      }
    }
  });

  it("files that are not what they say", () => {
    const padded = (start: string) => Buffer.concat([Buffer.from(start, "latin1"), Buffer.alloc(64, 0x80)]);
    for (const [start, kind] of [
      ["\x89PNG\r\n\x1a\n", "PNG"],
      ["PK\x03\x04", "ZIP"],
      ["RIFF\x10\0\0\0WAVE", "WAV"],
      ["\x93NUMPY", "NumPy"],
    ] as const) {
      expect(refusal(() => openRecording(file("odd.ci16", padded(start)))).message).toContain(kind);
    }
    const text = "04 01 5e 7b b7 ec 49 00 ac 63 28 63 b0 9d\n".repeat(4);
    expect(refusal(() => openRecording(file("text.cf32", text))).message).toMatch(
      /"text".*should be cf32_le samples/,
    );
    // int16 samples read as float32 show as NaN as soon as a negative imaginary part is small.
    writeRecording(
      join(folder, "int.ci16"),
      Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i) / 300),
    );
    expect(refusal(() => all(join(folder, "int.ci16"), { format: "cf32_le" })).message).toMatch(
      /NaN.*16-bit integers/,
    );
  });

  it("samples beyond the end, saying how many there are", () => {
    const recording = openRecording(file("ten.cf32", new Uint8Array(80)));
    expect(refusal(() => recording.read(8, 3)).message).toMatch(/"8 to 10".*the recording has 10 samples/);
    expect(refusal(() => recording.read(11, 0)).message).toMatch(/10 samples/);
    for (const start of [-1, 0.5, Number.NaN])
      expect(refusal(() => recording.read(start, 1)).field).toBe("start");
    for (const count of [-1, 0.5, Number.POSITIVE_INFINITY]) {
      expect(refusal(() => recording.read(0, count)).field).toBe("count");
    }
    recording.close();
  });

  it("options that cannot be", () => {
    const path = file("a.cf32", new Uint8Array(80));
    for (const [field, values] of [
      ["sampleRate", [0, -1, Number.NaN, Number.POSITIVE_INFINITY]],
      ["carrierFrequency", [-1, Number.NaN]],
      ["channels", [0, 1.5, 5000]],
      ["format", ["cf64_le"]],
    ] as const) {
      for (const value of values) {
        const options = { [field]: value } as RecordingOptions;
        expect(refusal(() => openRecording(path, options)).field).toBe(field);
        expect(refusal(() => writeRecording(path, new Float32Array(2), options)).field).toBe(field);
      }
    }
  });
});

describe("SigMF metadata", () => {
  const good = {
    global: {
      "core:datatype": "cf32_le",
      "core:version": "1.2.0",
      "core:sample_rate": 1e6,
      "other:field": {},
    },
    captures: [{ "core:sample_start": 0, "core:frequency": 1e9, "core:datetime": "2024-01-01T00:00:00Z" }],
    annotations: [{ "core:sample_start": 2, "core:sample_count": 8, "core:label": "burst" }],
  };
  type Metadata = {
    global: Record<string, unknown>;
    captures: Record<string, unknown>[];
    annotations: object[];
  };
  function pair(change: (metadata: Metadata) => unknown): string {
    const metadata = structuredClone(good) as Metadata;
    const changed = change(metadata) ?? metadata;
    file("m.sigmf-data", new Uint8Array(80));
    return file("m.sigmf-meta", typeof changed === "string" ? changed : JSON.stringify(changed));
  }
  const set = (key: string, value: unknown) => (metadata: Metadata) => {
    metadata.global[key] = value;
  };
  const setCapture = (key: string, value: unknown) => (metadata: Metadata) => {
    metadata.captures[0]![key] = value;
  };
  const open = (change: (metadata: Metadata) => unknown, options?: RecordingOptions) => {
    openRecording(pair(change), options).close();
  };

  it("is read as others write it", () => {
    open(() => {});
    open((metadata) => ({ global: metadata.global }));
    open((metadata) => void delete metadata.global["core:sample_rate"], { sampleRate: 5 });
    open(() => {}, { sampleRate: 1e6, carrierFrequency: 1e9, channels: 1, format: "cf32_le" });
  });

  it("is refused with the field that is wrong or missing", () => {
    const cases: [RegExp, (metadata: Metadata) => unknown][] = [
      [/^global\.core:datatype: nothing/, (m) => void delete m.global["core:datatype"]],
      [/^global\.core:datatype: "rf32_le".*cf32_le/, set("core:datatype", "rf32_le")],
      [/^global\.core:version: nothing/, (m) => void delete m.global["core:version"]],
      [/^global\.core:sample_rate: nothing/, (m) => void delete m.global["core:sample_rate"]],
      [/^global\.core:sample_rate: -1/, set("core:sample_rate", -1)],
      [/^global\.core:sample_rate: "1e6"/, set("core:sample_rate", "1e6")],
      [/^global\.core:num_channels: 0/, set("core:num_channels", 0)],
      [/^global\.core:dataset: "x\.bin".*name the data/, set("core:dataset", "x.bin")],
      [/^global\.core:metadata_only: true/, set("core:metadata_only", true)],
      [/^global: nothing/, () => ({ captures: [] })],
      [/^captures\.0\.core:sample_start: nothing/, (m) => void delete m.captures[0]!["core:sample_start"]],
      [/^captures\.0\.core:frequency: "1 GHz"/, setCapture("core:frequency", "1 GHz")],
      [/^captures\.0\.core:header_bytes: 16/, setCapture("core:header_bytes", 16)],
      [
        /^captures\.1\.core:frequency: 2000000000/,
        (m) => void m.captures.push({ "core:sample_start": 5, "core:frequency": 2e9 }),
      ],
      [/^SigMF metadata: .*JSON/, () => "{"],
      [/^SigMF metadata: "an array"/, () => "[1]"],
      [/^SigMF metadata: "an array"/, () => "[".repeat(1e5) + "]".repeat(1e5)],
      [/^global: "an array"/, () => `{"global":${"[".repeat(1e5)}${"]".repeat(1e5)}}`],
      [
        /10 samples.*speak of 11/,
        (m) => void m.annotations.push({ "core:sample_start": 10, "core:sample_count": 1 }),
      ],
      [
        /10 samples.*speak of 12/,
        (m) => void m.captures.push({ "core:sample_start": 12, "core:frequency": 1e9 }),
      ],
    ];
    for (const [message, change] of cases) expect(refusal(() => open(change)).message).toMatch(message);
  });

  it("is refused where the options contradict it", () => {
    for (const [field, value] of [
      ["sampleRate", 2e6],
      ["carrierFrequency", 0],
      ["channels", 2],
      ["format", "ci16_le"],
    ] as const) {
      const error = refusal(() => open(() => {}, { [field]: value } as RecordingOptions));
      expect(error.field).toBe(field);
      expect(error.message).toContain("the metadata say");
    }
  });

  it("needs both files", () => {
    rmSync(
      join(
        pair(() => {}),
        "../m.sigmf-data",
      ),
    );
    expect(refusal(() => openRecording(join(folder, "m"))).message).toMatch(/m\.sigmf-data.*ENOENT/);
    rmSync(join(folder, "m.sigmf-meta"));
    file("m.sigmf-data", new Uint8Array(80));
    expect(refusal(() => openRecording(join(folder, "m.sigmf-data"))).message).toMatch(
      /m\.sigmf-meta.*ENOENT/,
    );
  });
});

describe("writing", () => {
  it("leaves nothing half-written and keeps what stood there", () => {
    const samples = exactSamples(10, 1, 4);
    const raw = join(folder, "a.cf32");
    const sigmf = join(folder, "a.sigmf-meta");
    writeRecording(raw, samples);
    writeRecording(sigmf, samples, { sampleRate: 1e6 });
    const before = readdirSync(folder).sort();
    function* fails() {
      yield exactSamples(1000, 1, 5);
      yield Float32Array.of(0, Number.NaN);
    }
    function* throws(): Generator<Float32Array> {
      yield exactSamples(1000, 1, 5);
      throw new RangeError("the source failed");
    }
    for (const path of [raw, sigmf]) {
      expect(refusal(() => writeRecording(path, fails(), { sampleRate: 1e6 })).field).toBe(
        "sample 1000 of channel 0",
      );
      expect(() => writeRecording(path, throws(), { sampleRate: 1e6 })).toThrow("the source failed");
      expect(refusal(() => writeRecording(path, [], { sampleRate: 1e6 })).field).toBe("samples");
      expect(all(path)).toEqual(samples);
    }
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it("refuses what does not fit", () => {
    const path = join(folder, "a.ci16");
    expect(refusal(() => writeRecording(path, Float32Array.of(0, 0, 0, 1.01))).field).toBe(
      "sample 1 of channel 0",
    );
    expect(refusal(() => writeRecording(path, new Float32Array(6), { channels: 2 })).field).toBe("samples");
    expect(refusal(() => writeRecording(join(folder, "a.sigmf-meta"), new Float32Array(2))).field).toBe(
      "sampleRate",
    );
    expect(refusal(() => writeRecording(join(folder, "none/a.cf32"), new Float32Array(2))).message).toMatch(
      /ENOENT/,
    );
    mkdirSync(join(folder, "folder.cf32"));
    expect(refusal(() => writeRecording(join(folder, "folder.cf32"), new Float32Array(2))).field).toBe(
      "file",
    );
    expect(readdirSync(folder)).toEqual(["folder.cf32"]);
  });
});

/** Bit for bit, and much faster than the comparison that explains differences. */
function same(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  );
}

function readable(path: string): boolean {
  try {
    closeSync(openSync(path, "r"));
    return true;
  } catch {
    return false;
  }
}
