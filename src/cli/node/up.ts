import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { format } from "node:util";
import type { Command } from "commander";
import { InputError } from "../../errors.js";
import { createNodeLog, type LogLevel } from "../../server/node-log.js";
import { printJson } from "../format.js";
import { onInterrupt } from "../interrupt.js";
import { numberOption } from "../options.js";
import { defaultData } from "./connection.js";
import { logText } from "./logs.js";

interface UpOptions {
  readonly data: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly cache: number;
  readonly trust?: readonly KeyObject[];
  readonly json?: boolean;
}

const keptLines = 2000;
const defaultListen = "127.0.0.1:8411";

export function addUp(program: Command): void {
  program
    .command("up")
    .summary("start a node that serves stateful functions")
    .description(
      "Starts a node over its data directory: takes up the state as it was, puts deployed modules back into service, and serves HTTP until Ctrl-C, which lets it finish and commit what has come; a second Ctrl-C ends it at once. Nothing that was acknowledged is lost either way.",
    )
    .option("--data <directory>", "where the node keeps state, keys, modules and its token", defaultData)
    .option(
      "--listen <host:port>",
      "where it listens; port 0 is a free one",
      listenOption,
      listenOption(defaultListen),
    )
    .option(
      "--cache <MiB>",
      "memory for the state of keys in use",
      numberOption("--cache", { minimum: 1, maximum: 1_000_000, unit: "MiB" }),
      64,
    )
    .option(
      "--trust <file>",
      "take modules only that this Ed25519 public key (PEM) has signed; may be repeated",
      trustOption,
    )
    .option("--json", "print one JSON object a line of its log, and one with its address when it listens")
    .addHelpText("after", "\nExample:\n  $ neuroran up --data /var/lib/neuroran --listen 127.0.0.1:8411")
    .action(up);
}

async function up({ data, listen, cache, trust, json = false }: UpOptions): Promise<void> {
  const log = createNodeLog(keptLines, Date.now);
  log.subscribe(1, (line) => (json ? printJson(line) : process.stderr.write(logText(line))));
  const interrupt = onInterrupt();
  const { startNode } = await import("../../server/node.js");
  try {
    const trusted = trust === undefined ? {} : { trustedKeys: trust };
    const node = await startNode({ data, listen, log, cache_bytes: cache * 2 ** 20, ...trusted });
    if (json) printJson({ url: node.url, pid: process.pid, data, token: node.token });
    else
      process.stdout.write(
        `NeuroRAN listens at ${node.url}, process ${process.pid}; the token stands in ${node.token}\n`,
      );
    const restoreConsole = consoleToLog((level, message) => log.write(level, "console", message));
    // What a module's own promises do must not end the node.
    process.on("unhandledRejection", (reason) => {
      log.write("error", "console", `a promise of a module was rejected: ${format("%s", reason)}`);
    });
    try {
      await aborted(interrupt.signal);
    } finally {
      await node.close();
      restoreConsole();
    }
  } finally {
    interrupt.restore();
  }
}

/** Modules write to the console; it goes to the log, which others can read. Returns what undoes it. */
function consoleToLog(write: (level: LogLevel, message: string) => void): () => void {
  const { debug, log, info, warn, error } = console;
  const to =
    (level: LogLevel) =>
    (...values: unknown[]): void =>
      write(level, format(...values));
  const own = {
    debug: to("debug"),
    log: to("info"),
    info: to("info"),
    warn: to("warning"),
    error: to("error"),
  };
  Object.assign(console, own);
  return () => void Object.assign(console, { debug, log, info, warn, error });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    // A signal alone does not keep the process; the node's connections do.
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}

/** @throws InputError where the text is not `host:port`. */
function listenOption(text: string): { host: string; port: number } {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw new InputError("--listen", text, "give host:port, such as 127.0.0.1:8411 or [::1]:0");
  }
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** @throws InputError where the file holds no Ed25519 public key. */
function trustOption(path: string, previous: readonly KeyObject[] = []): readonly KeyObject[] {
  let key: KeyObject | undefined;
  try {
    key = createPublicKey(readFileSync(path));
  } catch (cause) {
    throw new InputError("--trust", path, "give a PEM file of an Ed25519 public key", { cause });
  }
  if (key.asymmetricKeyType !== "ed25519") {
    throw new InputError("--trust", key.asymmetricKeyType, "give an Ed25519 public key");
  }
  return [...previous, key];
}
