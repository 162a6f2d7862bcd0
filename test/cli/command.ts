import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** How a command ended and what it said. */
export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `neuroran` as a process of its own, standard streams being pipes. @param watch may send it signals. */
export function neuroran(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  watch: (interrupt: () => void, said: () => string) => void = () => {},
): Promise<CommandResult> {
  return new Promise((done, failed) => {
    const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
    const child = spawn(process.execPath, [main, ...words], { env: { ...inherited, ...environment } });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      watch(
        () => child.kill("SIGINT"),
        () => stderr,
      );
    });
    child.on("error", failed);
    child.on("close", (status) => done({ status, stdout, stderr }));
  });
}

/** The objects of a `--json` output, one a line. */
export function objectsOf(stdout: string): Record<string, unknown>[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A folder that goes when the tests of the file are done. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "neuroran-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    path: (name: string): string => join(folder, name),
    write(name: string, content: string | Uint8Array | object): string {
      const path = join(folder, name);
      const plain = typeof content === "string" || content instanceof Uint8Array;
      writeFileSync(path, plain ? content : JSON.stringify(content));
      return path;
    },
  };
}

/** A file of the reference data, which may be absent. */
export function referenceFile(name: string): string {
  return resolve(process.cwd(), "../shared/data", name);
}

export const hasReferenceData = existsSync(referenceFile("ota"));
