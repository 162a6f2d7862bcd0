import type { CompiledKernel, Kernel, Target } from "../../compiler/index.js";
import { percentile } from "../../functions/index.js";
import type { SampleCall } from "../../transceiver/sample-arguments.js";

/** Nanoseconds of a call from JavaScript. */
export interface CallTime {
  /** Half of the batches of calls took at most so long. */
  readonly median: number;
  /** The same of a kernel that takes the same arguments and does nothing. */
  readonly idle: number;
}

/** Shorter than this, a batch of calls would be lost in the clock's own time. */
const batchNanoseconds = 20_000;
const leastBatches = 15;

/** Times a kernel, compiled by a target, for about `seconds` after a warm-up. */
export function timeKernel(
  target: Target,
  compiled: CompiledKernel,
  given: Kernel,
  call: SampleCall,
  seconds: number,
): CallTime {
  const idle = target.compile(idleKernel(given), call.memory);
  return {
    median: medianOf(compiled.bind(undefined, ...call.arguments), 0.8 * seconds),
    idle: medianOf(idle.bind(undefined, ...call.arguments), 0.2 * seconds),
  };
}

function idleKernel({ name, arguments: taken }: Kernel): Kernel {
  return {
    name: `idle_${name}`,
    arguments: taken,
    body: { arguments: [], operations: [] },
    result: undefined,
  };
}

/** The median of batches, a fifth of the time being warm-up. */
function medianOf(run: () => unknown, seconds: number): number {
  const batch = (count: number): number => {
    const begin = process.hrtime.bigint();
    for (let k = 0; k < count; k++) run();
    return Number(process.hrtime.bigint() - begin);
  };
  let count = 1;
  const warm = performance.now() + 200 * seconds;
  do {
    if (batch(count) < batchNanoseconds) count *= 2;
  } while (performance.now() < warm);
  const durations: number[] = [];
  const end = performance.now() + 800 * seconds;
  while (durations.length < leastBatches || performance.now() < end) durations.push(batch(count) / count);
  return percentile(Float64Array.from(durations).sort(), 0.5);
}
