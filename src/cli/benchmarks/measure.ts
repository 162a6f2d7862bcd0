import { percentile } from "../../functions/index.js";
import { openClock } from "../../system/index.js";

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
 * restores what a call consumes, untimed. Nothing is allocated in between, so that no garbage is collected that `run` did
 * not make.
 */
export function timeCalls(run: () => void, seconds: number, rest?: () => void): Timing {
  const readClock = openClock();
  const [start, now, begin] = [0, 1, 2];
  const times = new Float64Array(3);
  const warmUp_ms = 1000 * seconds * warmUpShare;
  readClock(times, start);
  do {
    rest?.();
    run();
    readClock(times, now);
  } while (times[now]! - times[start]! < warmUp_ms);

  let durations = new Float64Array(1 << 16);
  let count = 0;
  readClock(times, start);
  while (count < leastCalls || times[now]! - times[start]! < 1000 * seconds - warmUp_ms) {
    rest?.();
    readClock(times, begin);
    run();
    readClock(times, now);
    if (count === durations.length) {
      const more = new Float64Array(2 * count);
      more.set(durations);
      durations = more;
    }
    durations[count++] = times[now]! - times[begin]!;
  }
  const sorted = durations.slice(0, count).sort();
  return { sorted, mean: sorted.reduce((sum, duration) => sum + duration, 0) / count };
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
