import { Worker } from "node:worker_threads";
import { NeuroranError, reviveError } from "../../errors.js";
import type { DimensionSizes } from "../graph/dimensions.js";
import { askToStop, tellSaved } from "./shared-step.js";
import type { GraphRole } from "./step-runner.js";
import type {
  GraphReply,
  StepReport,
  TrainerMessage,
  TrainerStart,
  TrainingEnd,
} from "./trainer-messages.js";
import type { TrainingState } from "./training-state.js";

/** What the threads of a training ask for and tell. */
export interface ThreadHandlers {
  readonly graphOf: (role: GraphRole, sizes: DimensionSizes, thread: number) => Uint8Array;
  readonly observe: (report: StepReport) => void;
  /** Keeps the state; the next comes when this one is kept. */
  readonly save: (state: TrainingState) => void;
  readonly signal: AbortSignal | undefined;
}

/** Runs the threads of a training to their end. @throws what a thread or a handler throws. */
export async function runThreads(
  start: Omit<TrainerStart, "thread">,
  { graphOf, observe, save, signal }: ThreadHandlers,
): Promise<{ end: TrainingEnd; state: TrainingState }> {
  const stop = (): void => askToStop(start.memory);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  const workers = Array.from(
    { length: start.sizes.threads },
    (_, thread) =>
      new Worker(new URL("./trainer-worker.js", import.meta.url), {
        workerData: { ...start, thread } satisfies TrainerStart,
      }),
  );
  try {
    const results = await Promise.all(
      workers.map(
        (worker, thread) =>
          new Promise<TrainerMessage & { kind: "ended" }>((resolve, reject) => {
            worker.on("error", reject);
            worker.on("exit", () =>
              reject(new NeuroranError("TRAINING_FAILED", "a thread of the training ended")),
            );
            worker.on("message", (message: TrainerMessage) => {
              try {
                if (message.kind === "graph") {
                  const reply: GraphReply = { bytes: graphOf(message.role, message.sizes, thread) };
                  worker.postMessage(reply);
                } else if (message.kind === "report") observe(message.report);
                else if (message.kind === "checkpoint") {
                  save(message.state);
                  tellSaved(start.memory);
                } else if (message.kind === "failed") reject(reviveError(message.error, "TRAINING_FAILED"));
                else if (message.kind === "ended") resolve(message);
              } catch (error) {
                reject(error);
              }
            });
          }),
      ),
    );
    return { end: results[0]!.end, state: results[0]!.state! };
  } finally {
    signal?.removeEventListener("abort", stop);
    // Also ends threads that wait at a barrier for one that failed.
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
