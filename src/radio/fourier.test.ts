import { describe, expect, it } from "vitest";
import { createRandom } from "../system/index.js";
import { fourierTransform } from "./fourier.js";

describe("fourier transform", () => {
  it("equals the sum that defines it, in bit-reversed order, and is undone by its inverse", () => {
    const random = createRandom(1);
    for (const size of [2, 4, 8, 64, 256]) {
      const re = Float64Array.from({ length: size }, () => random.gaussian());
      const im = Float64Array.from({ length: size }, () => random.gaussian());
      const [spectrumRe, spectrumIm] = [re.slice(), im.slice()];
      const transform = fourierTransform(size);
      transform.forward(spectrumRe, spectrumIm);
      const bits = Math.log2(size);
      for (let k = 0; k < size; k++) {
        let [sumRe, sumIm] = [0, 0];
        for (let n = 0; n < size; n++) {
          const angle = (-2 * Math.PI * k * n) / size;
          sumRe += re[n]! * Math.cos(angle) - im[n]! * Math.sin(angle);
          sumIm += re[n]! * Math.sin(angle) + im[n]! * Math.cos(angle);
        }
        const position = Number.parseInt([...k.toString(2).padStart(bits, "0")].reverse().join(""), 2);
        expect(spectrumRe[position]!).toBeCloseTo(sumRe, 9);
        expect(spectrumIm[position]!).toBeCloseTo(sumIm, 9);
      }
      transform.inverse(spectrumRe, spectrumIm);
      for (let n = 0; n < size; n++) {
        expect(spectrumRe[n]! / size).toBeCloseTo(re[n]!, 12);
        expect(spectrumIm[n]! / size).toBeCloseTo(im[n]!, 12);
      }
    }
  });
});
