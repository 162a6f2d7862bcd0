import { InputError } from "../errors.js";

/** Subcarriers of a physical resource block. */
export const prbSubcarriers = 12;

const valuesPerPrb = 2 * prbSubcarriers;

/** int16 full scale is amplitude 1. */
const fullScale = 32768;

/**
 * Bytes of one PRB: the udCompParam byte and 24 mantissas, which fill whole bytes at every width.
 *
 * @throws InputError when the width is not an integer of 2 to 16 bits
 */
export function compressedPrbBytes(iqWidth: number): number {
  if (!(Number.isInteger(iqWidth) && iqWidth >= 2 && iqWidth <= 16)) {
    throw new InputError("iqWidth", iqWidth, "mantissas have 2 to 16 bits");
  }
  return 1 + (valuesPerPrb / 8) * iqWidth;
}

/**
 * Decompresses PRBs of O-RAN block floating point (O-RAN.WG4.CUS annex A.1): for each, the udCompParam byte (exponent
 * in its lower four bits, the others reserved and ignored), then 24 mantissas in two's complement, most significant
 * bit first, real before imaginary. int16 full scale becomes amplitude 1.
 *
 * @param bytes compressed PRBs from `byteStart` on
 * @param iqWidth bits of a mantissa, 2 to 16
 * @param out complex64 [prbCount · 12] from the value `outStart` on
 * @throws InputError when the width is wrong or the bytes end within a PRB
 */
export function decompressPrbs(
  bytes: Uint8Array,
  byteStart: number,
  prbCount: number,
  iqWidth: number,
  out: Float32Array,
  outStart: number,
): void {
  const prbBytes = compressedPrbBytes(iqWidth);
  if (byteStart + prbCount * prbBytes > bytes.length) {
    const whole = Math.floor((bytes.length - byteStart) / prbBytes);
    throw new InputError(
      `byte ${byteStart + whole * prbBytes}`,
      `end after ${bytes.length} bytes`,
      `${prbCount} PRBs of ${prbBytes} bytes were expected, ${whole} are there`,
    );
  }
  const signShift = 32 - iqWidth;
  let byte = byteStart;
  let at = outStart;
  for (let prb = 0; prb < prbCount; prb++) {
    const scale = 2 ** (bytes[byte++]! & 0x0f) / fullScale;
    let buffer = 0;
    let available = 0;
    for (let i = 0; i < valuesPerPrb; i++) {
      while (available < iqWidth) {
        buffer = (buffer << 8) | bytes[byte++]!;
        available += 8;
      }
      available -= iqWidth;
      // The upper bits of the buffer are old mantissas; the two shifts drop them and extend the sign.
      out[at++] = (((buffer >> available) << signShift) >> signShift) * scale;
    }
  }
}

/**
 * Compresses PRBs (O-RAN.WG4.CUS annex A.1). Values are rounded to int16 and saturated there, each PRB gets the
 * smallest exponent that holds its largest value, and mantissas are rounded to the nearest and saturated. NaN becomes
 * 0, as in any conversion to integers.
 *
 * @param samples complex64 [prbCount · 12] from the value `start` on; amplitude 1 is int16 full scale
 * @param iqWidth bits of a mantissa, 2 to 16
 * @param out receives the PRBs from `byteStart` on; it must have room
 * @throws InputError when the width is wrong or samples or room do not suffice
 */
export function compressPrbs(
  samples: Float32Array,
  start: number,
  prbCount: number,
  iqWidth: number,
  out: Uint8Array,
  byteStart: number,
): void {
  const prbBytes = compressedPrbBytes(iqWidth);
  if (start + prbCount * valuesPerPrb > samples.length) {
    throw new InputError("samples", `${samples.length} values`, `${prbCount} PRBs have ${valuesPerPrb} each`);
  }
  if (byteStart + prbCount * prbBytes > out.length) {
    throw new InputError("out", `${out.length} bytes`, `${prbCount} PRBs take ${prbBytes} each`);
  }
  const values = new Int32Array(valuesPerPrb);
  const greatest = 2 ** (iqWidth - 1) - 1;
  const mantissaMask = 2 ** iqWidth - 1;
  let byte = byteStart;
  for (let prb = 0; prb < prbCount; prb++) {
    let magnitude = 0;
    for (let i = 0; i < valuesPerPrb; i++) {
      const value = Math.round(samples[start + prb * valuesPerPrb + i]! * fullScale);
      values[i] = Math.max(-fullScale, Math.min(fullScale - 1, value));
      // Two's complement reaches one further below zero: −2^k needs as many bits as 2^k − 1.
      magnitude = Math.max(magnitude, values[i]! < 0 ? -1 - values[i]! : values[i]!);
    }
    const exponent = Math.max(0, 32 - Math.clz32(magnitude) + 1 - iqWidth);
    const half = exponent > 0 ? 1 << (exponent - 1) : 0;
    out[byte++] = exponent;
    let buffer = 0;
    let filled = 0;
    for (let i = 0; i < valuesPerPrb; i++) {
      const mantissa = Math.min((values[i]! + half) >> exponent, greatest);
      buffer = (buffer << iqWidth) | (mantissa & mantissaMask);
      filled += iqWidth;
      while (filled >= 8) {
        filled -= 8;
        out[byte++] = buffer >> filled;
      }
    }
  }
}
