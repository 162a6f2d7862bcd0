import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { NeuroranError, reviveError } from "../../errors.js";
import { deferred } from "../deferred.js";
import type { FlowPlan } from "./plan.js";
import { ringFill, ringMemory } from "./ring.js";
import {
  counter,
  type FlowReply,
  type FlowRequest,
  type FlowWorkerStart,
  heldUnits,
  heldWord,
  wake,
  workerWord,
  workerWords,
} from "./worker-protocol.js";

/** The threads of a flow, as the main thread sees them. */
export interface FlowThreads {
  request(worker: number, request: FlowRequest): void;
  requestAll(request: FlowRequest): void;
  /** What a task has counted; see `counter`. */
  counts(task: number): Float64Array;
  /** Bytes of outputs that the main thread holds, for the sources to know. */
  hold(bytes: number): void;
  /** Bytes in the ring of each channel that leaves its thread. */
  fills(): { readonly channel: number; readonly bytes: number }[];
  /** Ends the threads; those that do not within so many milliseconds, by force. */
  close(patience_ms: number): Promise<void>;
}

/**
 * Starts the threads of a plan. `hear` takes what they say, `fail` why one has ended that was not told to.
 * @throws NeuroranError FLOW_WORKER_START, or what the flow's module throws.
 */
export async function startFlowThreads(
  plan: FlowPlan,
  start: Pick<
    FlowWorkerStart,
    "module" | "name" | "lastEpoch" | "positions" | "operators" | "messageLayouts"
  >,
  hear: (reply: FlowReply) => void,
  fail: (error: NeuroranError) => void,
): Promise<FlowThreads> {
  const rings = plan.channels.map(({ from, to }) =>
    plan.tasks[from].worker === plan.tasks[to].worker ? undefined : ringMemory(plan.ringBytes),
  );
  const words = Array.from({ length: plan.workers }, workerWords);
  const counts = new SharedArrayBuffer(8 * counter.counters * plan.tasks.length);
  const held = new Int32Array(new SharedArrayBuffer(128));
  let closing = false;

  const startOne = (worker: number) => {
    const { port1: port, port2 } = new MessageChannel();
    const workerStart: FlowWorkerStart = {
      ...start,
      plan,
      worker,
      rings,
      words: words.map(({ buffer }) => buffer),
      counts,
      held: held.buffer,
    };
    const thread = new Worker(new URL("./flow-worker.js", import.meta.url), {
      workerData: { start: workerStart, port: port2 },
      transferList: [port2],
    });
    const started = deferred<void>();
    let problem: NeuroranError | undefined;
    port.on("message", (reply: FlowReply) => {
      if (reply.kind === "started") started.resolve();
      else if (reply.kind === "failed") {
        problem = reviveError(reply.error, "OPERATOR_FAILED");
        if (reply.task !== undefined) {
          problem = new NeuroranError(
            problem.code,
            `${reply.task} of flow ${start.name}: ${problem.message}`,
            {
              cause: problem,
            },
          );
        }
      } else {
        if (reply.kind === "outputs") Atomics.sub(held, heldWord.underWay, heldUnits(reply.bytes.length));
        hear(reply);
      }
    });
    thread.on("error", (cause) => {
      const text = cause instanceof Error ? cause.message : String(cause);
      problem ??= new NeuroranError("FLOW_WORKER_ENDED", `a thread of flow ${start.name} died: ${text}`, {
        cause,
      });
    });
    const exited = new Promise<void>((resolve) => {
      thread.on("exit", (status) => {
        // What it has said may still be on its way.
        setImmediate(() => {
          port.close();
          const text = `a thread of flow ${start.name} ended with status ${status}: start the flow again`;
          const error = problem ?? new NeuroranError("FLOW_WORKER_ENDED", text);
          started.reject(error);
          if (!closing) fail(error);
          resolve();
        });
      });
    });
    return { port, thread, started: started.promise, exited };
  };
  const threads = Array.from({ length: plan.workers }, (_, worker) => startOne(worker));
  const request = (worker: number, message: FlowRequest): void => {
    (threads[worker].port as MessagePort).postMessage(message);
    Atomics.add(words[worker], workerWord.requests, 1);
    wake(words[worker]);
  };
  const close = async (patience_ms: number): Promise<void> => {
    closing = true;
    if (patience_ms > 0) for (const worker of threads.keys()) request(worker, { kind: "close" });
    const force = setTimeout(() => {
      for (const { thread } of threads) void thread.terminate();
    }, patience_ms);
    await Promise.all(threads.map(({ exited }) => exited));
    clearTimeout(force);
  };
  const outcomes = await Promise.allSettled(threads.map(({ started }) => started));
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    await close(0);
    throw outcome.reason;
  }
  return {
    request,
    requestAll(message) {
      for (const worker of threads.keys()) request(worker, message);
    },
    counts: (task) => new Float64Array(counts, 8 * counter.counters * task, counter.counters),
    hold(bytes) {
      Atomics.store(held, heldWord.received, heldUnits(bytes));
      for (const one of words) wake(one);
    },
    fills() {
      return rings.flatMap((memory, channel) =>
        memory === undefined ? [] : { channel, bytes: ringFill(memory) },
      );
    },
    close,
  };
}
