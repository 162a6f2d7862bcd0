import { describe, expect, it } from "vitest";
import { neuroran, objectsOf } from "./command.js";

const words = ["simulate", "--conformance"];

describe("simulate --conformance", () => {
  it("passes rows of TS 38.104 8.2.1.2 with one and two layers", async () => {
    const rows = [
      ["1", "1"],
      ["8.2.1.2-1", "5"],
      ["1", "12"],
    ] as const;
    for (const [table, row] of rows) {
      const { status, stdout } = await neuroran([
        ...words,
        "--table",
        table,
        "--row",
        row,
        "--slots",
        "40",
        "--json",
      ]);
      const [object] = objectsOf(stdout) as [{ throughput: number; margin_db: number }];
      expect(object).toMatchObject({ table: "8.2.1.2-1", row, passed: true, transport_blocks: 40, seed: 1 });
      expect(object.throughput).toBeGreaterThanOrEqual(0.7);
      expect(object.margin_db).toBeGreaterThan(0.5);
      expect(status).toBe(0);
    }
  });

  it("prints a table, and status 1 where a row is missed", async () => {
    // Zero forcing of two layers by two antennas loses what the requirement leaves.
    const { status, stdout } = await neuroran([
      ...words,
      ...["--table", "1", "--row", "10", "--slots", "30", "--use", "equalization=zero-forcing"],
    ]);
    expect(stdout).toMatch(/^Table +row +channel +antennas +reference +PRB +SNR dB +throughput +margin dB/m);
    expect(stdout).toMatch(/^8\.2\.1\.2-1 +10 +TDLB100-400 +2×2 +G-FR1-A3-22 +25 +1\.0 +[\d.]+ % .*failed/m);
    expect(stdout).toMatch(/failed: 1 of 1\n30 transport blocks a row/);
    expect(status).toBe(1);
  });

  it("refuses rows that are none, and options that would have no effect", async () => {
    for (const [given, message] of [
      [[...words, "--table", "9"], /--table: "9" is not accepted; give one of 8\.2\.1\.2-1, /],
      [[...words, "--row", "7"], /--row: "7" is not accepted; give one of 1, 2, 3, 4, 5, 6, 10, /],
      [[...words, "--mcs", "3"], /--mcs: 3 is not accepted; leave it out with --conformance/],
      [["simulate", "--row", "1"], /--row: "1" is not accepted; give it with --conformance/],
    ] as const) {
      const { status, stderr } = await neuroran(given);
      expect(stderr).toMatch(message);
      expect(status).toBe(2);
    }
  });

  it("prints what it has at Ctrl-C, with status 130", async () => {
    let asked = false;
    const { status, stdout, stderr } = await neuroran(
      [...words, "--table", "1", "--row", "1", "--slots", "1000000", "--json"],
      {},
      (interrupt) => {
        if (!asked) interrupt();
        asked = true;
      },
    );
    expect(stderr).toMatch(/measuring: \d+ %.*\n.*interrupted; what is shown was measured until then\n$/);
    expect(objectsOf(stdout)).toEqual([expect.objectContaining({ row: "1" })]);
    expect(status).toBe(130);
  });
});
