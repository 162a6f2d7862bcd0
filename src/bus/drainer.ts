import { Worker } from "node:worker_threads";
import { type NeuroranError, reviveError } from "../errors.js";
import { storeError } from "./data-file.js";
import type { DrainReply, DrainRequest } from "./log-drain.js";

/** The thread that applies the log to the data file, from its first request on. */
export interface Drainer {
  /** Applies a file of the log, and tries again and again where there is no room. One at a time. */
  drain(request: DrainRequest): void;
  /** Why the file could not be applied yet; undefined when the last attempt is done or under way for the first time. */
  readonly full: NeuroranError | undefined;
  /** From now on the process waits for the thread, and nothing is tried again. */
  hold(): void;
  close(): Promise<void>;
}

/** Between two attempts, where there is no room. */
const pause_ms = 500;

/**
 * @param done called when a file is applied durably.
 * @param waits called when it is not for lack of room: `full` says so.
 * @param failed called when it never will be.
 */
export function createDrainer(
  directory: string,
  done: () => void,
  waits: () => void,
  failed: (error: NeuroranError) => void,
): Drainer {
  let thread: Worker | undefined;
  let pending: DrainRequest | undefined;
  let full: NeuroranError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closing = false;

  function start(): Worker {
    const worker = new Worker(new URL("./log-drain.js", import.meta.url), { workerData: directory });
    if (!closing) worker.unref();
    worker.on("message", answered);
    worker.on("error", (cause) => failed(storeError(directory, cause)));
    worker.on("exit", () => {
      thread = undefined;
      if (pending !== undefined && full === undefined) {
        failed(storeError(directory, new Error("the thread that drains the log ended")));
      }
    });
    return worker;
  }

  function attempt(): void {
    try {
      thread ??= start();
    } catch (cause) {
      failed(storeError(directory, cause));
      return;
    }
    thread.postMessage(pending);
  }

  function answered(reply: DrainReply): void {
    if (reply === undefined) {
      pending = undefined;
      full = undefined;
      done();
      return;
    }
    const error = reviveError(reply, "STORE_FAILED");
    if (error.code !== "STORE_FULL") {
      failed(error);
      return;
    }
    full = error;
    if (!closing) timer = setTimeout(attempt, pause_ms).unref();
    waits();
  }

  return {
    drain(request) {
      pending = request;
      attempt();
    },
    get full() {
      return full;
    },
    hold() {
      closing = true;
      clearTimeout(timer);
      // Who waits for the thread must not wait in vain because the process has nothing else to do.
      thread?.ref();
    },
    async close() {
      if (thread === undefined) return;
      const ended = new Promise((resolve) => thread!.once("exit", resolve));
      thread.postMessage("close");
      await ended;
    },
  };
}
