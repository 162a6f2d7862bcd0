import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** LLVM's disassembler of Debian, for objects of this machine and for WebAssembly alike. */

const tool = "llvm-objdump-19";
const missing = spawnSync(tool, ["--version"]).error !== undefined;

/** Whether to skip tests that need the tool: never where CI is set, so that they fail there instead. */
export const withoutObjdump = missing && process.env.CI === undefined;
if (missing) console.warn(`not on this machine: ${tool} (Debian: llvm-19)`);

/**
 * The instructions of object files or modules, one a line, without addresses and bytes.
 * @throws Error with what the tool said unless it succeeds
 */
export function disassemble(objects: readonly Uint8Array[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), "neuroran-objdump-"));
  try {
    const files = objects.map((bytes, k) => {
      const file = join(folder, `${k}.o`);
      writeFileSync(file, bytes);
      return file;
    });
    const { status, stdout, stderr } = spawnSync(
      tool,
      ["--disassemble", "--no-leading-addr", "--no-show-raw-insn", "--no-addresses", ...files],
      { encoding: "utf8", maxBuffer: 1 << 30 },
    );
    if (status !== 0) throw new Error(`${tool}: ${stderr.slice(0, 4000)}`);
    return stdout
      .split(/^.*:\tfile format .*$/m)
      .slice(1)
      .map((text) =>
        text
          .split("\n")
          .filter((line) => /^\s+[a-z]/.test(line))
          .map((line) =>
            line
              .replace(/\s+#.*$/, "")
              .trim()
              .replaceAll(/\s+/g, " "),
          ),
      );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
