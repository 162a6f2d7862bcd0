/** The thread that compiles: one a process (invariants in protocol.ts). */
import { type MessagePort, workerData } from "node:worker_threads";
import { describeError } from "../../errors.js";
import { avoidProcessors, leasedProcessors } from "../../system/index.js";
import { openCodeCache } from "../code-cache.js";
import { createNativeStore, type NativeStore } from "../llvm/native-store.js";
import { createModuleStore } from "../wasm/module-store.js";
import {
  type Answer,
  type ConnectionEnd,
  type ModuleCode,
  type NativeCode,
  type Request,
  signalWord,
} from "./protocol.js";

type Compile = Extract<Request, { kind: "compile" }>;

interface Connection {
  readonly end: ConnectionEnd;
  /** Symbols of native code held, and how often. */
  readonly held: Map<string, number>;
}

/** The connection of the thread that started this one. */
const own = workerData as ConnectionEnd;

const cache = openCodeCache();
const modules = createModuleStore(cache);
let native: NativeStore | undefined;

const connections = new Set<Connection>();
const urgent: { connection: Connection; request: Compile }[] = [];
const others: typeof urgent = [];
let working = false;

async function codeOf({ order }: Compile, { held }: Connection): Promise<NativeCode | ModuleCode> {
  if (order.target === "wasm") return modules.codeOf(order);
  native ??= createNativeStore(cache);
  const code = await native.hold(order);
  held.set(code.symbol, (held.get(code.symbol) ?? 0) + 1);
  return code;
}

function answer({ end }: Connection, answered: Answer): void {
  end.port.postMessage(answered);
  Atomics.add(end.signal, signalWord.answers, 1);
  Atomics.notify(end.signal, signalWord.answers);
}

/** Says that an order is being done, unless none is to be any more. */
function begin(): boolean {
  Atomics.store(own.signal, signalWord.busy, 1);
  if (Atomics.load(own.signal, signalWord.stop) === 0) return true;
  finish();
  return false;
}

function finish(): void {
  Atomics.store(own.signal, signalWord.busy, 0);
  Atomics.notify(own.signal, signalWord.busy);
}

/** Does what waits, one order after the other; between two of them it hears what came. */
async function work(): Promise<void> {
  if (working) return;
  working = true;
  // Anew each time: slot threads come and go.
  avoidProcessors(leasedProcessors());
  for (
    let one = urgent.shift() ?? others.shift();
    one !== undefined;
    one = urgent.shift() ?? others.shift()
  ) {
    const { connection, request } = one;
    if (!begin()) return;
    try {
      const started = performance.now();
      const code = await codeOf(request, connection);
      const milliseconds = performance.now() - started;
      answer(connection, { number: request.number, code: { ...code, milliseconds } });
    } catch (error) {
      answer(connection, { number: request.number, error: describeError(error) });
    }
    finish();
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

function serve(end: ConnectionEnd): void {
  const connection: Connection = { end, held: new Map() };
  connections.add(connection);
  const port: MessagePort = end.port;
  port.on("message", (request: Request) => {
    if (request.kind === "connect") serve(request.end);
    else if (request.kind === "release") release(connection, request.symbol);
    else {
      (request.urgent ? urgent : others).push({ connection, request });
      void work();
    }
  });
  port.on("close", () => {
    connections.delete(connection);
    for (const [symbol, count] of connection.held) {
      for (let k = 0; k < count; k++) native?.release(symbol);
    }
  });
}

process.on("exit", () => {
  finish();
  for (const { end } of connections) {
    Atomics.store(end.signal, signalWord.ended, 1);
    Atomics.add(end.signal, signalWord.answers, 1);
    Atomics.notify(end.signal, signalWord.answers);
  }
});
serve(own);
