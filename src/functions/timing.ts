import type { Region } from "./arena.js";
import { percentile } from "./percentile.js";
import type { Tensor } from "./tensor.js";

/** How many of the latest durations are kept of each function; a power of two. */
const kept = 4096;

/**
 * Durations of a flow's functions in shared memory, so that another thread can sum them up while slots run.
 * Row i belongs to function i; the last row to whole slots.
 */
export interface TimingTensors {
  /** float64 [row]: how often each was measured. */
  readonly counts: Pick<Tensor<"float64">, "view">;
  /** float64 [row][4096]: the latest durations in milliseconds, the oldest overwritten first. */
  readonly durations: Pick<Tensor<"float64">, "view">;
}

/** A summary of the latest 4096 durations of one function, in milliseconds; zeros before the first slot. */
export interface Timing {
  /** The function's path in its flow, or "slot" for the whole. */
  readonly name: string;
  /** Slots measured in all. */
  readonly count: number;
  readonly last: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Timings for `rows` functions in `region`. */
export function allocateTimings(
  region: Region,
  rows: number,
): { counts: Tensor<"float64">; durations: Tensor<"float64"> } {
  return {
    counts: region.tensor("timing counts", "float64", [rows]),
    durations: region.tensor("timing durations", "float64", [rows, kept]),
  };
}

/**
 * Adds the time from `times[begin]` to `times[end]`, in milliseconds, to row `row`. It takes them where they lie, as a
 * number that is handed over may be allocated.
 */
export function recordDuration(
  timings: TimingTensors,
  row: number,
  times: Float64Array,
  begin: number,
  end: number,
): void {
  const count = timings.counts.view[row];
  timings.durations.view[row * kept + (count & (kept - 1))] = times[end] - times[begin];
  timings.counts.view[row] = count + 1;
}

/** The latest 4096 durations of a row with what the 99th percentile is known to; milliseconds, zeros of none. */
export interface Latency {
  /** How many they are. */
  readonly durations: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** The 95 % interval of the 99th percentile, by order statistics. */
  readonly p99Interval_ms: readonly [low: number, high: number];
}

/** Of a normal distribution, 95 % lies within so many standard deviations. */
const DEVIATIONS = 1.96;

export function latencyOf({ counts, durations }: TimingTensors, row: number): Latency {
  const count = Math.min(counts.view[row], kept);
  const latest = durations.view.slice(row * kept, row * kept + count).sort();
  const at = (share: number): number => percentile(latest, Math.max(0, Math.min(1, share)));
  // How many of so many durations exceed a percentile is binomial.
  const half = count === 0 ? 0 : DEVIATIONS * Math.sqrt((0.99 * 0.01) / count);
  return {
    durations: count,
    p50_ms: at(0.5),
    p99_ms: at(0.99),
    p99Interval_ms: [at(0.99 - half), at(0.99 + half)],
  };
}

/** The summary of every row, named in order. */
export function summarizeTimings(timings: TimingTensors, names: readonly string[]): Timing[] {
  return names.map((name, row) => {
    const count = timings.counts.view[row];
    const begin = row * kept;
    const last = count === 0 ? 0 : timings.durations.view[begin + ((count - 1) & (kept - 1))];
    const latest = timings.durations.view.slice(begin, begin + Math.min(count, kept)).sort();
    const [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1].map((share) => percentile(latest, share));
    return { name, count, last, p50, p90, p99, max };
  });
}
