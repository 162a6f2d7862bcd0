import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Store } from "../../src/bus/index.js";

/** Gives directories of stores, each another, all of which go behind the last test of the file that asks. */
export function freshDirectories(): () => string {
  const root = mkdtempSync(join(tmpdir(), "neuroran-store-"));
  afterAll(() => rmSync(root, { recursive: true }));
  let directories = 0;
  return () => join(root, `${directories++}`);
}

/** All entries of a store in order, values as text. */
export function everythingIn(store: Store): [string, string][] {
  return [...store.range("", "\u{10ffff}")].map(({ key, value }) => [
    key,
    Buffer.from(value).toString("latin1"),
  ]);
}
