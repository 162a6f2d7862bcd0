import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** How a process ended. */
export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** `neuroran up` as a process of its own. */
export interface NodeProcess {
  readonly url: string;
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** Sends a signal; resolves when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<Ending>;
}

const running = new Set<ChildProcess>();

/** Starts a node; resolves when it listens. @throws (rejections) Error with what it said, when it ends before. */
export function startNodeProcess(data: string, ...more: string[]): Promise<NodeProcess> {
  const listen = more.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  const child = spawn(process.execPath, [main, "up", "--json", "--data", data, ...listen, ...more]);
  running.add(child);
  let [stdout, stderr] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ending>((done) => {
    child.on("close", (status, signal) => {
      running.delete(child);
      done({ status, signal, stderr });
    });
  });
  return new Promise((done, failed) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      const url = /"url":"([^"]+)"/.exec(stdout)?.[1];
      if (url === undefined) return;
      done({
        url,
        pid: child.pid!,
        ended,
        kill(signal) {
          child.kill(signal);
          return ended;
        },
      });
    });
    void ended.then(({ status }) => failed(new Error(`the node ended with ${status}: ${stderr}`)));
  });
}

/** Nodes that a failed test left behind end with the tests of the file. */
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** A port that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}
