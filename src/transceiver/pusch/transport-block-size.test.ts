import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { limitedBufferTransportBlockSize, transportBlockSize } from "./transport-block-size.js";

const path = resolve(process.cwd(), "../shared/data/3gpp/tbs_cases.json");

interface Case {
  symbols: number;
  dmrs_re_per_prb: number;
  overhead_re_per_prb: number;
  qm: number;
  code_rate_x1024: number;
  layers: number;
  tb_scaling_field: 0 | 1 | 2;
  prb: number;
  tbs_bits: number;
}

describe.skipIf(!existsSync(path))("transport block size against an independent reference", () => {
  it("agrees in all 256 cases", () => {
    const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: Case[] };
    expect(cases).toHaveLength(256);
    const sizes = cases.map((one) =>
      transportBlockSize({
        prbs: one.prb,
        symbols: one.symbols,
        dmrsPerPrb: one.dmrs_re_per_prb,
        overheadPerPrb: one.overhead_re_per_prb,
        modulationOrder: one.qm,
        targetCodeRate: one.code_rate_x1024 / 1024,
        layers: one.layers,
        scaling: [1, 0.5, 0.25][one.tb_scaling_field]!,
      }),
    );
    expect(sizes).toEqual(cases.map((one) => one.tbs_bits));
  });
});

describe("transport block size, TS 38.214 5.1.3.2", () => {
  const resources = { symbols: 14, overheadPerPrb: 0, scaling: 1 };

  it("gives the sizes of reference channels of TS 38.104 Annex A", () => {
    // G-FR1-A3-8, -A4-8 and -A5-8: 25 PRBs, DM-RS on two symbols without data beside.
    const channel = { ...resources, dmrsPerPrb: 24, layers: 1 };
    expect(transportBlockSize({ ...channel, prbs: 25, modulationOrder: 2, targetCodeRate: 193 / 1024 })).toBe(
      1352,
    );
    expect(transportBlockSize({ ...channel, prbs: 25, modulationOrder: 4, targetCodeRate: 658 / 1024 })).toBe(
      9224,
    );
    expect(transportBlockSize({ ...channel, prbs: 25, modulationOrder: 6, targetCodeRate: 567 / 1024 })).toBe(
      12040,
    );
  });

  it("is at least 24 bits", () => {
    const tiny = { ...resources, symbols: 2, dmrsPerPrb: 12, prbs: 1, layers: 1, modulationOrder: 2 };
    expect(transportBlockSize({ ...tiny, targetCodeRate: 30 / 1024 })).toBe(24);
  });

  it("sizes the limited buffer by the next bandwidth of TS 38.212 Table 5.4.2.1-1", () => {
    const size = (prbs: number) => limitedBufferTransportBlockSize(prbs, 4, 8);
    expect(size(273)).toBe(1277992);
    for (const [from, to] of [
      [1, 32],
      [33, 66],
      [67, 107],
      [108, 135],
      [136, 162],
      [163, 217],
      [218, 275],
    ] as const)
      expect(size(from)).toBe(size(to));
    expect(new Set([32, 66, 107, 135, 162, 217, 273].map(size)).size).toBe(7);
  });
});
