import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { neuroran, objectsOf, temporaryFolder } from "./command.js";

const folder = temporaryFolder();
const awgn = ["simulate", "--profile", "awgn", "--prbs", "10", "--mcs", "10", "--json"];

/** What a seed determines: everything but the times and where the slot thread ran. */
function outcome(stdout: string) {
  return objectsOf(stdout).map(
    ({ latency: _, blocks: __, kernels: ___, slot_thread: ____, ...rest }) => rest,
  );
}

describe("simulate", () => {
  it("reports what a person wants to know", async () => {
    const { status, stdout, stderr } = await neuroran(["simulate", "--slots", "60"]);
    // A machine that is busy may show progress.
    expect(stderr.replace(/^receiving: .*\n/gm, "")).toBe("");
    for (const line of [
      /^Slot thread +(pinned to processor [1-9]|not pinned: \S)/m,
      /^BLER +[\d.]+ %/m,
      /^Throughput +[\d.]+ Mbit\/s/m,
      /^SNR +[\d.]+ dB estimated, [\d.]+ dB simulated/m,
      /^CFO +\+1\d\d\.\d Hz estimated, \+150\.0 Hz simulated/m,
      /^Timing +\+\d+ ns estimated, \+200 ns simulated/m,
      /^Kernels +\d+ for (wasm|llvm), (\d+ of them from disk, )?compiled (again )?in /m,
      /^Machine +\S/m,
      /seed 1$/m,
      /^Block +p50 +p99 +of the work +of 0\.5 ms/m,
      /^\S*decoding +[\d.]+ (µs|ms) /m,
      /^slot +[\d.]+ (µs|ms) .* 100\.0 %/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect(status).toBe(0);
  });

  it("estimates what it simulates, without noise to speak of", async () => {
    const words = [...awgn, "--snr", "25", "--slots", "40", "--cfo", "-220", "--timing-offset", "310"];
    const [object] = objectsOf((await neuroran(words)).stdout) as [Record<string, never>];
    const { estimated } = object as unknown as { estimated: Record<string, number> };
    expect(object).toMatchObject({
      snr_db: 25,
      slots: 40,
      errors: 0,
      bler: 0,
      undetected_errors: 0,
      seed: 1,
    });
    expect(estimated.cfo_hz).toBeCloseTo(-220, -1.3);
    expect(Math.abs(estimated.timing_s! - 310e-9)).toBeLessThan(10e-9);
    expect(Math.abs(estimated.snr_db! - 25)).toBeLessThan(1);
  });

  it("gives the same for the same seed, and something else for another", async () => {
    const words = [...awgn, "--snr", "3.5", "--slots", "30", "--seed"];
    const [first, again, other] = await Promise.all(
      ["7", "7", "8"].map((seed) => neuroran([...words, seed])),
    );
    expect(outcome(first!.stdout)).toEqual(outcome(again!.stdout));
    expect(outcome(first!.stdout)).not.toEqual(outcome(other!.stdout));
  });

  it("sweeps the SNR into objects and a picture", async () => {
    const svg = folder.path("bler.svg");
    const words = [...awgn, "--snr=-6:6:12", "--slots", "20", "--stop-after-errors", "5", "--svg", svg];
    const { status, stdout } = await neuroran(words);
    const objects = objectsOf(stdout);
    expect(objects.map(({ snr_db, slots, errors }) => ({ snr_db, slots, errors }))).toEqual([
      { snr_db: -6, slots: 5, errors: 5 },
      { snr_db: 0, slots: 5, errors: 5 },
      { snr_db: 6, slots: 20, errors: 0 },
      { snr_db: 12, slots: 20, errors: 0 },
    ]);
    const picture = readFileSync(svg, "utf8");
    expect(picture).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(picture.match(/<circle [^>]*stroke=/g)).toHaveLength(4);
    expect(status).toBe(0);
  });

  it("prints a sweep as a table", async () => {
    const words = awgn.filter((word) => word !== "--json");
    const { stdout } = await neuroran([...words, "--snr", "0:10:10", "--slots", "10"]);
    expect(stdout).toMatch(/SNR dB +slots +lost +BLER/);
    expect(stdout).toMatch(/^ +0 +10 +10 +100 % /m);
    expect(stdout).toMatch(/^ +10 +10 +0 +0 % /m);
  });

  it.each(["equalization=zero-forcing", "equalization=mmse"])("runs with %s", async (implementation) => {
    const words = [...awgn, "--snr", "25", "--slots", "5", "--use", implementation];
    const { status, stdout } = await neuroran(words);
    expect(objectsOf(stdout)).toEqual([expect.objectContaining({ errors: 0, slots: 5 })]);
    expect(status).toBe(0);
  });

  it("serves several layers, wide carriers and the other subcarrier spacings", async () => {
    for (const words of [
      ["--layers", "2", "--receive-antennas", "4", "--mcs", "5", "--snr", "25"],
      ["--scs", "15", "--bandwidth", "5", "--mcs", "5", "--snr", "15", "--profile", "awgn"],
      ["--scs", "60", "--cyclic-prefix", "extended", "--carrier-prbs", "24", "--mcs", "5", "--snr", "15"],
    ]) {
      const { status, stdout, stderr } = await neuroran(["simulate", "--slots", "5", "--json", ...words]);
      expect(stderr.replace(/^receiving: .*\n/gm, "")).toBe("");
      expect(objectsOf(stdout)).toEqual([expect.objectContaining({ errors: 0, slots: 5 })]);
      expect(status).toBe(0);
    }
  });

  it("reports what it has at Ctrl-C, with status 130", async () => {
    const svg = folder.path("interrupted.svg");
    let asked = false;
    // The first line of progress comes after five seconds.
    const { status, stdout, stderr } = await neuroran(
      [...awgn, "--snr", "20:1:25", "--slots", "1000000", "--svg", svg],
      {},
      (interrupt) => {
        if (!asked) interrupt();
        asked = true;
      },
    );
    expect(stderr).toMatch(/simulating: \d+ %/);
    expect(stderr).toMatch(/interrupted; what is shown was measured until then\n$/);
    const [object, ...more] = objectsOf(stdout);
    expect(more).toEqual([]);
    expect(object).toMatchObject({ snr_db: 20, interrupted: true });
    expect(object!.slots).toBeGreaterThan(0);
    expect(existsSync(svg)).toBe(true);
    expect(status).toBe(130);
  });
});
