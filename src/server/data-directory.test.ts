import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  announceNode,
  dataDirectory,
  makeDataDirectory,
  openToken,
  readNodeFacts,
} from "./data-directory.js";

const folder = mkdtempSync(join(tmpdir(), "neuroran-data-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const fresh = () => {
  const directory = dataDirectory(join(folder, String(made++)));
  makeDataDirectory(directory);
  return directory;
};

describe("a data directory", () => {
  it("keeps one token, which nobody else may read", () => {
    const [one, other] = [fresh(), fresh()];
    const token = openToken(one);
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
    expect(openToken(one)).toBe(token);
    expect(openToken(other)).not.toBe(token);
    expect(statSync(one.token).mode & 0o777).toBe(0o600);
  });

  it("refuses a token that others may read, or that is none", () => {
    const directory = fresh();
    openToken(directory);
    chmodSync(directory.token, 0o644);
    expect(() => openToken(directory)).toThrow(/chmod 600/);
    for (const text of ["", "short", "with blanks in the midst of it", "x\ny".repeat(20)]) {
      writeFileSync(directory.token, text);
      chmodSync(directory.token, 0o600);
      expect(() => openToken(directory)).toThrow(/holds no token/);
    }
  });

  it("says where the node is, as long as it is", () => {
    const directory = fresh();
    expect(readNodeFacts(directory)).toBeUndefined();
    const withdraw = announceNode(directory, { pid: 7, url: "http://127.0.0.1:1" });
    expect(readNodeFacts(directory)).toEqual({ pid: 7, url: "http://127.0.0.1:1" });
    expect(readFileSync(directory.facts, "utf8")).toContain("127.0.0.1");
    withdraw();
    withdraw();
    expect(readNodeFacts(directory)).toBeUndefined();
    writeFileSync(directory.facts, '{"pid":');
    expect(readNodeFacts(directory)).toBeUndefined();
  });
});
