import { percentile } from "../../functions/index.js";
import { createHttpCaller, type HttpCaller, postRequest } from "../load/http-connection.js";
import { timeCall } from "../load/key-sweep.js";
import type { InvokedSystem } from "./invoked-system.js";
import { type Measurement, timePercentiles } from "./measure.js";
import { withNode } from "./node-under-measurement.js";

const warmUpCalls = 500;
const activeCalls = 200;

/**
 * Times the first reply of a function that is deployed and was not called since its node started, once in each round, and, beside it, replies for new
 * keys of the same function once it is active. The node's other functions have served before, so that it is the function that is cold.
 * Both include one durable commit, over a connection that is open.
 */
export async function* benchmarkColdStart(rounds: number, signal: AbortSignal): AsyncGenerator<Measurement> {
  yield* withNode(["counters", "cold"], async function* (deployed) {
    const first: number[] = [];
    const active: number[] = [];
    let node = deployed;
    for (let round = 0; round < rounds; round++) {
      if (signal.aborted) return;
      node = await node.restart();
      const caller = createHttpCaller(node.system);
      await addOnce(caller, node.system, "counter", `warm-${round}`, warmUpCalls);
      first.push(...(await addOnce(caller, node.system, "cold", `first-${round}`, 1)));
      active.push(...(await addOnce(caller, node.system, "cold", `active-${round}`, activeCalls)));
      caller.close();
    }
    yield measurement("first reply", first);
    yield measurement("active", active);
  });
}

/** Adds one to new keys, one after the other. */
async function addOnce(
  caller: HttpCaller,
  system: InvokedSystem,
  name: string,
  prefix: string,
  count: number,
): Promise<number[]> {
  const durations: number[] = [];
  for (let index = 0; index < count; index++) {
    const path = `/functions/${name}/${prefix}-${index}/add`;
    durations.push(await timeCall(caller, postRequest(system, path, system.headers, { by: 1 }), 1));
  }
  return durations;
}

function measurement(name: string, durations: readonly number[]): Measurement {
  const sorted = Float64Array.from(durations).sort();
  return {
    benchmark: "cold-start",
    case: name,
    target: "NeuroRAN",
    ...timePercentiles({ sorted, mean: percentile(sorted, 0.5) }),
    correct: true,
  };
}
