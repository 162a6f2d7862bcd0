import { existsSync, rmSync } from "node:fs";
import { extname } from "node:path";
import { InputError, NeuroranError } from "../errors.js";
import { type AtomicFile, createAtomicFile } from "../system/atomic-file.js";
import { type ByteSource, openFile } from "./byte-source.js";
import { foreignFormat, signatureBytes } from "./file-signature.js";
import {
  bytesPerSample,
  decodeSamples,
  encodeSamples,
  type SampleFormat,
  sampleFormats,
} from "./sample-format.js";
import { formatSigmf, parseSigmf, type SigmfDescription } from "./sigmf.js";

/** What is known of a recording beside its samples. */
export interface RecordingOptions {
  /** How samples are stored; by default as the file's name or its metadata say. */
  readonly format?: SampleFormat | undefined;
  /** Hz. */
  readonly sampleRate?: number | undefined;
  /** Hz. */
  readonly carrierFrequency?: number | undefined;
  /** Antennas; 1 by default. Samples of the channels alternate in the file. */
  readonly channels?: number | undefined;
}

/** An open recording. Its samples stay in the file until they are read. */
export interface Recording {
  readonly format: SampleFormat;
  /** Hz; undefined when neither the file nor the options say. */
  readonly sampleRate: number | undefined;
  /** Hz; undefined when neither the file nor the options say. */
  readonly carrierFrequency: number | undefined;
  /** Samples of each channel. */
  readonly sampleCount: number;
  /** Antennas. */
  readonly channels: number;
  /**
   * Samples `start` to `start + count − 1` as complex64 [channel][count]; int16 full scale is amplitude 1. A count of
   * 0 gives an empty array.
   *
   * @throws InputError when the samples are not all there, or one is NaN, infinite or no plausible amplitude
   */
  read(start: number, count: number): Float32Array;
  /** May be called again. */
  close(): void;
}

const extensions: Readonly<Record<string, SampleFormat>> = {
  ".fc32": "cf32_le",
  ".cf32": "cf32_le",
  ".cfile": "cf32_le",
  ".iq": "cf32_le",
  ".ci16": "ci16_le",
  ".cs16": "ci16_le",
  ".sc16": "ci16_le",
};

/** Bytes read at once: the working set stays in the cache and a long recording needs no second copy. */
const pieceBytes = 1 << 18;

/** Values that one read returns at most (1 GiB). */
const greatestRead = 2 ** 28;

/** Metadata is small; whatever is larger was given by mistake. */
const greatestMetadata = 2 ** 24;

/**
 * Opens a recording: raw samples (`.fc32`, `.cf32`, `.cfile`, `.iq`: float32; `.ci16`, `.cs16`, `.sc16`: int16; both
 * little endian), or SigMF, named by its `.sigmf-meta` file, its `.sigmf-data` file or what both have in common.
 *
 * @throws InputError naming field or byte: the file is missing, empty, cut off within a sample, of another kind, its
 *   metadata lack a field, contradict the options or speak of samples that are not there
 */
export function openRecording(path: string, options: RecordingOptions = {}): Recording {
  checkOptions(options);
  const base = sigmfBase(path);
  if (base === undefined) {
    const format = options.format ?? formatOfName(path);
    const { sampleRate, carrierFrequency, channels = 1 } = options;
    return recordingOf(openFile(path), {
      format,
      sampleRate,
      carrierFrequency,
      channels,
      describedSamples: 0,
    });
  }
  const metadata = describeSigmf(readMetadata(`${base}.sigmf-meta`), options);
  return recordingOf(openFile(`${base}.sigmf-data`), metadata);
}

