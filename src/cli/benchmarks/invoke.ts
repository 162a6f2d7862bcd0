import { measureFlushFloor } from "../../bus/index.js";
import { type InvocationMeasurement, invocationCases, measureInvocation } from "./invoked-system.js";
import { withNode } from "./node-under-measurement.js";
import { type Peer, startPeer } from "./peer.js";

/** A measurement beside the floor that held for it. */
export interface InvokeMeasurement extends InvocationMeasurement {
  /** Milliseconds that one durable commit took right before, at the median: to the node's store, without the node. */
  readonly floor_ms: number;
  /** The same as a flushed transaction of LMDB alone, which the store puts a log in front of. */
  readonly lmdbFloor_ms: number;
}

export interface InvokeOptions {
  /** Time for each case and system. */
  readonly seconds: number;
  /** Another system, measured in turn with this one. */
  readonly peer?: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Times durable invocations over HTTP: a keyed counter and a chain of three, of a node in a process of its own, and of a peer,
 * case by case, so that both meet the same machine.
 * @throws (rejections) as `measureLoad`, NeuroranError NODE_FAILED, DEPLOY_FAILED, PEER_FAILED
 */
export async function* benchmarkInvoke({
  seconds,
  peer,
  signal,
}: InvokeOptions): AsyncGenerator<InvokeMeasurement> {
  let other: Peer | undefined;
  try {
    if (peer !== undefined) other = await startPeer(peer, signal);
    yield* withNode(["counters"], async function* ({ data, system }) {
      for (const one of invocationCases) {
        for (const measured of other === undefined ? [system] : [system, other.system]) {
          if (signal.aborted) return;
          const { store, lmdb } = await measureFlushFloor(data);
          const timing = await measureInvocation(measured, one, seconds, signal);
          yield { ...timing, floor_ms: store.p50_ms, lmdbFloor_ms: lmdb.p50_ms };
        }
      }
    });
  } finally {
    await other?.stop();
  }
}
