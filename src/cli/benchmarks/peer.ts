import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { InputError, NeuroranError } from "../../errors.js";
import { interruption } from "../load/http-load.js";
import type { InvokedSystem } from "./invoked-system.js";

/** Another system, started for a comparison. */
export interface Peer {
  readonly system: InvokedSystem;
  /** Ends it, and removes what it was installed into. */
  stop(): Promise<void>;
}

const peers = ["restate"];

/**
 * Installs and starts a peer: a program of this repository, which the package does not contain.
 * @throws InputError where there is none of the name; NeuroranError PEER_FAILED, INTERRUPTED (rejections)
 */
export async function startPeer(name: string, signal: AbortSignal): Promise<Peer> {
  if (!peers.includes(name)) throw new InputError("--peer", name, `give ${peers.join(" or ")}`);
  const program = fileURLToPath(new URL(`../../../bench/peers/${name}/main.js`, import.meta.url));
  if (!existsSync(program)) {
    throw new InputError("--peer", name, "comparisons come with the repository, not with the package");
  }
  const child = spawn(process.execPath, [program, "--serve"], {
    stdio: ["pipe", "pipe", "inherit"],
    // So that Ctrl-C in a terminal leaves its end to us.
    detached: true,
  });
  const gone = new Promise<void>((done) => child.once("close", () => done()));
  const stop = (): Promise<void> => {
    child.stdin.end();
    return gone;
  };
  signal.addEventListener("abort", () => child.kill("SIGINT"), { once: true });
  const system = await new Promise<InvokedSystem>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) =>
      resolve(JSON.parse(line) as InvokedSystem),
    );
    child.once("error", reject);
    const failure = new NeuroranError("PEER_FAILED", `${name} did not start; see above`);
    gone.then(() => reject(signal.aborted ? interruption() : failure));
  });
  return { system, stop };
}
