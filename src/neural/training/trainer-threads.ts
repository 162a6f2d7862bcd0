import { Worker } from "node:worker_threads";
import { NeuroranError, reviveError } from "../../errors.js";
import type { DimensionSizes } from "../graph/dimensions.js";
import { abandon, askToStop, tellSaved } from "./shared-step.js";
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
  let failure: { error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    abandon(start.memory);
  };

  /** Serves a thread until it does nothing more; gives what it ended with, unless it failed. */
  const served = (
    worker: Worker,
    thread: number,
  ): Promise<(TrainerMessage & { kind: "ended" }) | undefined> =>
    new Promise((resolve) => {
      const settleFailed = (error: unknown): void => {
        fail(error);
        resolve(undefined);
      };
      worker.on("error", settleFailed);
      worker.on("exit", () =>
        settleFailed(new NeuroranError("TRAINING_FAILED", "a thread of the training ended")),
      );
      worker.on("message", (message: TrainerMessage) => {
        if (message.kind === "ended") {
          worker.removeAllListeners("exit");
          resolve(message);
        } else if (message.kind === "failed") {
          settleFailed(reviveError(message.error, "TRAINING_FAILED"));
        } else if (message.kind === "graph") {
          const bytes = attempt(() => graphOf(message.role, message.sizes, thread));
          worker.postMessage({ bytes } satisfies GraphReply);
        } else if (message.kind === "report") attempt(() => observe(message.report));
        else {
          attempt(() => save(message.state));
          tellSaved(start.memory);
        }
      });
    });

  function attempt<T>(action: () => T): T | undefined {
    try {
      return failure === undefined ? action() : undefined;
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  const [first] = await Promise.all(workers.map(served));
  signal?.removeEventListener("abort", stop);
  // Not before: ending a thread inside ONNX Runtime ends the process.
  await Promise.all(workers.map((worker) => worker.terminate()));
  if (failure !== undefined) throw (failure as { error: unknown }).error;
  return { end: first!.end, state: first!.state! };
}