/** What the text of a `.sigmf-meta` file and the options say together. */
export function describeSigmf(text: string, options: RecordingOptions): SigmfDescription {
  const metadata = parseSigmf(text);
  agree("format", options.format, metadata.format);
  agree("channels", options.channels, metadata.channels);
  agree("sampleRate", options.sampleRate, metadata.sampleRate);
  agree("carrierFrequency", options.carrierFrequency, metadata.carrierFrequency);
  const sampleRate = metadata.sampleRate ?? options.sampleRate;
  if (sampleRate === undefined) {
    throw new InputError("global.core:sample_rate", undefined, "the metadata must state it, in Hz");
  }
  const carrierFrequency = metadata.carrierFrequency ?? options.carrierFrequency;
  return { ...metadata, sampleRate, carrierFrequency };
}

/** The recording that these bytes are. Closes the source when it throws. */
export function recordingOf(source: ByteSource, description: SigmfDescription): Recording {
  const { format, sampleRate, carrierFrequency, channels, describedSamples } = description;
  const frameBytes = bytesPerSample(format) * channels;
  const sampleCount = Math.floor(source.length / frameBytes);
  try {
    checkContent(source, frameBytes, format);
    if (describedSamples > sampleCount) {
      throw new InputError(
        source.name,
        `${sampleCount} samples`,
        `its metadata speak of ${describedSamples}: was the data cut off?`,
      );
    }
  } catch (error) {
    source.close();
    throw error;
  }

  let open = true;
  return {
    format,
    sampleRate,
    carrierFrequency,
    sampleCount,
    channels,
    read(start, count) {
      if (!open) throw new NeuroranError("RECORDING_CLOSED", `${source.name}: read before closing it`);
      checkRange(start, count, sampleCount);
      if (2 * channels * count > greatestRead) {
        throw new InputError("count", count, `read at most ${greatestRead / (2 * channels)} samples at once`);
      }
      const out = new Float32Array(2 * channels * count);
      const pieceSamples = Math.max(1, Math.floor(pieceBytes / frameBytes));
      for (let done = 0; done < count; done += pieceSamples) {
        const first = start + done;
        const bytes = source.read(first * frameBytes, Math.min(pieceSamples, count - done) * frameBytes);
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        decodeSamples(view, format, channels, out, done, count, first, first * frameBytes);
      }
      return out;
    },
    close() {
      open = false;
      source.close();
    },
  };
}

/**
 * Writes a recording in the format of the name: raw float32 or int16, or, for `.sigmf-meta` or `.sigmf-data`, the pair
 * of SigMF files (float32 unless `format` says otherwise; `sampleRate` is required). The files appear complete or not
 * at all; a pair that is replaced loses its old metadata first, so that new data never stand beside old metadata.
 *
 * @param samples complex64 [channel][count], or a sequence of such blocks, written one after the other
 * @throws InputError when an option is wrong, there are no samples, a block does not hold whole samples of all
 *   channels, or a value is NaN, infinite or too large for the format
 */
export function writeRecording(
  path: string,
  samples: Float32Array | Iterable<Float32Array>,
  options: RecordingOptions = {},
): void {
  checkOptions(options);
  const { sampleRate, carrierFrequency, channels = 1 } = options;
  const extension = extname(path);
  const sigmf = extension === ".sigmf-meta" || extension === ".sigmf-data";
  const base = path.slice(0, path.length - extension.length);
  const format = options.format ?? (sigmf ? "cf32_le" : formatOfName(path));
  if (sigmf && sampleRate === undefined) {
    throw new InputError("sampleRate", undefined, "SigMF metadata state it: give it in Hz");
  }
  const files: AtomicFile[] = [];
  try {
    const data = create(sigmf ? `${base}.sigmf-data` : path);
    let count = 0;
    for (const block of samples instanceof Float32Array ? [samples] : samples) {
      if (block.length % (2 * channels) !== 0) {
        throw new InputError(
          "samples",
          `${block.length} values`,
          `give 2 values a sample and channel (${channels})`,
        );
      }
      data.write(encodeSamples(block, format, channels, count));
      count += block.length / (2 * channels);
    }
    if (count === 0) throw new InputError("samples", "none", "a recording has at least one sample");
    if (sigmf) {
      const metadata = create(`${base}.sigmf-meta`);
      metadata.write(Buffer.from(formatSigmf({ format, sampleRate, carrierFrequency, channels })));
      rmSync(`${base}.sigmf-meta`, { force: true });
      data.commit();
      metadata.commit();
    } else {
      data.commit();
    }
  } finally {
    for (const file of files) file.abandon();
  }

  function create(name: string): AtomicFile {
    const file = createAtomicFile(name);
    files.push(file);
    return file;
  }
}

