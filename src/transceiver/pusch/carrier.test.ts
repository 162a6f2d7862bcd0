import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { TRANSMISSION_BANDWIDTHS } from "./bandwidths.js";
import { parseCarrier } from "./carrier.js";
import type { SubcarrierSpacing } from "./numerology.js";

describe("carrier", () => {
  it("fills in what is left out", () => {
    expect(parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51 })).toEqual({
      subcarrierSpacing: 30,
      cyclicPrefix: "normal",
      carrierPrbs: 51,
      offsetToCarrier: 0,
      sampleRate: 30.72e6,
      carrierFrequency: 0,
      fftSize: 1024,
    });
  });

  it("accepts what it returned", () => {
    const { fftSize: _, ...carrier } = parseCarrier({
      subcarrierSpacing: 60,
      carrierPrbs: 24,
      cyclicPrefix: "extended",
    });
    expect(parseCarrier(carrier)).toMatchObject(carrier);
  });

  it("accepts every channel bandwidth of frequency range 1", () => {
    let count = 0;
    for (const spacing of [15, 30, 60] as SubcarrierSpacing[])
      for (const [bandwidth, carrierPrbs] of Object.entries(TRANSMISSION_BANDWIDTHS[spacing])) {
        // TS 38.104 Table 5.3.3-1: the guard bands are never below 1.6 % of the channel, nor the use below 79 %.
        const use = (12 * carrierPrbs * spacing) / (1000 * Number(bandwidth));
        expect(use).toBeGreaterThan(0.79);
        expect(use).toBeLessThan(0.984);
        expect(parseCarrier({ subcarrierSpacing: spacing, carrierPrbs }).fftSize).toBeGreaterThan(
          12 * carrierPrbs,
        );
        count++;
      }
    expect(count).toBe(10 + 15 + 14);
  });

  it.each([
    [{ subcarrierSpacing: 20, carrierPrbs: 51 }, "subcarrierSpacing"],
    [{ subcarrierSpacing: 30 }, "carrierPrbs"],
    [{ subcarrierSpacing: 30, carrierPrbs: 276 }, "carrierPrbs"],
    [{ subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: 15.36e6 }, "sampleRate"],
    [{ subcarrierSpacing: 30, carrierPrbs: 51, sampleRate: "23.04e6" }, "sampleRate"],
    [{ subcarrierSpacing: 30, carrierPrbs: 51, cyclicPrefix: "extended" }, "cyclicPrefix"],
    [{ subcarrierSpacing: 30, carrierPrbs: 51, carrierFrequency: -1 }, "carrierFrequency"],
    [{ subcarrierSpacing: 30, carrierPrbs: 51, samplerate: 1 }, "samplerate"],
  ])("refuses %j by its field", (value, field) => {
    expect(() => parseCarrier(value)).toThrow(InputError);
    expect(() => parseCarrier(value)).toThrow(new RegExp(`^${field}: `));
  });

  it("names the nearest field for an unknown one", () => {
    expect(() => parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51, samplerate: 1 })).toThrow(
      "is it sampleRate?",
    );
  });
});
