import { setTimeout } from "node:timers/promises";
import type { TargetName } from "../../compiler/index.js";
import { measurePhase, type PhaseMeasurement, startPacedReceiver } from "./paced-slots.js";

/** The whole run. */
export interface SwapRun {
  readonly phases: readonly PhaseMeasurement[];
  readonly swaps: readonly {
    readonly to: string;
    readonly slot: number;
    readonly prepare_ms: number;
    /** How long the first slot of the new implementation was there, and those before it done, until it began. */
    readonly gap_ms: number;
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
    const swaps: Omit<SwapRun["swaps"][number], "gap_ms">[] = [];
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
    const run = await receiver.run(seconds, () => phase, swapping);
    await swapping;
    const { slots, lost, longestStall_ms } = run;
    const { completed, failed, processor, processorProblem, realTimeProblem } = executor.statistics();
    const all = completed - before.completed === slots.length && failed === 0;
    return {
      phases: phases.map((name) => measurePhase("swap", name, run, target, slot_ms, all)),
      swaps: swaps.map((swap) => ({
        ...swap,
        gap_ms: slots[swap.slot - before.completed]?.gap_ms ?? Number.NaN,
      })),
      lost: lost.length,
      slots: slots.length,
      processor: `${processor === undefined ? `not pinned: ${processorProblem}` : `pinned to processor ${processor}`}, ${realTimeProblem === undefined ? "at real-time priority" : `without real-time priority: ${realTimeProblem}`}`,
      longestStall_ms,
    };
  } finally {
    await receiver.close();
  }
}
