/** The thread that infers for this one, as this one sees it (invariants in inference-protocol.ts). */
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { NeuroranError, reviveError } from "../../errors.js";
import type { AttemptOutcome } from "../../functions/index.js";
import {
  type HelperWords,
  hasRealTime,
  helperWord,
  openClock,
  setProcessors,
  startHelper,
  wakeHelper,
} from "../../system/index.js";
import type { NamedTensors } from "../engines/engine.js";
import type { TensorType } from "../graph/graph.js";
import { elementArray, elementCount, type Tensor } from "../graph/tensor.js";
import {
  type InferenceReply,
  type InferenceRequest,
  outcome,
  type SharedTensor,
  type SharedTensors,
  WORDS,
  word,
} from "./inference-protocol.js";

/** A network that another thread runs. */
export interface Mailbox {
  /** To be filled before `ask`. */
  readonly inputs: NamedTensors;
  /** What the last question that was done gave. */
  readonly outputs: NamedTensors;
  /**
   * Has the network run on what the inputs hold, and waits. Allocates nothing.
   * @param answerBy as an attempt's; it waits ten seconds at most
   */
  ask(answerBy: Float64Array): AttemptOutcome;
  /** Gives the session back, behind a run that goes on. */
  release(): void;
}

/** The longest wait for an answer, in milliseconds. */
const LONGEST_WAIT = 10_000;
/** The longest wait for a session to be opened. */
const LONGEST_OPENING = 60_000;

interface InferenceThread {
  readonly words: HelperWords;
  /** Tells it, before a question, where this thread runs now. */
  follow(): void;
  readonly isAlive: () => boolean;
  request(request: InferenceRequest): void;
  /** Waits until all requests are served, the last of which is answered. @throws NeuroranError ENGINE_ENDED where nobody serves them. */
  settle(): InferenceReply;
}

let thread: InferenceThread | undefined;
let mailboxes = 0;

function startThread(): InferenceThread {
  const words: HelperWords = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  words[word.processor] = -1;
  const { port1: port, port2 } = new MessageChannel();
  port.unref();
  startHelper(new URL("./inference-worker.js", import.meta.url).href, { words, port: port2 });
  const isAlive = (): boolean => Atomics.load(words, helperWord.ended) === 0;
  let told: readonly number[] | undefined;
  let toldRealTime = false;
  return {
    words,
    follow() {
      const processors = setProcessors();
      const realTime = hasRealTime();
      if (processors === told && realTime === toldRealTime) return;
      [told, toldRealTime] = [processors, realTime];
      Atomics.store(words, word.processor, processors.length === 1 ? processors[0]! : -1);
      Atomics.store(words, word.realTime, realTime ? 1 : 0);
      Atomics.add(words, word.placements, 1);
    },
    isAlive,
    request(request) {
      port.postMessage(request);
      Atomics.add(words, word.requests, 1);
      wakeHelper(words);
    },
    settle() {
      const deadline = performance.now() + LONGEST_OPENING;
      for (;;) {
        const served = Atomics.load(words, word.served);
        const isServed = served === Atomics.load(words, word.requests);
        const reply: InferenceReply | undefined = isServed ? receiveMessageOnPort(port)?.message : undefined;
        if (reply !== undefined) return reply;
        if (isServed || !isAlive() || performance.now() > deadline)
          throw new NeuroranError(
            "ENGINE_ENDED",
            "the thread that infers has ended; prepare the function again",
          );
        Atomics.wait(words, word.served, served, 100);
      }
    },
  };
}

function viewOf({ elementType, shape, buffer }: SharedTensor): Tensor {
  const Elements = elementArray(elementType, 0).constructor as new (
    buffer: SharedArrayBuffer,
    offset: number,
    length: number,
  ) => Tensor["data"];
  return { elementType, shape, data: new Elements(buffer, 0, elementCount(shape)) };
}

function viewsOf(tensors: SharedTensors): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, one]) => [name, viewOf(one)]));
}

/**
 * Has a network opened by the thread that infers for this one, which starts with the first.
 * @param bytes an ONNX file all of whose inputs have sizes
 * @throws NeuroranError MODEL_REFUSED, ENGINE_MISSING, INFERENCE_FAILED for sizes that do not fit, or ENGINE_ENDED
 */
export function openMailbox(bytes: Uint8Array, inputs: Readonly<Record<string, TensorType>>): Mailbox {
  if (thread?.isAlive() === false) thread = undefined;
  thread ??= startThread();
  const { words, follow, request, settle } = thread;
  const mailbox = mailboxes++;
  const shared: SharedTensors = Object.fromEntries(
    Object.entries(inputs).map(([name, { elementType, shape }]) => {
      const { BYTES_PER_ELEMENT } = elementArray(elementType, 0);
      return [
        name,
        { elementType, shape, buffer: new SharedArrayBuffer(BYTES_PER_ELEMENT * elementCount(shape)) },
      ];
    }),
  );
  request({ kind: "open", mailbox, bytes, inputs: shared });
  let reply: InferenceReply;
  try {
    reply = settle();
  } catch (error) {
    // What it may still say must not be taken for an answer to somebody else.
    thread = undefined;
    throw error;
  }
  if (reply.kind === "refused") throw reviveError(reply.error, "MODEL_REFUSED");
  const readClock = openClock();
  const now = new Float64Array(1);
  let sequence = 0;

  const ask = (answerBy: Float64Array): AttemptOutcome => {
    if (Atomics.load(words, helperWord.ended) === 1) return "unavailable";
    const before = Atomics.load(words, word.answered);
    if (before !== Atomics.load(words, word.asked)) return "unavailable";
    sequence = (before + 1) | 0;
    follow();
    Atomics.store(words, word.mailbox, mailbox);
    Atomics.store(words, word.asked, sequence);
    wakeHelper(words);
    readClock(now, 0);
    const until = Math.min(answerBy[0]!, now[0]! + LONGEST_WAIT);
    while (Atomics.load(words, word.answered) !== sequence) {
      const left = until - now[0]!;
      if (left <= 0 || Atomics.load(words, helperWord.ended) === 1) return "late";
      Atomics.wait(words, word.answered, before, left);
      readClock(now, 0);
    }
    const came = Atomics.load(words, word.outcome);
    if (came === outcome.done) return "done";
    return came === outcome.notFinite ? "not finite" : "unavailable";
  };
  return {
    inputs: viewsOf(shared),
    outputs: viewsOf(reply.outputs),
    ask,
    release: () => request({ kind: "release", mailbox }),
  };
}
