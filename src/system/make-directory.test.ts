import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeDirectory } from "./make-directory.js";

const folder = mkdtempSync(join(tmpdir(), "neuroran-directories-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("making a directory", () => {
  it("makes those above it, and leaves one that is there", () => {
    const path = join(folder, "a", "b", "c");
    makeDirectory(path, 0o700);
    makeDirectory(path, 0o700);
    for (const one of [path, join(folder, "a")]) expect(statSync(one).mode & 0o777).toBe(0o700);
  });

  it("fails where a file or a link to nowhere stands, or the path goes through one", () => {
    const [file, link] = [join(folder, "file"), join(folder, "link")];
    writeFileSync(file, "");
    symlinkSync(join(folder, "nowhere"), link);
    expect(() => makeDirectory(file)).toThrow(/EEXIST/);
    expect(() => makeDirectory(join(file, "below"))).toThrow(/ENOTDIR/);
    expect(() => makeDirectory(link)).toThrow(/ENOENT/);
  });

  it.skipIf(!existsSync("/proc/self"))("returns where the system has no place for directories", () => {
    expect(() => makeDirectory("/proc/neuroran/below")).toThrow(/ENOENT/);
  });
});
