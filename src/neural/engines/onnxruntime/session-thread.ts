import { MessageChannel } from "node:worker_threads";
import { NeuroranError, reviveError } from "../../../errors.js";
import { HELPER_WORDS, type HelperWords, startHelper } from "../../../system/index.js";
import type { NamedTensors } from "../engine.js";
import type { SessionAnswer, SessionRequest } from "./protocol.js";
import type { Session } from "./session.js";

/** A thread that holds sessions, as those see it who ask it. Sessions bear numbers. */
export interface SessionThread {
  /** Why it is gone. */
  readonly ended: NeuroranError | undefined;
  /** Opens a session for the bytes of an ONNX file, whose memory is handed over. */
  open(session: number, bytes: Uint8Array): Promise<Pick<Session, "inputs" | "outputs">>;
  /** Runs a session on inputs whose memory is handed over. */
  run(session: number, inputs: NamedTensors): Promise<NamedTensors>;
  /** Releases a session behind the runs that were asked for. */
  release(session: number): Promise<void>;
}

type Request<R = SessionRequest> = R extends SessionRequest ? Omit<R, "number"> : never;

/**
 * Starts a thread that holds sessions. The process lives as long as an answer is awaited, not as long as the thread. What
 * waits for a thread that is gone fails with NeuroranError ENGINE_ENDED.
 */
export function startSessionThread(): SessionThread {
  const words: HelperWords = new Int32Array(new SharedArrayBuffer(4 * HELPER_WORDS));
  const { port1: port, port2 } = new MessageChannel();
  startHelper(new URL("./session-worker.js", import.meta.url).href, { words, port: port2 });
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  let numbers = 0;
  let ended: NeuroranError | undefined;

  const settled = (number: number) => {
    const one = waiting.get(number);
    waiting.delete(number);
    if (waiting.size === 0) port.unref();
    return one;
  };
  port.on("message", (answer: SessionAnswer) => {
    const one = settled(answer.number);
    if (answer.kind === "failed") one?.reject(reviveError(answer.error, "INFERENCE_FAILED"));
    else one?.resolve(answer);
  });
  // As the thread's end of it is when the thread is gone.
  port.on("close", () => {
    const text = "a thread of ONNX Runtime has ended; instantiate the model again";
    ended = new NeuroranError("ENGINE_ENDED", text);
    for (const number of [...waiting.keys()]) settled(number)?.reject(ended);
  });
  port.unref();

  const ask = <K extends SessionAnswer["kind"]>(
    request: Request,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Extract<SessionAnswer, { kind: K }>> => {
    if (ended !== undefined) return Promise.reject(ended);
    const number = numbers++;
    return new Promise((resolve, reject) => {
      waiting.set(number, { resolve: resolve as (answer: unknown) => void, reject });
      port.ref();
      port.postMessage({ ...request, number }, [...transfer]);
    });
  };
  return {
    get ended() {
      return ended;
    },
    open: (session, bytes) => ask<"opened">({ kind: "open", session, bytes }, [bytes.buffer as ArrayBuffer]),
    async run(session, inputs) {
      const memory = Object.values(inputs).map(({ data }) => data.buffer as ArrayBuffer);
      return (await ask<"computed">({ kind: "run", session, inputs }, memory)).outputs;
    },
    async release(session) {
      await ask<"released">({ kind: "release", session });
    },
  };
}
