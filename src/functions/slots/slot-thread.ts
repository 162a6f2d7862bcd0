/** A worker thread of a slot executor, as its executor sees it. */
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { connectionForThread } from "../../compiler/index.js";
import { NeuroranError, reviveError } from "../../errors.js";
import { type HelperWords, startHelper, stopHelper } from "../../system/index.js";
import { type Deferred, deferred } from "../deferred.js";
import type { Tensor } from "../tensor.js";
import { withViews } from "../tensor.js";
import {
  type Reply,
  type Request,
  type SharedWords,
  type VariantRequest,
  type WorkerStart,
  word,
} from "./slot-protocol.js";
import { type ThreadIndex, wake } from "./swap.js";

type Started = Extract<Reply, { kind: "started" }>;
/** What is not an answer to one of the thread's own requests. */
export type Notice = Exclude<
  Reply,
  {
    kind:
      | "started"
      | "start failed"
      | "start helper"
      | "prepared"
      | "preparation failed"
      | "ready"
      | "not ready";
  }
>;

export interface SlotThread {
  readonly index: ThreadIndex;
  readonly module: string;
  /** Rejects with what kept the thread from starting. */
  readonly started: Promise<Started>;
  /** Resolves when the thread is gone. */
  readonly exited: Promise<void>;
  /** Why it is gone. */
  readonly ended: NeuroranError | undefined;
  /** What it said of its last preparation. */
  readonly latest: Pick<Extract<Reply, { kind: "prepared" }>, "kernels" | "lasting">;
  /** Outputs of a variant that it prepares. @throws NeuroranError PREPARATION_FAILED, or what it threw. */
  prepare(request: VariantRequest): Promise<Record<string, Tensor>>;
  /** Resolves when it waits for the slots. */
  takeOver(probation: Extract<Request, { kind: "take over" }>["probation"]): Promise<void>;
  request(message: Request): void;
  /** Hears what has been posted, though the event loop may not have delivered it yet. */
  hearAll(): void;
  /** Asks it to end when it is done with what it was asked before; by force after five seconds. */
  close(): Promise<void>;
  /** Ends it wherever it is. */
  terminate(): void;
}

const closingMilliseconds = 5000;

/**
 * @param hear called with what it says by itself
 * @param gone called once, when it is gone
 * @throws NeuroranError SLOT_WORKER_START where it cannot be started at all
 */
export function startSlotThread(
  start: WorkerStart,
  words: SharedWords,
  hear: (notice: Notice) => void,
  gone: (error: NeuroranError) => void,
): SlotThread {
  const { index, module, memory } = start;
  const { port1: port, port2 } = new MessageChannel();
  const compiler = connectionForThread();
  let worker: Worker;
  try {
    worker = new Worker(new URL("./slot-worker.js", import.meta.url), {
      workerData: { start, port: port2, compiler },
      transferList: [port2, compiler.port],
    });
  } catch (cause) {
    port.close();
    compiler.port.close();
    const problem = `the slot worker of ${module} cannot be started: ${cause instanceof Error ? cause.message : cause}`;
    throw new NeuroranError("SLOT_WORKER_START", `${problem}; give it options that can be copied`, { cause });
  }
  const started = deferred<Started>();
  started.promise.catch(() => undefined);
  const preparing = new Map<number, Deferred<Record<string, Tensor>>>();
  const helpers: HelperWords[] = [];
  let ready: Deferred<void> | undefined;
  let closing: NodeJS.Timeout | undefined;
  let latest: SlotThread["latest"] = { kernels: [], lasting: [] };
  let ended: NeuroranError | undefined;

  const take = (message: Reply): void => {
    switch (message.kind) {
      case "started":
        latest = { kernels: [], lasting: message.lasting };
        started.resolve(message);
        break;
      case "start failed":
        started.reject(reviveError(message.error, "SLOT_WORKER_START"));
        break;
      case "prepared":
        latest = message;
        preparing.get(message.variant)?.resolve(withViews(memory, message.outputs));
        break;
      case "preparation failed":
        preparing.get(message.variant)?.reject(reviveError(message.error, "PREPARATION_FAILED"));
        break;
      case "ready":
        ready?.resolve();
        break;
      case "not ready":
        ready?.reject(reviveError(message.error, "PREPARATION_FAILED"));
        break;
      case "start helper":
        helpers.push(message.data.words);
        startHelper(message.module, message.data);
        break;
      case "kernels":
        latest = { ...latest, kernels: message.kernels };
        hear(message);
        break;
      default:
        hear(message);
    }
  };
  port.on("message", take);
  const hearAll = (): void => {
    for (let one = receiveMessageOnPort(port); one !== undefined; one = receiveMessageOnPort(port))
      take(one.message);
  };

  const end = (error: NeuroranError): void => {
    if (ended !== undefined) return;
    hearAll();
    ended = error;
    started.reject(error);
    for (const one of preparing.values()) one.reject(error);
    ready?.reject(error);
    port.close();
    gone(error);
  };
  const exited = new Promise<void>((resolve) => {
    worker.on("error", (cause) => {
      const text = `the slot worker of ${module} died: ${cause instanceof Error ? cause.message : cause}`;
      end(new NeuroranError("SLOT_WORKER_ENDED", `${text}; start another executor`, { cause }));
    });
    worker.on("exit", (status) => {
      clearTimeout(closing);
      const text = `the slot worker of ${module} ended with status ${status}`;
      end(new NeuroranError("SLOT_WORKER_ENDED", `${text}; start another executor`));
      for (const words of helpers) stopHelper(words);
      resolve();
    });
  });

  const request = (message: Request): void => {
    port.postMessage(message);
    Atomics.add(words, word.requests[index], 1);
    wake(words, index);
  };

  return {
    index,
    module,
    started: started.promise,
    exited,
    get ended() {
      return ended;
    },
    get latest() {
      return latest;
    },
    async prepare(one) {
      if (ended !== undefined) throw ended;
      const answer = deferred<Record<string, Tensor>>();
      preparing.set(one.variant, answer);
      try {
        request({ kind: "prepare", ...one });
        return await answer.promise;
      } finally {
        preparing.delete(one.variant);
      }
    },
    takeOver(probation) {
      ready = deferred();
      if (ended !== undefined) ready.reject(ended);
      else request({ kind: "take over", probation });
      return ready.promise;
    },
    request,
    hearAll,
    async close() {
      closing ??= setTimeout(() => void worker.terminate(), closingMilliseconds);
      if (ended === undefined) request({ kind: "close" });
      await exited;
    },
    terminate: () => void worker.terminate(),
  };
}
