import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { createRandom } from "../system/index.js";
import { compressedPrbBytes } from "./block-floating-point.js";
import {
  decodeFronthaul,
  encodeFronthaul,
  formatFronthaul,
  parseFronthaul,
  readFronthaul,
  writeFronthaul,
} from "./fronthaul.js";

const example = resolve(process.cwd(), "../shared/data/fronthaul/pusch_pcap_example.txt");
const exampleExists = existsSync(example);

const folder = mkdtempSync(join(tmpdir(), "neuroran-fronthaul-"));
afterAll(() => rmSync(folder, { recursive: true }));

function gaussianGrid(antennas: number, symbols: number, prbs: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: antennas * symbols * prbs * 24 }, () => random.gaussian() * 0.1);
}

function power(grid: Float32Array, start: number, count: number): number {
  let sum = 0;
  for (let i = 2 * start; i < 2 * (start + count); i++) sum += grid[i]! ** 2;
  return sum / count;
}

describe("fronthaul", () => {
  it("returns the grid, in order, within the compression's error", () => {
    for (const [antennas, symbolCount, prbCount, iqWidth] of [
      [1, 14, 1, 9],
      [4, 14, 51, 14],
      [2, 12, 3, 9],
      [3, 14, 2, 16],
    ] as const) {
      const grid = gaussianGrid(antennas, symbolCount, prbCount, 1);
      const options = { iqWidth, prbCount, symbolCount };
      for (const back of [
        decodeFronthaul(encodeFronthaul(grid, options), options),
        parseFronthaul(formatFronthaul(grid, options), options),
      ]) {
        expect(back).toMatchObject({ antennas, symbols: symbolCount, subcarriers: 12 * prbCount });
        const error = power(
          back.grid.map((value, i) => value - grid[i]!),
          0,
          grid.length / 2,
        );
        // A uniform error of the largest possible step, 2^(16 − width) of full scale, in both components.
        const step = 2 ** (16 - iqWidth) / 32768;
        expect(error).toBeLessThan((2 * step ** 2) / 12 + (2 / 12) * 2 ** -30);
      }
    }
  });

  it("puts symbol, antenna and PRB where they belong", () => {
    const options = { iqWidth: 9, prbCount: 2 };
    const prbs = Array.from({ length: 14 * 3 * 2 }, (_, i) => {
      const bytes = new Uint8Array(28);
      bytes[1 + 13] = i; // bits 104 to 111 of the mantissas: within the real part of subcarrier 5 and onwards
      return bytes;
    });
    const { grid, antennas } = decodeFronthaul(Buffer.concat(prbs), options);
    expect(antennas).toBe(3);
    for (let symbol = 0; symbol < 14; symbol++) {
      for (let antenna = 0; antenna < 3; antenna++) {
        for (let prb = 0; prb < 2; prb++) {
          const line = (symbol * 3 + antenna) * 2 + prb;
          const single = decodeFronthaul(Buffer.concat(new Array(14).fill(prbs[line])), {
            iqWidth: 9,
            prbCount: 1,
          });
          const at = 2 * ((antenna * 14 + symbol) * 24 + prb * 12);
          expect(grid.subarray(at, at + 24)).toEqual(single.grid.subarray(0, 24));
        }
      }
    }
  });

  it.skipIf(!exampleExists)(
    `decodes a recorded PUSCH slot to sane power${exampleExists ? "" : ` (skipped: no ${example})`}`,
    () => {
      const { antennas, symbols, subcarriers, grid } = readFronthaul(example, { iqWidth: 9, prbCount: 273 });
      expect([antennas, symbols, subcarriers]).toEqual([2, 14, 3276]);
      for (let antenna = 0; antenna < 2; antenna++) {
        for (let symbol = 0; symbol < 14; symbol++) {
          const start = (antenna * 14 + symbol) * 3276;
          const allocated = 10 * Math.log10(power(grid, start, 96));
          const empty = 10 * Math.log10(power(grid, start + 2 * 96, 3276 - 2 * 96));
          // Two layers on the first 8 PRBs, noise 100 dB below them: the rest is empty but for the compression.
          expect(allocated).toBeGreaterThan(-40);
          expect(allocated).toBeLessThan(0);
          expect(empty).toBeLessThan(allocated - 30);
        }
      }
    },
  );

  it("accepts what text editors do to a file", () => {
    const options = { iqWidth: 9, prbCount: 1 };
    const text = formatFronthaul(gaussianGrid(1, 14, 1, 2), options);
    const expected = parseFronthaul(text, options);
    for (const variant of [
      text.trimEnd(),
      text.toUpperCase(),
      text.replaceAll("\n", "\r\n"),
      text.replaceAll(" ", " \t"),
      text.replaceAll("\n", "  \n"),
    ]) {
      expect(parseFronthaul(variant, options)).toEqual(expected);
    }
  });

  it("names line and column of what is wrong", () => {
    const options = { iqWidth: 9, prbCount: 1 };
    const lines = formatFronthaul(gaussianGrid(1, 14, 1, 3), options)
      .split("\n")
      .slice(0, 14);
    const refuse = (change: (lines: string[]) => string | undefined, message: RegExp) => {
      const changed = [...lines];
      const text = change(changed) ?? changed.join("\n");
      let thrown: unknown;
      try {
        parseFronthaul(text, options);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(InputError);
      expect((thrown as InputError).message).toMatch(message);
    };
    const edit = (line: number, column: number, removed: number, inserted: string) => (all: string[]) => {
      const old = all[line - 1]!;
      all[line - 1] = old.slice(0, column - 1) + inserted + old.slice(column - 1 + removed);
      return undefined;
    };
    refuse(edit(3, 7, 1, "x"), /^line 3, column 7: "x".*two hexadecimal digits/);
    refuse(edit(3, 8, 1, "x"), /^line 3, column 8: "x"/);
    refuse(edit(2, 3, 1, ""), /^line 2, column 3: .*blank/);
    refuse(edit(2, 3, 1, "-"), /^line 2, column 3: "-".*blank/);
    refuse(edit(14, 82, 2, ""), /^line 14, column 82: "the end of the line".*27 bytes.*28/);
    refuse(edit(14, 83, 1, ""), /^line 14, column 83: "the end of the line"/);
    refuse(edit(1, 84, 0, " 00"), /^line 1, column 85: "0".*has more/);
    refuse((all) => void all.splice(4, 0, ""), /^line 5, column 1: "the end of the line".*0 bytes/);
    refuse((all) => void all.pop(), /^number of lines: 13.*1 PRBs times 14 symbols/);
    refuse(() => "", /empty text/);
    refuse(() => "\0\x01\x02", /^line 1, column 1/);
  });

  it("refuses bytes and options that cannot be", () => {
    const bytes = new Uint8Array(28 * 14);
    expect(() => decodeFronthaul(bytes.subarray(1), { iqWidth: 9, prbCount: 1 })).toThrow(
      /^byte 364: "end after 391 bytes"/,
    );
    expect(() => decodeFronthaul(bytes, { iqWidth: 9, prbCount: 2 })).toThrow(/^number of PRBs: 14/);
    expect(() => decodeFronthaul(new Uint8Array(0), { iqWidth: 9, prbCount: 2 })).toThrow(
      /^number of PRBs: 0/,
    );
    expect(() => decodeFronthaul(bytes, { iqWidth: 1, prbCount: 1 })).toThrow(/^iqWidth/);
    expect(() => decodeFronthaul(bytes, { iqWidth: 9, prbCount: 276 })).toThrow(/^prbCount/);
    expect(() => decodeFronthaul(bytes, { iqWidth: 9, prbCount: 1, symbolCount: 7 })).toThrow(/^symbolCount/);
    expect(() => encodeFronthaul(new Float32Array(10), { iqWidth: 9, prbCount: 1 })).toThrow(InputError);
  });

  it("writes a file that it reads again, and leaves none behind on failure", () => {
    const options = { iqWidth: 14, prbCount: 2 };
    const grid = gaussianGrid(2, 14, 2, 4);
    const path = join(folder, "slot.txt");
    writeFronthaul(path, grid, options);
    expect(readFronthaul(path, options)).toEqual(decodeFronthaul(encodeFronthaul(grid, options), options));
    expect(() => writeFronthaul(join(folder, "other.txt"), grid.subarray(1), options)).toThrow(InputError);
    expect(readdirSync(folder)).toEqual(["slot.txt"]);
    writeFileSync(path, "");
    expect(() => readFronthaul(path, options)).toThrow(/empty text/);
    expect(() => readFronthaul(join(folder, "none.txt"), options)).toThrow(/ENOENT/);
    expect(compressedPrbBytes(14)).toBe(43);
  });
});
