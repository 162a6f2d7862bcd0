import { describe, expect, it } from "vitest";
import { sincCoefficients, sincLead, sincTaps } from "./fractional-delay.js";

describe("fractional delay", () => {
  it("is within -69 dB of the ideal delay up to 0.85 of the Nyquist frequency", () => {
    const coefficients = new Float64Array(sincTaps);
    let worst = 0;
    for (let fraction = 0; fraction < 1; fraction += 0.01) {
      sincCoefficients(fraction, coefficients);
      for (let frequency = -0.425; frequency <= 0.425; frequency += 0.005) {
        let re = -Math.cos(2 * Math.PI * frequency * fraction);
        let im = Math.sin(2 * Math.PI * frequency * fraction);
        for (let i = 0; i < sincTaps; i++) {
          re += coefficients[i]! * Math.cos(2 * Math.PI * frequency * (i - sincLead));
          im -= coefficients[i]! * Math.sin(2 * Math.PI * frequency * (i - sincLead));
        }
        worst = Math.max(worst, Math.hypot(re, im));
      }
    }
    expect(20 * Math.log10(worst)).toBeLessThan(-69);
  });

  it("is exact without a fraction", () => {
    const coefficients = new Float64Array(sincTaps);
    sincCoefficients(0, coefficients);
    expect(coefficients[sincLead]).toBe(1);
    expect(coefficients.filter((c) => c !== 0).length).toBe(1);
  });
});
