import { NeuroranError } from "../../errors.js";
import type { Timing } from "../benchmarks/measure.js";
import { type HttpAddress, type HttpConnection, openHttpConnection } from "./http-connection.js";
import type { HttpReply } from "./reply-reader.js";

/** A client that sends one request again and again, each as soon as the last is answered, over one connection. */
export interface LoadClient {
  /** The bytes of the request. */
  readonly request: Uint8Array;
  /** What the number in the reply rises by with every call. */
  readonly step: number;
}

export interface Load {
  readonly address: HttpAddress;
  readonly clients: readonly LoadClient[];
  /** Time of the measurement; a fifth goes before it as a warm-up that does not count. */
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a load measured. */
export interface LoadTiming extends Timing {
  readonly callsPerSecond: number;
}

const warmUpShare = 0.2;
const patience_ms = 10_000;

/**
 * Puts a server under load from the calling thread, which should do nothing else, and times every call from the request's
 * handing over to the whole reply. Every reply is checked: status 200, and a number that is higher than the last one of
 * this client by its step, so that a server that answers without counting cannot win.
 *
 * @throws NeuroranError LOAD_MISCOUNTED, CONNECTION_LOST, HTTP_MALFORMED, CONNECTION_TIMEOUT, INTERRUPTED (rejections)
 */
export async function measureLoad({ address, clients, seconds, signal }: Load): Promise<LoadTiming> {
  const begin = performance.now() + 1000 * seconds * warmUpShare;
  const end = begin + 1000 * seconds;
  const durations: number[] = [];
  const measured: (duration_ms: number) => void = (duration_ms) => durations.push(duration_ms);
  const runs = clients.map((client, index) => startClient({ address, client, index, begin, end, measured }));
  try {
    await Promise.race([Promise.all(runs.map(({ done }) => done)), interrupted(signal)]);
  } finally {
    for (const { stop } of runs) stop();
  }
  const sorted = Float64Array.from(durations).sort();
  return {
    sorted,
    mean: sorted.reduce((sum, duration) => sum + duration, 0) / sorted.length,
    callsPerSecond: sorted.length / seconds,
  };
}

/** Never resolves; rejects when the signal comes. */
function interrupted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(interruption());
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/** What a measurement is rejected with that the user ended. */
export function interruption(): NeuroranError {
  return new NeuroranError("INTERRUPTED", "The measurement was interrupted");
}

interface ClientRun {
  readonly address: HttpAddress;
  readonly client: LoadClient;
  readonly index: number;
  /** Calls that begin before do not count. */
  readonly begin: number;
  /** Calls that are answered later do not count. */
  readonly end: number;
  readonly measured: (duration_ms: number) => void;
}

function startClient(run: ClientRun): { done: Promise<void>; stop(): void } {
  const { address, client, index, begin, end, measured } = run;
  let connection: HttpConnection | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const done = new Promise<void>((resolve, reject) => {
    let sent = performance.now();
    let last: number | undefined;
    deadline = setTimeout(
      () => reject(new NeuroranError("CONNECTION_TIMEOUT", `Client ${index} waits for a reply in vain`)),
      end - sent + patience_ms,
    );
    connection = openHttpConnection(address, {
      reply(reply) {
        const now = performance.now();
        if (sent >= begin && now < end) measured(now - sent);
        const value = numberIn(reply);
        if (value === undefined || (last !== undefined && value !== last + client.step)) {
          reject(miscounted(index, reply, last, client.step));
          return;
        }
        last = value;
        if (now >= end) {
          resolve();
          return;
        }
        sent = performance.now();
        connection?.send(client.request);
      },
      lost: reject,
    });
    connection.send(client.request);
  });
  return {
    done,
    stop() {
      clearTimeout(deadline);
      connection?.close();
    },
  };
}

function numberIn({ status, body }: HttpReply): number | undefined {
  const value = Number(body.toString("latin1"));
  return status === 200 && body.length > 0 && Number.isFinite(value) ? value : undefined;
}

function miscounted(index: number, reply: HttpReply, last: number | undefined, step: number): NeuroranError {
  const wanted = last === undefined ? "a number" : String(last + step);
  const got = `status ${reply.status} and ${reply.body.toString("latin1", 0, 200)}`;
  return new NeuroranError("LOAD_MISCOUNTED", `Client ${index} wanted ${wanted} and got ${got}`);
}
