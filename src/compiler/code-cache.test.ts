import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testTargets } from "../../test/targets.js";
import { openCodeCache } from "./code-cache.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "neuroran-cache-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const code = Uint8Array.from({ length: 1000 }, (_, k) => k & 255);
const entryPaths = () => readdirSync(directory).map((name) => join(directory, name));

describe("the cache of compiled code", () => {
  it("gives back what was kept, to another process too, and nothing under other keys", () => {
    openCodeCache(directory).write("a", code);
    const cache = openCodeCache(directory);
    expect([...cache.read("a")!]).toEqual([...code]);
    expect(cache.read("b")).toBeUndefined();
    expect(entryPaths().length).toBe(1);
    expect(statSync(entryPaths()[0]!).mode & 0o077).toBe(0);
  });

  it("takes a torn, changed or exchanged entry for absent (invariant 1)", () => {
    const cache = openCodeCache(directory);
    for (const damage of [
      (path: string) => truncateSync(path, 500),
      (path: string) => truncateSync(path, 0),
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[700]! ^= 1;
        writeFileSync(path, bytes);
      },
    ]) {
      cache.write("a", code);
      damage(entryPaths()[0]!);
      expect(cache.read("a")).toBeUndefined();
    }
    cache.write("a", code);
    const [first] = entryPaths();
    const whole = readFileSync(first!);
    cache.write("b", code.slice(1));
    const other = entryPaths().find((path) => path !== first)!;
    writeFileSync(other, whole);
    expect(cache.read("b")).toBeUndefined();
    expect(cache.read("a")).toBeDefined();
  });

  it("reads nothing that others could have written (invariant 3)", () => {
    const cache = openCodeCache(directory);
    cache.write("a", code);
    chmodSync(entryPaths()[0]!, 0o666);
    expect(cache.read("a")).toBeUndefined();
    chmodSync(directory, 0o777);
    const open = openCodeCache(directory);
    expect(open.problem).toMatch(/writable by others/);
    open.write("c", code);
    expect(open.read("c")).toBeUndefined();
    expect(entryPaths().length).toBe(1);
  });

  it("is done without where its folder cannot be (invariant 4)", () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    const cache = openCodeCache(join(file, "below"));
    expect(cache.problem).toBeDefined();
    cache.write("a", code);
    expect(cache.read("a")).toBeUndefined();
  });

  it("stays within its capacity and drops what was used least recently", () => {
    const capacity = 20_000;
    for (let k = 0; k < 40; k++) {
      openCodeCache(directory, capacity).write(`${k}`, code);
      openCodeCache(directory, capacity).read("0");
      const before = new Date(Date.now() - 1000 * (100 - k));
      for (const path of entryPaths()) {
        const isFirst = statSync(path).mtimeMs > Date.now() - 500;
        if (!isFirst) utimesSync(path, before, before);
      }
    }
    const total = entryPaths().reduce((sum, path) => sum + statSync(path).size, 0);
    expect(total).toBeLessThanOrEqual(capacity + 2 * 1032);
    expect(openCodeCache(directory, capacity).read("0")).toBeDefined();
    mkdirSync(join(directory, "not-ours"));
    expect(openCodeCache(directory, capacity).read("0")).toBeDefined();
  });
});

describe.each(testTargets)("a second start on $name", ({ name }) => {
  const program = fileURLToPath(new URL("../../test/compiler/compile-samples.js", import.meta.url));
  const start = () =>
    JSON.parse(
      execFileSync(process.execPath, [program, name], {
        encoding: "utf8",
        env: { ...process.env, NEURORAN_CACHE: directory },
      }),
    ) as { compiled: number; loaded: number; result: number };

  it("finds all it needs on disk, and makes anew what is torn", () => {
    const first = start();
    expect(first).toMatchObject({ loaded: 0, result: 42 });
    expect(first.compiled).toBeGreaterThan(1);
    expect(start()).toEqual({ compiled: 0, loaded: first.compiled, result: 42 });
    truncateSync(entryPaths()[0]!, 100);
    expect(start()).toEqual({ compiled: 1, loaded: first.compiled - 1, result: 42 });
  });
});
