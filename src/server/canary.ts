/**
 * A model that is tried beside the implementation that a running flow of slots has.
 *
 * Invariants:
 * 1. The node decides, by what it counts: whoever asked for it need not stay.
 * 2. Until it is promoted, nothing of it is kept: a flow that is started anew, after a crash say, has the present
 *    implementation. When it is promoted, it is chosen again from then on.
 * 3. There is one of a flow at a time.
 */
import { setTimeout } from "node:timers/promises";
import { NeuroranError } from "../errors.js";
import type { RunningSlotFlow } from "../functions/slot-flows/index.js";
import { type ArmEvidence, type CanaryEvidence, type Verdict, verdictOf } from "./canary-verdict.js";

/** How a canary stands. */
export type CanaryPhase = "running" | "promoting" | "rolling back" | "promoted" | "rolled back" | "ended";

/** A canary as a node tells of it. */
export interface CanaryReport {
  readonly flow: string;
  readonly function: string;
  /** `name@version`. */
  readonly model: string;
  readonly share: number;
  readonly phase: CanaryPhase;
  /** Why it was promoted or rolled back; null as long as it was not. */
  readonly reason: string | null;
  /** Of the canary, after which it is decided. */
  readonly slots: number;
  readonly present: ArmReport;
  readonly canary: ArmReport;
  readonly deadline_ms: number | null;
  /** Slots of the flow that failed or were dropped since it began. */
  readonly lost: number;
}

/** One of both implementations. */
export type ArmReport = Omit<ArmEvidence, "lost"> & {
  /** Blocks that came, and those that were lost; null where the flow does not say what is. */
  readonly blocks: number | null;
  readonly blockErrors: number | null;
};

export interface CanaryStart {
  /** Function or node path. */
  readonly name: string;
  /** Directory of the model. */
  readonly path: string;
  readonly reference: string;
  readonly share: number;
  readonly slots: number;
}

export interface Canary {
  report(): CanaryReport;
  /** Decides by hand. Resolves when it is done. @throws NeuroranError CANARY_DECIDED */
  decide(verdict: Verdict): Promise<void>;
  /** Resolves when it is promoted, rolled back, or gone with its flow. */
  readonly ended: Promise<void>;
}

/** How often it is looked at what both did: to sort so many durations takes a while. */
const interval_ms = 200;
/** Slots in which a promoted implementation may return to both, as with any swap. */
const PROBATION_SLOTS = 100;

/**
 * Puts a model beside the implementation of a function, between two slots, and looks after it.
 * @param tell hears what becomes of it
 * @throws what `RunningSlotFlow.swap` throws, for a model that does not fit among it: then nothing has changed
 */
