import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

/** The house of the design from the roof down: a folder imports only from folders below it. */
const order = [
  "cli",
  "server",
  "manager",
  "services",
  "transceiver",
  "radio",
  "neural",
  "functions",
  "resources",
  "bus",
  "compiler",
  "system",
];
const source = resolve("src");

/** What of the imports of one file goes up, as "file → imported". Type imports count. */
function violations(file: string, text: string): string[] {
  const layer = order.indexOf(relative(source, file).split("/")[0]!);
  const found: string[] = [];
  for (const [, specifier] of text.matchAll(/\b(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g)) {
    const target = relative(source, resolve(dirname(file), specifier!));
    const targetLayer = order.indexOf(target.split("/")[0]!);
    const outside = target.startsWith("..") && !(file.endsWith(".test.ts") && target.startsWith("../test/"));
    const known = targetLayer >= 0 || target.startsWith("../test/") || target === "errors.js";
    const isRoot = layer < 0;
    if (outside || (!known && !isRoot) || (!isRoot && targetLayer >= 0 && targetLayer < layer)) {
      found.push(`${relative(source, file)} → ${target}`);
    }
  }
  return found;
}

const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join(source, name));

describe("layers", () => {
  it("are imported downwards only", () => {
    expect(files.length).toBeGreaterThan(100);
    expect(files.flatMap((file) => violations(file, readFileSync(file, "utf8")))).toEqual([]);
  });

  it("are told apart by the rule", () => {
    const file = join(source, "radio/recording.ts");
    expect(violations(file, 'import { x } from "../compiler/index.js";')).toEqual([]);
    expect(violations(file, 'import { x } from "../errors.js";')).toEqual([]);
    expect(violations(file, 'import type { x } from "../transceiver/uplink.js";')).toHaveLength(1);
    expect(violations(file, 'export * from "../cli/main.js";')).toHaveLength(1);
    expect(violations(file, 'await import("../../test/mlir.js")')).toHaveLength(1);
  });

  it("are folders of the source", () => {
    const folders = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map((entry) => entry.name).filter((name) => !order.includes(name))).toEqual([]);
  });

  it("hold files of moderate length", () => {
    const long = files.filter((file) => readFileSync(file, "utf8").split("\n").length > 520);
    expect(long).toEqual([]);
  });
});
