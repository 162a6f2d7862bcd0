import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { compressedPrbBytes, compressPrbs, decompressPrbs } from "./block-floating-point.js";

/** Bits as text, one mantissa after the other: nothing shared with the implementation. */
function referenceDecompress(bytes: Uint8Array, iqWidth: number): number[] {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const exponent = Number.parseInt(bits.slice(4, 8), 2);
  return Array.from({ length: 24 }, (_, i) => {
    const field = bits.slice(8 + i * iqWidth, 8 + (i + 1) * iqWidth);
    const magnitude = Number.parseInt(field.slice(1), 2);
    return (magnitude - (field[0] === "1" ? 2 ** (iqWidth - 1) : 0)) * 2 ** exponent;
  });
}

/** The exponent by trial: the smallest at which every value, exactly divided, lies within the mantissa's range. */
function referenceCompress(values: readonly number[], iqWidth: number): string {
  let exponent = 0;
  const lowest = -(2 ** (iqWidth - 1));
  while (
    values.some((v) => Math.floor(v / 2 ** exponent) > -lowest - 1 || Math.floor(v / 2 ** exponent) < lowest)
  ) {
    exponent++;
  }
  const fields = values.map((value) => {
    const rounded = Math.floor(value / 2 ** exponent + 0.5);
    const mantissa = Math.min(rounded, -lowest - 1);
    return (mantissa < 0 ? mantissa + 2 ** iqWidth : mantissa).toString(2).padStart(iqWidth, "0");
  });
  const bits = exponent.toString(2).padStart(8, "0") + fields.join("");
  return bits.replaceAll(/.{8}/g, (byte) => Number.parseInt(byte, 2).toString(16).padStart(2, "0"));
}

const width = fc.oneof(fc.constantFrom(9, 14), fc.integer({ min: 2, max: 16 }));

describe("block floating point", () => {
  it("decompresses any bytes as the bit-level reference does, at every width", () => {
    fc.assert(
      fc.property(
        width,
        fc.infiniteStream(fc.nat(255)),
        fc.integer({ min: 1, max: 3 }),
        (iqWidth, stream, prbs) => {
          const prbBytes = 1 + 3 * iqWidth;
          const bytes = Uint8Array.from([...stream.take(5 + prbs * prbBytes)]);
          const out = new Float32Array(24 * prbs + 2);
          decompressPrbs(bytes, 5, prbs, iqWidth, out, 1);
          const expected = Array.from({ length: prbs }, (_, i) =>
            referenceDecompress(bytes.subarray(5 + i * prbBytes, 5 + (i + 1) * prbBytes), iqWidth),
          ).flat();
          expect([...out]).toEqual([0, ...expected.map((value) => Math.fround(value / 32768)), 0]);
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });

  it("compresses to the same bits as the reference, at every width and magnitude", () => {
    const block = fc.nat(15).chain((shift) =>
      fc.array(fc.integer({ min: -(32768 >> shift), max: (32768 >> shift) - 1 }), {
        minLength: 24,
        maxLength: 24,
      }),
    );
    fc.assert(
      fc.property(width, block, (iqWidth, values) => {
        const out = new Uint8Array(1 + 3 * iqWidth);
        compressPrbs(
          Float32Array.from(values, (v) => v / 32768),
          0,
          1,
          iqWidth,
          out,
          0,
        );
        expect(Buffer.from(out).toString("hex")).toBe(referenceCompress(values, iqWidth));
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  it("loses at most half a step of the mantissa, and a whole one where it saturates", () => {
    const amplitude = fc.float({ min: -1, max: Math.fround(0.9999), noNaN: true });
    const blocks = fc.array(amplitude, { minLength: 48, maxLength: 48 });
    fc.assert(
      fc.property(width, blocks, (iqWidth, values) => {
        const samples = Float32Array.from(values);
        const bytes = new Uint8Array(2 * compressedPrbBytes(iqWidth));
        compressPrbs(samples, 0, 2, iqWidth, bytes, 0);
        const back = new Float32Array(48);
        decompressPrbs(bytes, 0, 2, iqWidth, back, 0);
        for (let i = 0; i < 48; i++) {
          const step = 2 ** bytes[i < 24 ? 0 : compressedPrbBytes(iqWidth)]! / 32768;
          const rounding = 0.5 / 32768;
          expect(Math.abs(back[i]! - samples[i]!)).toBeLessThanOrEqual(step + rounding);
        }
        // What has been compressed once passes unchanged.
        const again = new Float32Array(48);
        compressPrbs(back, 0, 2, iqWidth, bytes, 0);
        decompressPrbs(bytes, 0, 2, iqWidth, again, 0);
        expect(again).toEqual(back);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("keeps 16 bits exactly, saturates beyond full scale and takes NaN as zero", () => {
    const samples = new Float32Array(24);
    samples.set([1, -1, 4, -4, Number.POSITIVE_INFINITY, Number.NaN, 3 / 32768]);
    const bytes = new Uint8Array(49);
    compressPrbs(samples, 0, 1, 16, bytes, 0);
    const back = new Float32Array(24);
    decompressPrbs(bytes, 0, 1, 16, back, 0);
    const top = 32767 / 32768;
    expect([...back.subarray(0, 8)]).toEqual([top, -1, top, -1, top, 0, 3 / 32768, 0]);
  });

  it("has the sizes of the standard", () => {
    expect([9, 14, 16, 2].map(compressedPrbBytes)).toEqual([28, 43, 49, 7]);
  });

  it("refuses widths and lengths that cannot be", () => {
    for (const iqWidth of [1, 17, 0, 9.5, Number.NaN])
      expect(() => compressedPrbBytes(iqWidth)).toThrow(InputError);
    const out = new Float32Array(48);
    expect(() => decompressPrbs(new Uint8Array(55), 0, 2, 9, out, 0)).toThrow(
      /^byte 28: "end after 55 bytes"/,
    );
    expect(() => compressPrbs(out, 1, 2, 9, new Uint8Array(56), 0)).toThrow(/48 values/);
    expect(() => compressPrbs(out, 0, 2, 9, new Uint8Array(55), 0)).toThrow(/55 bytes/);
  });
});
