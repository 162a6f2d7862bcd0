import { type HttpAddress, postRequest } from "../load/http-connection.js";
import { measureLoad } from "../load/http-load.js";
import { type Measurement, timePercentiles } from "./measure.js";

/** A system that serves a keyed counter, and a chain that adds to three of them in turn. */
export interface InvokedSystem extends HttpAddress {
  /** With its version. */
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Path, in which {key} stands for a key, that takes `{ by }` and replies with the counter's new value. */
  readonly counter: string;
  /** The same of the chain, which takes `{ by, keys }` and replies with the sum of the counters' new values. */
  readonly chain: string;
  /** The process that keeps the state. */
  readonly processId: number;
}

/** A measurement of a system; `target` is its name, times are milliseconds. */
export interface InvocationMeasurement extends Measurement {
  readonly callsPerSecond: number;
}

export const concurrentClients = 64;

interface InvocationCase {
  readonly name: string;
  readonly clients: number;
  readonly chained: boolean;
}

/** What is measured, in this order. */
export const invocationCases: readonly InvocationCase[] = [
  { name: "counter, 1 client", clients: 1, chained: false },
  { name: "chain of three, 1 client", clients: 1, chained: true },
  { name: `counter, ${concurrentClients} clients`, clients: concurrentClients, chained: false },
];

/**
 * Calls over kept-alive connections, each client its own keys, the next call as soon as the last is answered.
 * @throws (rejections) as `measureLoad`
 */
export async function measureInvocation(
  system: InvokedSystem,
  { name, clients, chained }: InvocationCase,
  seconds: number,
  signal?: AbortSignal,
): Promise<InvocationMeasurement> {
  const by = 1;
  const load = Array.from({ length: clients }, (_, index) => {
    const key = `${chained ? "chain" : "client"}-${index}`;
    const keys = [1, 2, 3].map((link) => `${key}-${link}`);
    const path = (chained ? system.chain : system.counter).replace("{key}", key);
    const body = chained ? { by, keys } : { by };
    return {
      request: postRequest(system, path, system.headers, body),
      step: chained ? keys.length * by : by,
    };
  });
  const timing = await measureLoad({ address: system, clients: load, seconds, signal });
  return {
    benchmark: "invoke",
    case: name,
    target: system.name,
    ...timePercentiles(timing),
    // Of a system that miscounts there are no figures.
    correct: true,
    callsPerSecond: timing.callsPerSecond,
  };
}
