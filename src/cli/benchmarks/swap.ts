import { setTimeout } from "node:timers/promises";
import type { TargetName } from "../../compiler/index.js";
import { percentile } from "../../functions/index.js";
import type { Measurement } from "./measure.js";
import { type PacedSlot, pacedCase, startPacedReceiver } from "./paced-slots.js";

/** Slots of one phase of the run. */
export interface SwapMeasurement extends Measurement {
  /** Slots that found no free buffer, of the whole run. */
  readonly lost: number;
  /** Slots that took longer than a slot lasts. */
  readonly late: number;
  /** The longest that a slot was there, and those before it done, until it began. */
  readonly longestGap_ms: number;
}

/** The whole run. */
export interface SwapRun {
  readonly phases: readonly SwapMeasurement[];
  readonly swaps: readonly {
    readonly to: string;
    readonly slot: number;
    readonly prepare_ms: number;
    readonly kept: boolean;
  }[];
  readonly lost: number;
  /** Slots submitted, which were all done, and once each. */
  readonly slots: number;
  readonly processor: string;
  /** The longest that the thread which plays the radio was held up itself. */
  readonly longestStall_ms: number;
}

const phases = ["before", "while preparing", "on probation", "after"] as const;

/**
 * Receives slots in real time while the demapper is swapped to and fro: a quarter of the time before, a half with as many
 * swaps as there is time for, a quarter after.
 */
export async function benchmarkSwap(
  target: TargetName | undefined,
  seconds: number,
  seed: number,
): Promise<SwapRun> {
  const receiver = await startPacedReceiver(target, seed);
  const { executor, slot_ms } = receiver;
  try {
    // The engine compiles what runs every slot.
    await receiver.run(Math.min(2, seconds / 2), () => "warm-up");
    const before = executor.statistics();
    let phase: (typeof phases)[number] = "before";
    const swaps: SwapRun["swaps"][number][] = [];
    const swapping = (async () => {
      await setTimeout(250 * seconds);
      const until = performance.now() + 500 * seconds;
      for (let to = "log-map"; performance.now() < until; to = to === "log-map" ? "max-log" : "log-map") {
        phase = "while preparing";
        const { slot, prepare_ms, outcome } = await executor.swap({
          implementations: { demapping: to },
          fallback: { slots: 200 },
        });
        phase = "on probation";
        const { kept } = await outcome;
        swaps.push({ to, slot, prepare_ms, kept });
        phase = "after";
        while (executor.statistics().swapping !== "serving") await setTimeout(5);
        await setTimeout(100);
      }
    })();
    const [{ slots, lost, longestStall_ms }] = await Promise.all([
      receiver.run(seconds, () => phase),
      swapping,
    ]);
    const { completed, failed, processor, processorProblem } = executor.statistics();
    const all = completed - before.completed === slots.length && failed === 0;
    return {
      phases: phases.map((name) =>
        measurePhase(
          name,
          slots.filter((slot) => slot.phase === name),
          target,
          slot_ms,
          lost,
          all,
        ),
      ),
      swaps,
      lost,
      slots: slots.length,
      processor:
        processor === undefined ? `not pinned: ${processorProblem}` : `pinned to processor ${processor}`,
      longestStall_ms,
    };
  } finally {
    await receiver.close();
  }
}

function measurePhase(
  name: string,
  slots: readonly PacedSlot[],
  target: TargetName | undefined,
  slot_ms: number,
  lost: number,
  all: boolean,
): SwapMeasurement {
  const sorted = Float64Array.from(slots, ({ duration_ms }) => duration_ms).sort();
  return {
    benchmark: "swap",
    case: `${name}: ${pacedCase}`,
    target: target ?? "fastest",
    unit: "ms",
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
    n: slots.length,
    correct: all && slots.every(({ correct }) => correct),
    lost,
    late: slots.filter(({ duration_ms }) => duration_ms > slot_ms).length,
    longestGap_ms: slots.reduce((most, { gap_ms }) => Math.max(most, gap_ms), 0),
  };
}
