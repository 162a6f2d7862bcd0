/** Whether a canary takes the place of the present implementation, by what both did with their slots. */
import type { ArmCounts } from "../functions/index.js";
import type { BlockCounts } from "../functions/slot-flows/index.js";
import { wilsonInterval } from "../neural/measured.js";

/** What is known of one of both. */
export interface ArmEvidence extends ArmCounts {
  /** Undefined where the flow does not say what is lost. */
  readonly lost: BlockCounts | undefined;
}

export interface CanaryEvidence {
  readonly present: ArmEvidence;
  readonly canary: ArmEvidence;
  /** By when a slot must be done; undefined where it may take any time. */
  readonly deadline_ms: number | undefined;
  /** Slots of the canary after which it is decided. */
  readonly slots: number;
}

export interface Verdict {
  readonly promote: boolean;
  /** A sentence's end: why. */
  readonly reason: string;
}

/** Slots of the canary before which nothing is said against it but that it threw. */
const LEAST_SLOTS = 20;
/** Of early decisions, which look again and again: the chance of a wrong one is 3 in 100,000 each time, not 1 in 40. */
const EARLY_DEVIATIONS = 4;

/**
 * The verdict, undefined as long as there is none. A canary is rolled back
 * 1. as soon as it has thrown;
 * 2. as soon as it loses blocks, or falls back, in a larger share of its slots than the present one, by intervals of four
 *    standard deviations that do not meet; at the end, by 95 % intervals;
 * 3. as soon as half of its slots are done behind the deadline, at the end where its p99 leaves no room there; in either case
 *    only where it takes longer than the present one, by 95 % intervals of both p99 that do not meet.
 *
 * Otherwise it is promoted at the end: what is as good as the present one is, too.
 */
export function verdictOf(evidence: CanaryEvidence): Verdict | undefined {
  const { canary, slots } = evidence;
  if (canary.failed > 0)
    return { promote: false, reason: `it threw in ${canary.failed} slots, which the present one computed` };
  const isOver = canary.slots >= slots;
  if (!isOver && canary.slots < LEAST_SLOTS) return undefined;
  const worse = isWorse(evidence, isOver);
  if (worse !== undefined) return { promote: false, reason: worse };
  if (!isOver) return undefined;
  return { promote: true, reason: `nothing is worse outside of 95 % intervals after ${canary.slots} slots` };
}

function isWorse({ present, canary, deadline_ms }: CanaryEvidence, isOver: boolean): string | undefined {
  const deviations = isOver ? undefined : EARLY_DEVIATIONS;
  if (present.lost !== undefined && canary.lost !== undefined) {
    const before = { count: present.lost.lost, of: present.lost.blocks };
    const now = { count: canary.lost.lost, of: canary.lost.blocks };
    if (exceeds(now, before, deviations))
      return `it lost ${shares(now)} of its blocks, the present one ${shares(before)}`;
  }
  const before = { count: fallbacksOf(present), of: present.slots };
  const now = { count: fallbacksOf(canary), of: canary.slots };
  if (exceeds(now, before, deviations))
    return `it fell back in ${shares(now)} of its slots, the present one in ${shares(before)}`;
  const [own, theirs] = [canary.slotLatency, present.slotLatency];
  if (deadline_ms === undefined || own.durations < LEAST_SLOTS) return undefined;
  const isSlower = own.p99Interval_ms[0] > theirs.p99Interval_ms[1];
  const isLate = isOver ? own.p99Interval_ms[0] > deadline_ms : own.p50_ms > deadline_ms;
  if (!isSlower || !isLate) return undefined;
  const [what, time, other] = isOver
    ? ["p99", own.p99_ms, theirs.p99_ms]
    : ["median", own.p50_ms, theirs.p50_ms];
  return `its slots take ${ms(time)} (${what}; the present one's ${ms(other)}), which leaves no room in the deadline of ${ms(deadline_ms)}`;
}

interface Share {
  readonly count: number;
  readonly of: number;
}

/** Whether one share is above another, by intervals that do not meet. */
function exceeds(one: Share, other: Share, deviations: number | undefined): boolean {
  if (one.of === 0 || other.of === 0) return false;
  const [low] = wilsonInterval(one.count, one.of, deviations);
  const [, high] = wilsonInterval(other.count, other.of, deviations);
  return low > high;
}

function fallbacksOf({ late, notFinite, unavailable }: ArmCounts): number {
  return late + notFinite + unavailable;
}

function shares({ count, of }: Share): string {
  return `${count} of ${of}`;
}

function ms(time: number): string {
  return `${Number(time.toPrecision(3))} ms`;
}
