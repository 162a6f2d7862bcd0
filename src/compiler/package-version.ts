import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where this program's modules lie. */
const root = new URL("../", import.meta.url);

let version: string | undefined;

/** Whether a module is one of this program's, its tests aside. */
export function isOwnModule(url: string): boolean {
  return url.startsWith(root.href) && !url.endsWith(".test.js");
}

/** A hash of all of this program's modules when it was first asked for: code that other ones made is not theirs. */
export function packageVersion(): string {
  if (version === undefined) {
    const folder = fileURLToPath(root);
    const hash = createHash("sha256");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".js") && !name.endsWith(".test.js"))
      .sort();
    for (const name of files) hash.update(`${name}\0`).update(readFileSync(join(folder, name)));
    version = hash.digest("hex");
  }
  return version;
}
