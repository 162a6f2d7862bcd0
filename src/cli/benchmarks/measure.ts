import { percentile } from "../../functions/index.js";

/** What a benchmark tells of one case; the first nine fields are the same in every benchmark. */
export interface Measurement {
  readonly benchmark: string;
  readonly case: string;
  readonly target: string;
  readonly unit: "Mbit/s" | "ms";
  /** The value that half of the calls reached or bettered; for a rate that is "at least", for a time "at most". */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** The largest value measured. */
  readonly max: number;
  /** Measured calls. */
  readonly n: number;
  /** False where what was decoded is not what was sent: then the figures mean nothing. */
  readonly correct: boolean;
}

export interface Timing {
  /** Milliseconds of each call, ascending. */
  readonly sorted: Float64Array;
  /** Milliseconds of each call on average, all included. */
  readonly mean: number;
}

const warmUpShare = 0.2;
const leastCalls = 20;

/**
 * Calls `run` for about `seconds`, after a warm-up that does not count, and times every call. Between calls `rest`
 * restores what a call consumes, untimed.
 */
export function timeCalls(run: () => void, seconds: number, rest?: () => void): Timing {
  const warm = performance.now() + 1000 * seconds * warmUpShare;
  do {
    rest?.();
    run();
  } while (performance.now() < warm);

  const durations: number[] = [];
  let total = 0;
  const end = performance.now() + 1000 * seconds * (1 - warmUpShare);
  while (durations.length < leastCalls || performance.now() < end) {
    rest?.();
    const begin = performance.now();
    run();
    const duration = performance.now() - begin;
    durations.push(duration);
    total += duration;
  }
  return { sorted: Float64Array.from(durations).sort(), mean: total / durations.length };
}

/** Percentiles of durations, in milliseconds. */
export function timePercentiles({ sorted }: Timing) {
  return {
    unit: "ms" as const,
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
    n: sorted.length,
  };
}

/** Percentiles of the rate, in Mbit/s, at which each call processed `bits`: slow calls make the high percentiles. */
export function ratePercentiles({ sorted }: Timing, bits: number) {
  const rate = (milliseconds: number): number => bits / (1000 * milliseconds);
  return {
    unit: "Mbit/s" as const,
    p50: rate(percentile(sorted, 0.5)),
    p90: rate(percentile(sorted, 0.9)),
    p99: rate(percentile(sorted, 0.99)),
    max: rate(sorted[0]!),
    n: sorted.length,
  };
}
