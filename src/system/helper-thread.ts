/**
 * Threads that work for another one in native code which must not be interrupted: a thread that is terminated there takes the
 * process with it.
 *
 * Invariants:
 * 1. Nobody terminates a helper: it is told to stop, and ends by itself when its native call is over.
 * 2. A process ends when no helper is in a native call: a helper says that it is busy before it looks whether it is to stop,
 *    and who ends the process says stop before it looks who is busy.
 */
import { type MessagePort, Worker } from "node:worker_threads";

/** Words that a helper shares with those it works for, each on a cache line of its own. */
export const helperWord = {
  /** Raised whenever there is something to look at; a helper sleeps on it. */
  signal: 0,
  /** 1 when it is to end. */
  stop: 16,
  /** 1 as long as it is in a native call. */
  busy: 32,
  /** 1 when it is gone. */
  ended: 48,
} as const;

/** The first word that is not among them. */
export const HELPER_WORDS = 64;

export type HelperWords = Int32Array<SharedArrayBuffer>;

/** What a helper is started with, as its `workerData`. */
export interface HelperStart {
  readonly words: HelperWords;
  readonly port: MessagePort;
}

/** Milliseconds for which the end of a process waits for a native call. */
const LONGEST_CALL = 60_000;

/** Starts a thread of a module for the calling thread. `data.port` is handed over. */
export type HelperStarter = (module: string, data: HelperStart) => void;

const running = new Set<HelperWords>();
let starter: HelperStarter = startHelperHere;
let isExitHeard = false;

/** Makes helpers of this thread be started by another, which may end later than this one. */
export function useHelperStarter(other: HelperStarter): void {
  starter = other;
}

/** Starts a helper. It keeps no process alive. */
export function startHelper(module: string, data: HelperStart): void {
  starter(module, data);
}

/** Starts a helper that ends with the calling thread at the latest. */
export function startHelperHere(module: string, data: HelperStart): void {
  const { words, port } = data;
  const worker = new Worker(new URL(module), { workerData: data, transferList: [port] });
  worker.unref();
  running.add(words);
  const end = (): void => {
    running.delete(words);
    Atomics.store(words, helperWord.ended, 1);
    // Whatever somebody waits for will not come.
    for (let word = 0; word < words.length; word++) Atomics.notify(words, word);
  };
  worker.on("error", end);
  worker.on("exit", end);
  if (isExitHeard) return;
  isExitHeard = true;
  process.on("exit", () => {
    for (const one of running) stopHelper(one);
    for (const one of running) Atomics.wait(one, helperWord.busy, 1, LONGEST_CALL);
  });
}

/** Tells a helper to end when what it does is done. Harmless when repeated. */
export function stopHelper(words: HelperWords): void {
  Atomics.store(words, helperWord.stop, 1);
  wakeHelper(words);
}

/** Has a helper look. */
export function wakeHelper(words: HelperWords): void {
  Atomics.add(words, helperWord.signal, 1);
  Atomics.notify(words, helperWord.signal);
}

/** For helpers: runs a native call, unless the helper is to stop; undefined then. */
export async function whileBusy<T>(words: HelperWords, call: () => Promise<T>): Promise<T | undefined> {
  Atomics.store(words, helperWord.busy, 1);
  try {
    return Atomics.load(words, helperWord.stop) === 1 ? undefined : await call();
  } finally {
    Atomics.store(words, helperWord.busy, 0);
    Atomics.notify(words, helperWord.busy);
  }
}
