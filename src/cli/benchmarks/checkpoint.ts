import { setTimeout } from "node:timers/promises";
import type { TargetName } from "../../compiler/index.js";
import { measurePhase, type PhaseMeasurement, startPacedReceiver } from "./paced-slots.js";
import { sessionBytes } from "./stamped-uplink.js";

/** The whole run. */
export interface CheckpointRun {
  readonly phases: readonly PhaseMeasurement[];
  readonly checkpoints: readonly {
    readonly slot: number;
    readonly bytes: number;
    readonly milliseconds: number;
  }[];
  readonly lost: number;
  readonly slots: number;
  /** By how much the 99th percentile of slots during copies exceeds that of the others; 0.1 is 10 %. */
  readonly p99Rise: number;
  /** The same of the time that the slots' thread was on a processor. */
  readonly ownP99Rise: number;
  readonly processor: string;
  readonly longestStall_ms: number;
}

/** 100 MB. */
const sessions = Math.ceil(1e8 / sessionBytes);
const phases = ["without a checkpoint", "while state is copied"] as const;

/**
 * Receives slots in real time, each of which writes a session of 64 kB in turn, 100 MB in all, and takes a checkpoint every
 * 1.2 seconds: by then all of it has changed.
 */
export async function benchmarkCheckpoint(
  target: TargetName | undefined,
  seconds: number,
  seed: number,
): Promise<CheckpointRun> {
  const receiver = await startPacedReceiver(target, seed, sessions);
  const { executor, slot_ms } = receiver;
  try {
    // The engine compiles what runs every slot, and every session has been written.
    await receiver.run(2, () => "warm-up");
    (await executor.checkpoint()).stored();
    const before = executor.statistics();
    let phase: (typeof phases)[number] = "without a checkpoint";
    const checkpoints: CheckpointRun["checkpoints"][number][] = [];
    const checkpointing = (async () => {
      const until = performance.now() + 1000 * seconds - 500;
      for (await setTimeout(1000); performance.now() < until; await setTimeout(1000)) {
        phase = "while state is copied";
        const begin = performance.now();
        const { slot, parts, stored } = await executor.checkpoint();
        const milliseconds = performance.now() - begin;
        phase = "without a checkpoint";
        let bytes = 0;
        for (const part of parts)
          for (const one of part.kind === "tensor" ? [part.bytes] : Object.values(part.bytes))
            bytes += one.length;
        stored();
        checkpoints.push({ slot, bytes, milliseconds });
      }
    })();
    const run = await receiver.run(seconds, () => phase, checkpointing);
    await checkpointing;
    const { slots, lost, longestStall_ms } = run;
    const { completed, failed, processor, processorProblem, realTimeProblem } = executor.statistics();
    const all = completed - before.completed === slots.length && failed === 0;
    const measured = phases.map((name) => measurePhase("checkpoint", name, run, target, slot_ms, all));
    return {
      phases: measured,
      checkpoints,
      lost: lost.length,
      slots: slots.length,
      p99Rise: measured[1]!.p99 / measured[0]!.p99 - 1,
      ownP99Rise: measured[1]!.own.p99 / measured[0]!.own.p99 - 1,
      processor: `${processor === undefined ? `not pinned: ${processorProblem}` : `pinned to processor ${processor}`}, ${realTimeProblem === undefined ? "at real-time priority" : `without real-time priority: ${realTimeProblem}`}`,
      longestStall_ms,
    };
  } finally {
    await receiver.close();
  }
}
