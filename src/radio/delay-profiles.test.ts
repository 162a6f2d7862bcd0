import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { type DelayProfile, delayProfiles } from "./delay-profiles.js";

const reference = resolve(process.cwd(), "../shared/data/3gpp/tdl_profiles.json");
const referenceExists = existsSync(reference);

const linear = ({ taps }: DelayProfile) => taps.map(([, power]) => 10 ** (power / 10));

describe("delay profiles", () => {
  it("have the delay spread that the standard states", () => {
    const stated = { TDLA30: 30, TDLB100: 100, TDLC300: 300 } as Record<string, number>;
    for (const [name, profile] of Object.entries(delayProfiles)) {
      const powers = linear(profile);
      const total = powers.reduce((sum, power) => sum + power, 0);
      const moment = (n: number) =>
        powers.reduce((sum, power, i) => sum + (power / total) * profile.taps[i]![0] ** n, 0);
      const spread = Math.sqrt(moment(2) - moment(1) ** 2);
      expect(Math.abs(spread / (stated[name] ?? 1) - 1)).toBeLessThan(0.01);
      expect(profile.scaled).toBe(!(name in stated));
    }
  });

  it("have the Rician factor that TR 38.901 states for the first tap: 13.3 and 22 dB", () => {
    for (const [name, factor] of [
      ["TDL-D", 13.3],
      ["TDL-E", 22],
    ] as const) {
      const { lineOfSight, taps } = delayProfiles[name];
      expect(lineOfSight).toBe(true);
      expect(taps[0][0]).toBe(taps[1][0]);
      expect(taps[0][1] - taps[1][1]).toBeCloseTo(factor, 10);
    }
  });

  it.skipIf(!referenceExists)(
    `equal an independent transcription${referenceExists ? "" : ` (skipped: no ${reference})`}`,
    () => {
      const tables = JSON.parse(readFileSync(reference, "utf8"));
      expect(Object.keys(tables).length).toBe(Object.keys(delayProfiles).length);
      for (const [name, profile] of Object.entries(delayProfiles)) {
        const table = tables[name] ?? tables[name.replace("TDL", "TDL-")];
        expect(profile.taps.map(([delay]) => delay)).toEqual(table.delays);
        expect(profile.taps.map(([, power]) => power)).toEqual(table.powers);
        expect([profile.lineOfSight, profile.scaled]).toEqual([table.los === 1, table.scale_delays]);
      }
    },
  );
});
