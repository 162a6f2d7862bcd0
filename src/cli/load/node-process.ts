import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NeuroranError } from "../../errors.js";
import { getRequest, type HttpAddress, requestOnce } from "./http-connection.js";

/** Where a node of a measurement or verification has its data and listens. */
export interface NodePlace {
  readonly data: string;
  readonly address: HttpAddress;
  /** Words of the command line behind `neuroran up`, its place excepted. */
  readonly words?: readonly string[];
  /** A module that the process loads before everything else. */
  readonly preload?: URL;
}

/** The process of a node, as `neuroran up` starts it. */
export interface NodeProcess {
  readonly processId: number;
  /** Resolves when the node takes requests. @throws NeuroranError NODE_FAILED (rejection) when it ends before. */
  readonly ready: Promise<void>;
  /** Ends the process at once, by SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks the node to end, as Ctrl-C does; resolves when it is gone. */
  stop(): Promise<void>;
}

const main = fileURLToPath(new URL("../main.js", import.meta.url));
const saidKept = 4000;
const pollEvery_ms = 5;

/** A port of this machine that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(0, "127.0.0.1", done);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Starts a node. */
export function startNodeProcess({ data, address, words = [], preload }: NodePlace): NodeProcess {
  const { host, port } = address;
  // In a process group of its own, so that Ctrl-C in a terminal leaves its end to us.
  const before = preload === undefined ? [] : ["--import", preload.href];
  const command = [...before, main, "up", "--data", data, "--listen", `${host}:${port}`, ...words];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let said = "";
  let gone = false;
  const keep = (text: string): void => {
    said = (said + text).slice(-saidKept);
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const ended = new Promise<void>((done) => {
    child.once("error", (error) => keep(error.message));
    child.once("close", () => {
      gone = true;
      done();
    });
  });

  const becomesReady = async (): Promise<void> => {
    const health = getRequest(address, "/health", {});
    for (;;) {
      const reply = await requestOnce(address, health, 1000).catch(() => undefined);
      if (gone) throw new NeuroranError("NODE_FAILED", `The node ended before it was up: ${said.trim()}`);
      if (reply?.status === 200) return;
      await new Promise((done) => setTimeout(done, pollEvery_ms));
    }
  };

  const end = (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    return ended;
  };
  return {
    processId: child.pid ?? 0,
    ready: becomesReady(),
    kill: () => end("SIGKILL"),
    stop: () => end("SIGINT"),
  };
}

/** The headers of requests to a node that has been up over the data directory. */
export function nodeHeaders(data: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${readFileSync(join(data, "token"), "utf8").trim()}` };
}

/** Deploys a module to a node that is up. @throws NeuroranError DEPLOY_FAILED (rejection) with what the command said. */
export async function deployTo(data: string, module: string): Promise<void> {
  const child = spawn(process.execPath, [main, "deploy", module, "--data", data], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const status = await new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", done);
  });
  if (status !== 0) throw new NeuroranError("DEPLOY_FAILED", `${module} was not deployed: ${said.trim()}`);
}
