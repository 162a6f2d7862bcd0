/**
 * The way to the compiler's thread, of which a process has one: the main thread starts it with the first order, and what
 * starts a worker thread gives it a connection. A worker thread without one starts a compiler of its own.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { NeuroranError, reviveError } from "../../errors.js";
import {
  type Answer,
  type Code,
  type CodeOrder,
  type ConnectionEnd,
  type Request,
  signalWord,
} from "./protocol.js";

/** Code that was ordered and may not be there yet. */
export interface PendingCode {
  /** The code once it is there. @throws what compiling it threw. */
  take(): Code | undefined;
}

/** Milliseconds. */
const LONGEST_ORDER = 30_000;

let connection: ConnectionEnd | undefined;
let numbers = 0;
/** Answers that came before somebody looked for them, by number. */
const answers = new Map<number, Answer>();

/** Two ends of a new connection. */
function connectionEnds(): [ConnectionEnd, ConnectionEnd] {
  const { port1, port2 } = new MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(4 * Object.keys(signalWord).length));
  return [
    { port: port1, signal },
    { port: port2, signal },
  ];
}

function connected(): ConnectionEnd {
  if (connection === undefined) {
    const [own, other] = connectionEnds();
    const worker = new Worker(new URL("./compiler-thread.js", import.meta.url), {
      workerData: other,
      transferList: [other.port],
    });
    worker.unref();
    // What ended it is said to those who wait, by the signal.
    worker.on("error", () => {});
    process.on("exit", () => stop(own));
    connection = own;
  }
  return connection;
}

/** Lets the thread finish what it is at, and begin nothing more. */
function stop({ signal }: ConnectionEnd): void {
  Atomics.store(signal, signalWord.stop, 1);
  if (Atomics.load(signal, signalWord.busy) === 1) Atomics.wait(signal, signalWord.busy, 1, LONGEST_ORDER);
}

function post(request: Request): void {
  const transfer = request.kind === "connect" ? [request.end.port] : [];
  connected().port.postMessage(request, transfer);
}

/** A connection for another thread, to be handed to it with its port transferred; starts the compiler's thread. */
export function connectionForThread(): ConnectionEnd {
  const [own, other] = connectionEnds();
  post({ kind: "connect", end: other });
  return own;
}

/** Makes this thread use a connection that it was handed. */
export function useConnection(end: ConnectionEnd): void {
  connection = end;
}

function hearAll({ port }: ConnectionEnd): void {
  for (let one = receiveMessageOnPort(port); one !== undefined; one = receiveMessageOnPort(port)) {
    const answer: Answer = one.message;
    answers.set(answer.number, answer);
  }
}

function take(number: number): Code | undefined {
  const end = connected();
  hearAll(end);
  const answer = answers.get(number);
  if (answer === undefined) {
    if (Atomics.load(end.signal, signalWord.ended) === 0) return undefined;
    throw new NeuroranError("COMPILER_ENDED", "the compiler's thread has ended: start the process again");
  }
  answers.delete(number);
  if ("error" in answer) throw reviveError(answer.error, "TARGET_FAILED");
  return answer.code;
}

/** Orders code and goes on. */
export function orderCode(order: CodeOrder, urgent = false): PendingCode {
  const number = numbers++;
  post({ kind: "compile", number, urgent, order });
  return { take: () => take(number) };
}

/** Orders code and waits for it; the thread stands still meanwhile. @throws what compiling it throws. */
export function awaitCode(order: CodeOrder): Code {
  const pending = orderCode(order, true);
  const { signal } = connected();
  for (;;) {
    const seen = Atomics.load(signal, signalWord.answers);
    const code = pending.take();
    if (code !== undefined) return code;
    Atomics.wait(signal, signalWord.answers, seen);
  }
}

/** Gives back what an order for the native target gave: its code must not be called any more. */
export function releaseCode(symbol: string): void {
  post({ kind: "release", symbol });
}
