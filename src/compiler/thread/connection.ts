/**
 * The way to the compiler's thread, of which a process has one. The main thread starts it with the first order. Other
 * threads need a connection, which slot threads are given: a thread of their own would not survive their end.
 */
import { isMainThread, MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { NeuroranError, reviveError } from "../../errors.js";
import {
  type Answer,
  type Code,
  type CodeOrder,
  type ConnectionEnd,
  type Request,
  stateWord,
} from "./protocol.js";

/** Code that was ordered and may not be there yet. */
export interface PendingCode {
  /** The code once it is there. @throws what compiling it threw. */
  take(): Code | undefined;
  /** It is not wanted any more; nobody takes it afterwards. */
  cancel(): void;
}

/** Milliseconds that an order may take, behind what is being done when it is given. */
const LONGEST_ORDER = 60_000;

/** What is wrong in a thread that has no connection, and what to do. */
export const UNREACHABLE =
  "this thread has no way to the compiler's; hand it what connectionForThread() gives, and call useConnection there";

let connection: ConnectionEnd | undefined;
/** What ended the thread, as far as this thread heard of it. */
let cause: unknown;
let numbers = 0;
/** Answers that came before somebody looked for them, by number. */
const answers = new Map<number, Answer>();
const cancelled = new Set<number>();

/** Two ends of a new connection to the thread of a state. */
function connectionEnds(state: ConnectionEnd["state"]): [ConnectionEnd, ConnectionEnd] {
  const { port1, port2 } = new MessageChannel();
  const count = new Int32Array(new SharedArrayBuffer(4));
  return [
    { port: port1, answers: count, state },
    { port: port2, answers: count, state },
  ];
}

/** Whether this thread has a way to the compiler's: the main thread, and those that were handed a connection. */
export function reachesCompiler(): boolean {
  return isMainThread || connection !== undefined;
}

function connected(): ConnectionEnd {
  connection ??= startThread();
  if (Atomics.load(connection.state, stateWord.ended) === 1) throw endedError();
  return connection;
}

function startThread(): ConnectionEnd {
  if (!isMainThread) throw new NeuroranError("COMPILER_UNREACHABLE", UNREACHABLE);
  const [own, other] = connectionEnds(
    new Int32Array(new SharedArrayBuffer(4 * Object.keys(stateWord).length)),
  );
  const worker = new Worker(new URL("./compiler-thread.js", import.meta.url), {
    workerData: other,
    transferList: [other.port],
  });
  worker.unref();
  const end = (): void => {
    Atomics.store(own.state, stateWord.ended, 1);
  };
  worker.on("error", (error) => {
    cause = error;
    end();
  });
  worker.on("exit", end);
  process.on("exit", () => stop(own));
  return own;
}

/** Lets the thread finish what it is at, and begin nothing more. */
function stop({ state }: ConnectionEnd): void {
  Atomics.store(state, stateWord.stop, 1);
  if (Atomics.load(state, stateWord.busy) === 1) Atomics.wait(state, stateWord.busy, 1, LONGEST_ORDER);
}

/** Whether nobody would hear of what is not wanted any more. */
function hasEnded(): boolean {
  const { state } = connection as ConnectionEnd;
  return Atomics.load(state, stateWord.ended) === 1 || Atomics.load(state, stateWord.stop) === 1;
}

function endedError(): NeuroranError {
  return new NeuroranError("COMPILER_ENDED", "the compiler's thread has ended: start the process again", {
    cause,
  });
}

function post(request: Request): void {
  const { port, state } = connected();
  if (Atomics.load(state, stateWord.stop) === 1) throw endedError();
  port.postMessage(request, request.kind === "connect" ? [request.end.port] : []);
}

/** A connection for another thread, to be handed to it with its port transferred; starts the compiler's thread. */
export function connectionForThread(): ConnectionEnd {
  const [own, other] = connectionEnds(connected().state);
  post({ kind: "connect", end: other });
  return own;
}

/** Makes this thread use a connection that it was handed. */
export function useConnection(end: ConnectionEnd): void {
  connection = end;
}

/** How many answers this thread was sent: as long as it stays the same, nothing that is pending has come. */
export function answerCount(): number {
  return connection === undefined ? 0 : Atomics.load(connection.answers, 0);
}

function hearAll({ port }: ConnectionEnd): void {
  for (let one = receiveMessageOnPort(port); one !== undefined; one = receiveMessageOnPort(port)) {
    const answer: Answer = one.message;
    if (!cancelled.delete(answer.number)) answers.set(answer.number, answer);
    else if ("code" in answer) drop(answer.code);
  }
}

function drop(code: Code): void {
  if (code.target === "llvm") releaseCode(code.symbol);
}

function take(number: number): Code | undefined {
  const end = connection as ConnectionEnd;
  hearAll(end);
  const answer = answers.get(number);
  if (answer === undefined) {
    if (Atomics.load(end.state, stateWord.ended) === 0) return undefined;
    throw endedError();
  }
  answers.delete(number);
  if ("error" in answer) throw reviveError(answer.error, "TARGET_FAILED");
  return "code" in answer ? answer.code : undefined;
}

function cancel(number: number): void {
  const answer = answers.get(number);
  if (answer === undefined) {
    if (hasEnded()) return;
    cancelled.add(number);
    post({ kind: "cancel", number });
  } else {
    answers.delete(number);
    if ("code" in answer) drop(answer.code);
  }
}

/** Orders code and goes on. */
export function orderCode(order: CodeOrder, awaited = false): PendingCode {
  const number = numbers++;
  post({ kind: "compile", number, awaited, order });
  return { take: () => take(number), cancel: () => cancel(number) };
}

/**
 * Orders code and waits for it; the thread stands still meanwhile.
 * @throws what compiling it throws; NeuroranError COMPILER_ENDED where no answer comes.
 */
export function awaitCode(order: CodeOrder): Code {
  const pending = orderCode(order, true);
  const { answers: count } = connected();
  const deadline = performance.now() + LONGEST_ORDER;
  for (;;) {
    const seen = Atomics.load(count, 0);
    const code = pending.take();
    if (code !== undefined) return code;
    const left = deadline - performance.now();
    if (left <= 0 || Atomics.wait(count, 0, seen, left) === "timed-out") throw endedError();
  }
}

/** Gives back what an order for the native target gave: its code must not be called any more. */
export function releaseCode(symbol: string): void {
  if (!hasEnded()) post({ kind: "release", symbol });
}
