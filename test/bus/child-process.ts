import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";

/** Starts the script that commits without end. */
export function startScript(directory: string): ChildProcess {
  const script = new URL("./commit-until-killed.js", import.meta.url).pathname;
  return spawn(process.execPath, [script, directory], { stdio: ["ignore", "inherit", "inherit"] });
}

/** Starts the script that commits without end, and resolves when it has committed. */
export async function startCommitting(directory: string): Promise<ChildProcess> {
  rmSync(`${directory}.acknowledged`, { force: true });
  const child = startScript(directory);
  while (acknowledgedBy(directory) === 0) {
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return child;
}

/** The last batch that was durable as its process knew; 0 where none was. */
export function acknowledgedBy(directory: string): number {
  const path = `${directory}.acknowledged`;
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  return Math.max(0, ...lines.map(Number));
}

/** Ends a process without giving it time for anything. */
export async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** A generator of integers below `limit`. */
export function dice(start: number): (limit: number) => number {
  let state = start;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
