import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const example = fileURLToPath(new URL("../../examples/learned-demapper.js", import.meta.url));

it("the example of a learned demapper comes close to the exact soft bits", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [example]);
  const lines = [...stdout.matchAll(/^(-?[\d.]+): (-?[\d.]+), exactly (-?[\d.]+)$/gm)];
  expect(lines).toHaveLength(6);
  for (const [, symbol, learned, exact] of lines) {
    // Of a symbol of amplitude 1/√2 in noise of variance 0.4.
    expect(Number(exact)).toBeCloseTo((4 * Math.SQRT1_2 * Number(symbol)) / 0.4, 2);
    expect(Math.abs(Number(learned) - Number(exact))).toBeLessThan(1);
  }
});
