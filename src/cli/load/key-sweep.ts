import { NeuroranError } from "../../errors.js";
import { createHttpCaller, type HttpAddress, type HttpCaller } from "./http-connection.js";
import { interruption } from "./http-load.js";

/** One call for each of several keys. */
export interface KeySweep {
  readonly address: HttpAddress;
  readonly count: number;
  /** Connections that share the calls. */
  readonly connections: number;
  /** The bytes of the call of an index. */
  request(index: number): Uint8Array;
  /** The number that every call must reply. */
  readonly reply: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes all calls, as fast as the connections answer.
 * @returns milliseconds of each, ascending. @throws NeuroranError LOAD_MISCOUNTED, CONNECTION_LOST, INTERRUPTED (rejections)
 */
export async function sweepKeys(sweep: KeySweep): Promise<Float64Array> {
  const { address, count, connections } = sweep;
  const durations = new Float64Array(count);
  const callers = Array.from({ length: connections }, () => createHttpCaller(address));
  let next = 0;
  const callOn = async (caller: HttpCaller): Promise<void> => {
    while (next < count) {
      if (sweep.signal?.aborted) throw interruption();
      const index = next++;
      durations[index] = await timeCall(caller, sweep.request(index), sweep.reply);
    }
  };
  try {
    await Promise.all(callers.map(callOn));
  } finally {
    for (const caller of callers) caller.close();
  }
  return durations.sort();
}

/**
 * Milliseconds until the reply, which must be the number.
 * @throws NeuroranError LOAD_MISCOUNTED, and as `HttpCaller.call` (rejections)
 */
export async function timeCall(caller: HttpCaller, request: Uint8Array, wanted: number): Promise<number> {
  const sent = performance.now();
  const { status, body } = await caller.call(request);
  const duration_ms = performance.now() - sent;
  const text = body.toString("latin1");
  if (status === 200 && text !== "" && Number(text) === wanted) return duration_ms;
  throw new NeuroranError(
    "LOAD_MISCOUNTED",
    `A call wanted ${wanted} and got ${status}: ${text.slice(0, 200)}`,
  );
}
