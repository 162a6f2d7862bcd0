/** The thread that compiles: one a process (invariants in protocol.ts). */
import { workerData } from "node:worker_threads";
import { describeError } from "../../errors.js";
import { avoidProcessors, leasedProcessors } from "../../system/index.js";
import { openCodeCache } from "../code-cache.js";
import { createNativeStore, type NativeStore } from "../llvm/native-store.js";
import { packageVersion } from "../package-version.js";
import { createModuleStore } from "../wasm/module-store.js";
import {
  type Answer,
  type ConnectionEnd,
  type ModuleCode,
  type NativeCode,
  type Request,
  stateWord,
} from "./protocol.js";

type Compile = Extract<Request, { kind: "compile" }>;

interface Connection {
  readonly end: ConnectionEnd;
  /** Symbols of native code held, and how often. */
  readonly held: Map<string, number>;
  closed: boolean;
}

interface Queued {
  readonly connection: Connection;
  readonly request: Compile;
}

/**
 * Milliseconds after an order that somebody waited for in which nothing is begun that nobody waits for: who prepares a
 * variant gives one such order after the other, and what is begun cannot be interrupted.
 */
const LINGER = 20;

/** The connection to the main thread, which started this one. */
const mainEnd = workerData as ConnectionEnd;
const { state } = mainEnd;

// Before this program's files may change.
packageVersion();
const cache = openCodeCache();
const modules = createModuleStore(cache);
let native: NativeStore | undefined;

const connections = new Set<Connection>();
const awaited: Queued[] = [];
/** The newest is done first: it is the likeliest to be still wanted. */
const background: Queued[] = [];
let working = false;
let lastAwaited = Number.NEGATIVE_INFINITY;
/** Ends a pause. */
let wake: () => void = () => {};
/** The processors of slot threads when this thread was last kept off them. */
let avoided = "";

function holdOnce({ held }: Connection, symbol: string): void {
  held.set(symbol, (held.get(symbol) ?? 0) + 1);
}

async function codeOf({ order }: Compile, connection: Connection): Promise<NativeCode | ModuleCode> {
  if (order.target === "wasm") return modules.codeOf(order);
  native ??= createNativeStore(cache);
  const code = await native.hold(order);
  if (connection.closed) native.release(code.symbol);
  else holdOnce(connection, code.symbol);
  return code;
}

function answer({ end }: Connection, answered: Answer): void {
  end.port.postMessage(answered);
  raiseAnswers(end);
}

function raiseAnswers({ answers }: ConnectionEnd): void {
  Atomics.add(answers, 0, 1);
  Atomics.notify(answers, 0);
}

/** Says that an order is being done, unless none is to be any more. */
function begin(): boolean {
  Atomics.store(state, stateWord.busy, 1);
  if (Atomics.load(state, stateWord.stop) === 0) return true;
  finish();
  return false;
}

function finish(): void {
  Atomics.store(state, stateWord.busy, 0);
  Atomics.notify(state, stateWord.busy);
}

/** Slot threads come and go: this one keeps off the processors that they have now. */
function keepOffSlots(): void {
  const leased = leasedProcessors();
  if (leased.join() === avoided) return;
  avoided = leased.join();
  avoidProcessors(leased);
}

/** Until the time for orders that nobody waits for has come, or somebody gives another. */
function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

async function nextOrder(): Promise<Queued | undefined> {
  const wait = lastAwaited + LINGER - performance.now();
  if (awaited.length === 0 && background.length > 0 && wait > 0) await pause(wait);
  return awaited.shift() ?? background.pop();
}

/** Does what waits, one order after the other; between two of them it hears what came. */
async function work(): Promise<void> {
  if (working) return;
  working = true;
  for (let one = await nextOrder(); one !== undefined; one = await nextOrder()) {
    const { connection, request } = one;
    if (!begin()) return;
    try {
      keepOffSlots();
      const started = performance.now();
      const code = await codeOf(request, connection);
      const milliseconds = performance.now() - started;
      answer(connection, { number: request.number, code: { ...code, milliseconds } });
    } catch (error) {
      answer(connection, { number: request.number, error: describeError(error) });
    }
    finish();
    if (request.awaited) lastAwaited = performance.now();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  working = false;
}

function release({ held }: Connection, symbol: string): void {
  const count = held.get(symbol) ?? 0;
  if (count === 0) return;
  if (count === 1) held.delete(symbol);
  else held.set(symbol, count - 1);
  native?.release(symbol);
}

function cancel(connection: Connection, number: number): void {
  const index = background.findIndex((one) => one.connection === connection && one.request.number === number);
  // What is being done is answered as usual.
  if (index < 0) return;
  background.splice(index, 1);
  answer(connection, { number, cancelled: true });
}

function close(connection: Connection): void {
  connection.closed = true;
  connections.delete(connection);
  for (const queue of [awaited, background]) {
    const others = queue.filter((one) => one.connection !== connection);
    queue.splice(0, queue.length, ...others);
  }
  for (const [symbol, count] of connection.held) {
    for (let k = 0; k < count; k++) native?.release(symbol);
  }
}

function serve(end: ConnectionEnd): void {
  const connection: Connection = { end, held: new Map(), closed: false };
  connections.add(connection);
  end.port.on("message", (request: Request) => {
    switch (request.kind) {
      case "connect":
        serve(request.end);
        break;
      case "release":
        release(connection, request.symbol);
        break;
      case "cancel":
        cancel(connection, request.number);
        break;
      case "compile":
        (request.awaited ? awaited : background).push({ connection, request });
        if (request.awaited) wake();
        void work();
        break;
    }
  });
  end.port.on("close", () => close(connection));
}

process.on("exit", () => {
  finish();
  Atomics.store(state, stateWord.ended, 1);
  for (const { end } of connections) raiseAnswers(end);
});
serve(mainEnd);
