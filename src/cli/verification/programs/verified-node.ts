import { NeuroranError } from "../../../errors.js";
import type { Random } from "../../../system/index.js";
import type { HttpAddress } from "../../load/http-connection.js";
import type { ReachedNode } from "./session-client.js";

/** A node's process, just started. */
export interface StartedNode {
  /** Resolves when it takes requests; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** What is verified: a node that can be killed and started again on the same data. */
export interface VerifiedNode {
  readonly address: HttpAddress;
  readonly headers: Readonly<Record<string, string>>;
  start(): StartedNode;
}

/** A node under kills. */
export interface KilledNode extends ReachedNode {
  /** Kills the node, and starts it again; sometimes kills it once more while it comes up. Resolves when it is up. */
  kill(): Promise<void>;
  /** Kills so far. */
  kills(): number;
  /** Milliseconds from each start to readiness. */
  readonly starts_ms: readonly number[];
  /** Ends the node for good; who waits for it is rejected. */
  end(): Promise<void>;
}

const killWhileStarting = 0.2;
const longestStart_ms = 600;

/** Starts the node. @param random says when it is killed again while it starts. */
export function keepKilling(verified: VerifiedNode, random: Random): KilledNode {
  const starts_ms: number[] = [];
  let kills = 0;
  let ended = false;

  const launch = (): StartedNode => {
    if (ended) throw new NeuroranError("NODE_ENDED", "The run has ended");
    const began = performance.now();
    const { ready, kill } = verified.start();
    const measured = ready.then(() => void starts_ms.push(performance.now() - began));
    // Nobody waits for a node that is killed while it starts.
    measured.catch(() => {});
    return { ready: measured, kill };
  };

  const restart = async (): Promise<void> => {
    for (;;) {
      await process.kill();
      kills++;
      process = launch();
      if (random.next() >= killWhileStarting) return process.ready;
      await new Promise((done) => setTimeout(done, longestStart_ms * random.next()));
    }
  };

  let process = launch();
  let up = process.ready;
  return {
    address: verified.address,
    headers: verified.headers,
    up: () => up,
    kills: () => kills,
    starts_ms,
    kill() {
      up = restart();
      up.catch(() => {});
      return up;
    },
    async end() {
      ended = true;
      up = Promise.reject(new NeuroranError("NODE_ENDED", "The run has ended"));
      up.catch(() => {});
      await process.kill();
    },
  };
}