export async function startCanary(
  flow: RunningSlotFlow,
  { name, path, reference, share, slots }: CanaryStart,
  tell: (text: string) => void,
): Promise<Canary> {
  const present = presentOf(flow, name);
  await formerEnded(flow);
  const before = lostOf(flow);
  const { outcome } = await flow.swap({
    implementations: { [name]: { present, canary: path, share } },
    fallback: { slots: 1 },
  });
  let phase: CanaryPhase = "running";
  let reason: string | null = null;
  let latest = evidenceOf(flow, slots);
  let isOver = false;
  let deciding: Promise<void> | undefined;
  const say = (next: CanaryPhase, why: string | null = reason): void => {
    [phase, reason] = [next, why];
    tell(`canary ${reference} as ${name} of ${flow.flow.name}: ${next}${why === null ? "" : `, ${why}`}`);
  };
  say("running", null);
  flow.finished.then(
    () => (isOver = true),
    () => (isOver = true),
  );

  /** Chooses an implementation; waits while another swap is underway. Whether it stayed. */
  const choose = async (implementation: string): Promise<boolean> => {
    for (;;) {
      try {
        const swapped = await flow.swap({
          implementations: { [name]: implementation },
          fallback: { slots: PROBATION_SLOTS },
        });
        const ended = await Promise.race([swapped.outcome, flow.finished.then(() => undefined)]);
        return ended?.kept === true;
      } catch (error) {
        if ((error as NeuroranError).code !== "SWAP_UNDERWAY" || isOver) throw error;
        await setTimeout(interval_ms);
      }
    }
  };

  const act = async ({ promote, reason: why }: Verdict): Promise<void> => {
    latest = evidenceOf(flow, slots) ?? latest;
    say(promote ? "promoting" : "rolling back", why);
    try {
      if (!promote) {
        await choose(present);
        say("rolled back");
      } else if (await choose(path)) say("promoted");
      else {
        await choose(present);
        say("rolled back", "slots returned from it by themselves once it had all of them");
      }
    } catch (error) {
      say("ended", (error as Error).message);
    }
  };
  const decide = (verdict: Verdict): Promise<void> => {
    deciding ??= act(verdict);
    return deciding;
  };

  const look = async (): Promise<void> => {
    const kept = await Promise.race([outcome, flow.finished.then(() => undefined)]);
    if (kept?.kept === false)
      say("rolled back", `slots returned from both of them at once: ${kept.error?.message ?? kept.reason}`);
    while (phase === "running") {
      await setTimeout(interval_ms);
      if (isOver) {
        if (deciding === undefined)
          say("ended", "the flow has ended, or was started anew with what it had before");
        break;
      }
      if (deciding !== undefined) break;
      const now = evidenceOf(flow, slots);
      if (now === undefined) {
        // Slots have been handed over to it, or away from it.
        if (flow.statistics().executor.swapping === "serving")
          say("ended", "another implementation was chosen meanwhile");
        continue;
      }
      latest = now;
      const verdict = verdictOf(now);
      if (verdict !== undefined) void decide(verdict);
    }
    await deciding;
  };
  const ended = look().catch((error: Error) => say("ended", error.message));

  return {
    ended,
    async decide(verdict) {
      if (phase !== "running")
        throw new NeuroranError(
          "CANARY_DECIDED",
          `the canary is ${phase} already: ${reason ?? "wait for it"}`,
        );
      await decide(verdict);
    },
    report: () => ({
      flow: flow.flow.name,
      function: name,
      model: reference,
      share,
      phase,
      reason,
      slots,
      present: armReport(latest?.present, present),
      canary: armReport(latest?.canary, path),
      deadline_ms: latest?.deadline_ms ?? null,
      lost: lostOf(flow) - before,
    }),
  };
}

/** Waits while the thread that lost the slots in the swap before is ending, which takes seconds at most. */
async function formerEnded(flow: RunningSlotFlow): Promise<void> {
  while (flow.statistics().executor.swapping === "ending other") await setTimeout(interval_ms);
}

/** What is counted; undefined where nobody takes turns. */
function evidenceOf(flow: RunningSlotFlow, slots: number): CanaryEvidence | undefined {
  const { executor, blocks } = flow.statistics();
  const [counts] = executor.canaries;
  if (counts === undefined) return undefined;
  return {
    present: { ...counts.present, lost: blocks?.present },
    canary: { ...counts.canary, lost: blocks?.canary },
    deadline_ms: executor.pace?.deadline_ms ?? flow.flow.slotDuration_ms,
    slots,
  };
}

const noLatency = { durations: 0, p50_ms: 0, p99_ms: 0, p99Interval_ms: [0, 0] } as const;

function armReport(evidence: ArmEvidence | undefined, implementation: string): ArmReport {
  const nothing = { implementation, slots: 0, late: 0, notFinite: 0, unavailable: 0, failed: 0 };
  const none = { ...nothing, latency: noLatency, slotLatency: noLatency, lost: undefined };
  const { lost, ...counts } = evidence ?? none;
  return { ...counts, blocks: lost?.blocks ?? null, blockErrors: lost?.lost ?? null };
}

function lostOf(flow: RunningSlotFlow): number {
  const { failed, dropped } = flow.statistics().slots;
  return failed + dropped;
}

/** The implementation that a function or node has. @throws NeuroranError CANARY_UNDERWAY where it has two; IMPLEMENTATION_MISSING */
function presentOf(flow: RunningSlotFlow, name: string): string {
  const { implementations } = flow.statistics().executor;
  const found = implementations.filter((one) => one.path === name || one.function === name);
  const different = new Set(found.map(({ implementation }) => implementation));
  if (implementations.some(({ canary }) => canary !== undefined))
    throw new NeuroranError(
      "CANARY_UNDERWAY",
      `a canary of ${flow.flow.name} is underway: promote it, roll it back, or wait until it is decided`,
    );
  const [present] = different;
  if (present !== undefined && different.size === 1) return present;
  const there = implementations.map(({ path }) => path).join(", ");
  throw new NeuroranError(
    "IMPLEMENTATION_MISSING",
    `${flow.flow.name} has no one implementation of ${name}; name one of ${there}`,
  );
}
