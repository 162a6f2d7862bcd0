import { InputError } from "../errors.js";

/** How a complex sample is stored, by SigMF's names: two float32 or two int16, little or big endian. */
export const sampleFormats = ["cf32_le", "cf32_be", "ci16_le", "ci16_be"] as const;
export type SampleFormat = (typeof sampleFormats)[number];

/** Bytes of one complex sample of one channel. */
export function bytesPerSample(format: SampleFormat): 4 | 8 {
  return format.startsWith("cf32") ? 8 : 4;
}

/** int16 full scale is amplitude 1. */
const int16Scale = 32768;

/**
 * Beyond it, a float32 is no amplitude of any radio or converter but other data read as float32: received amplitudes
 * lie around 1, or below 2^31 where integer codes were stored as floats.
 */
const greatestAmplitude = 2 ** 32;

/**
 * Decodes whole samples, interleaved by channel in the bytes, into `out` of shape [channel][count] complex64.
 *
 * @param view the bytes of exactly `count * channels` samples
 * @param firstSample index of the first sample within the recording, for error messages
 * @param firstByte offset of the first byte within the file, for error messages
 * @param outStart position within each channel of `out`, whose channels are `outCount` samples long
 * @throws InputError naming sample and byte when a value is NaN, infinite or above 2^32
 */
export function decodeSamples(
  view: DataView,
  format: SampleFormat,
  channels: number,
  out: Float32Array,
  outStart: number,
  outCount: number,
  firstSample: number,
  firstByte: number,
): void {
  const littleEndian = format.endsWith("_le");
  const floats = format.startsWith("cf32");
  const sampleBytes = bytesPerSample(format);
  const count = view.byteLength / (sampleBytes * channels);
  let byte = 0;
  for (let i = 0; i < count; i++) {
    for (let channel = 0; channel < channels; channel++) {
      const at = 2 * (channel * outCount + outStart + i);
      if (floats) {
        const re = view.getFloat32(byte, littleEndian);
        const im = view.getFloat32(byte + 4, littleEndian);
        if (!(Math.abs(re) <= greatestAmplitude)) throw badValue(re, firstSample + i, firstByte + byte);
        if (!(Math.abs(im) <= greatestAmplitude)) throw badValue(im, firstSample + i, firstByte + byte + 4);
        out[at] = re;
        out[at + 1] = im;
      } else {
        out[at] = view.getInt16(byte, littleEndian) / int16Scale;
        out[at + 1] = view.getInt16(byte + 2, littleEndian) / int16Scale;
      }
      byte += sampleBytes;
    }
  }
}

/**
 * Encodes samples of shape [channel][count] complex64 into bytes interleaved by channel. int16 values are rounded to
 * the nearest; amplitude 1 becomes 32767, the largest there is.
 *
 * @param firstSample index of the first sample within the recording, for error messages
 * @throws InputError naming the sample when a value is NaN, infinite, or too large for the format
 */
export function encodeSamples(
  samples: Float32Array,
  format: SampleFormat,
  channels: number,
  firstSample: number,
): Uint8Array {
  const littleEndian = format.endsWith("_le");
  const floats = format.startsWith("cf32");
  const valueBytes = bytesPerSample(format) / 2;
  const limit = floats ? greatestAmplitude : 1;
  const count = samples.length / (2 * channels);
  const bytes = new Uint8Array(samples.length * valueBytes);
  const view = new DataView(bytes.buffer);
  let byte = 0;
  for (let i = 0; i < count; i++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let part = 0; part < 2; part++) {
        const value = samples[2 * (channel * count + i) + part]!;
        if (!(Math.abs(value) <= limit)) {
          throw new InputError(
            `sample ${firstSample + i} of channel ${channel}`,
            value,
            `${format} holds finite values of magnitude up to ${limit}: scale the samples`,
          );
        }
        if (floats) view.setFloat32(byte, value, littleEndian);
        else view.setInt16(byte, Math.min(Math.round(value * int16Scale), 32767), littleEndian);
        byte += valueBytes;
      }
    }
  }
  return bytes;
}

function badValue(value: number, sample: number, byte: number): InputError {
  return new InputError(
    `sample ${sample} (byte ${byte})`,
    value,
    "samples are finite numbers: check that the file holds float32 samples in the stated byte order, not 16-bit integers or something else",
  );
}
