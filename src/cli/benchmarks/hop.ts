import { memoryStore } from "../../bus/index.js";
import { type Deployment, startFlow } from "../../functions/flows/index.js";
import { elements, warmUp } from "./hop-flow.js";
import { type Measurement, timePercentiles } from "./measure.js";

interface HopCase {
  readonly name: string;
  readonly deployment: Deployment;
  /** Between two messages. */
  readonly pause_us: number;
  readonly messages: (seconds: number) => number;
}

const apart: Deployment = { workers: 2, firstWorker: { receiving: 1 } };
const cases: readonly HopCase[] = [
  { name: "same worker", deployment: {}, pause_us: 0, messages: (seconds) => 50_000 * seconds },
  // Before a thread has spun for long enough to sleep.
  { name: "across workers, awake", deployment: apart, pause_us: 25, messages: (seconds) => 10_000 * seconds },
  { name: "across workers, asleep", deployment: apart, pause_us: 1000, messages: (seconds) => 400 * seconds },
];

/**
 * The time from the call that emits a message of 4 kB to the call of the keyed operator that takes it: in the same thread
 * finding its state; between threads encoding, ring, waking and decoding as well. Not measured: what waits in a ring that is full.
 */
export async function* benchmarkHop(seconds: number, signal?: AbortSignal): AsyncGenerator<Measurement> {
  for (const one of cases) {
    if (signal?.aborted) return;
    yield await measureCase(one, seconds);
  }
}

async function measureCase(one: HopCase, seconds: number): Promise<Measurement> {
  const count = warmUp + Math.max(20, Math.round(one.messages(seconds)));
  const flow = await startFlow({
    module: new URL(`./hop-flow.js?count=${count}&pause=${one.pause_us}`, import.meta.url),
    name: "hop",
    store: memoryStore(),
    deployment: one.deployment,
    // No epoch while it measures.
    epochInterval_ms: 3_600_000,
  });
  await flow.finished;
  const [result] = flow.output("results").read(0, 1) as {
    message: { hops: Float64Array; sum: number };
  }[];
  let sum = 0;
  for (let number = 0; number < count; number++) sum += number % elements;
  const measured = result.message.hops.subarray(warmUp).sort();
  const mean = measured.reduce((total, duration) => total + duration, 0) / measured.length;
  return {
    benchmark: "hop",
    case: one.name,
    target: "threads",
    ...timePercentiles({ sorted: measured, mean }),
    correct: sum === result.message.sum,
  };
}
