import type { Random } from "../../system/index.js";

/** What a simulation does to the nodes and to what lies between them. */
export const faultKinds = [
  "crash",
  "crash within an event",
  "pause",
  "delay",
  "reorder",
  "duplicate",
  "drop",
  "partition",
  "one-way partition",
  "torn write",
  "unreported write",
  "full disk",
  "failed write",
  "slow disk",
  "clock jump",
  "clock drift",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** How often each kind took effect. */
export type FaultCounts = Record<FaultKind, number>;

export function noFaults(): FaultCounts {
  return Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as FaultCounts;
}

/** Which kinds a schedule may meet. */
export type FaultProfile = ReadonlySet<FaultKind>;

/**
 * A random subset of the kinds: schedules with few kinds come further than schedules with all, and find what the others
 * hide. One schedule of sixteen has none.
 */
export function drawProfile(random: Random): FaultProfile {
  if (random.integer(16) === 0) return new Set();
  const share = [0.25, 0.5, 0.75][random.integer(3)]!;
  return new Set(faultKinds.filter(() => random.next() < share));
}

/** Exponentially distributed. */
export function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random.next()) * mean;
}