/** The common name of a SigMF pair, or undefined for a raw recording. */
function sigmfBase(path: string): string | undefined {
  const extension = extname(path);
  if (extension === ".sigmf-meta" || extension === ".sigmf-data") return path.slice(0, -extension.length);
  return existsSync(`${path}.sigmf-meta`) ? path : undefined;
}

function readMetadata(path: string): string {
  const source = openFile(path);
  try {
    if (source.length > greatestMetadata) {
      throw new InputError(path, `${source.length} bytes`, `metadata have at most ${greatestMetadata} bytes`);
    }
    return Buffer.from(source.read(0, source.length)).toString("utf8");
  } finally {
    source.close();
  }
}

function formatOfName(path: string): SampleFormat {
  const format = extensions[extname(path).toLowerCase()];
  if (format === undefined) {
    const known = [...Object.keys(extensions), ".sigmf-meta"].join(", ");
    throw new InputError("file", path, `its name must end in one of ${known}, or the format be given`);
  }
  return format;
}

function checkContent(source: ByteSource, frameBytes: number, format: SampleFormat): void {
  if (source.length === 0)
    throw new InputError(source.name, "an empty file", "a recording has at least one sample");
  const kind = foreignFormat(source.read(0, Math.min(source.length, signatureBytes)));
  if (kind !== undefined) throw new InputError(source.name, kind, `it should be ${format} samples`);
  const excess = source.length % frameBytes;
  if (excess !== 0) {
    throw new InputError(
      source.name,
      `${source.length} bytes`,
      `the last sample begins at byte ${source.length - excess} and has ${excess} of ${frameBytes} bytes: the file was cut off or is not ${format}`,
    );
  }
}

function checkRange(start: number, count: number, sampleCount: number): void {
  if (!(Number.isSafeInteger(start) && start >= 0)) {
    throw new InputError("start", start, "give an index of 0 or more");
  }
  if (!(Number.isSafeInteger(count) && count >= 0)) {
    throw new InputError("count", count, "give a number of samples of 0 or more");
  }
  if (start + count > sampleCount) {
    throw new InputError(
      "samples",
      `${start} to ${start + count - 1}`,
      `the recording has ${sampleCount} samples`,
    );
  }
}

function checkOptions({ format, sampleRate, carrierFrequency, channels }: RecordingOptions): void {
  if (format !== undefined && !sampleFormats.includes(format)) {
    throw new InputError("format", format, `give one of ${sampleFormats.join(", ")}`);
  }
  if (sampleRate !== undefined && !(Number.isFinite(sampleRate) && sampleRate > 0)) {
    throw new InputError("sampleRate", sampleRate, "give a positive number of Hz");
  }
  if (carrierFrequency !== undefined && !(Number.isFinite(carrierFrequency) && carrierFrequency >= 0)) {
    throw new InputError("carrierFrequency", carrierFrequency, "give a number of Hz of 0 or more");
  }
  if (channels !== undefined && !(Number.isInteger(channels) && channels >= 1 && channels <= 1024)) {
    throw new InputError("channels", channels, "give a number of antennas of 1 to 1024");
  }
}

function agree<T>(field: string, option: T | undefined, metadata: T | undefined): void {
  if (option !== undefined && metadata !== undefined && option !== metadata) {
    throw new InputError(
      field,
      option,
      `the metadata say ${metadata}: leave it out, or correct the metadata`,
    );
  }
}
