/**
 * Runs a counted sequence through a keyed flow of three stages while its process is killed, and checks that its output is
 * what it would be without: everything once.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { openLmdbStore } from "../../bus/index.js";
import { createRandom, type Random } from "../../system/index.js";
import { type Codec, codecOf } from "../schema/index.js";
import { countedSequence, lanes, numberAt, partitions, users } from "./counted-flow.js";
import type { ChildStart } from "./dataflow-child.js";
import { flowKeys } from "./epoch-store.js";
import type { FlowDescription } from "./flow-description.js";
import { checksums } from "./guard.js";
import { outputLog } from "./output-log.js";
import type { FlowStatistics } from "./running-flow.js";

/** One process from its start to its end. */
export interface DataflowRun {
  readonly workers: number;
  readonly parallelism: Readonly<Record<string, number>>;
  /** The epoch that it went on from, and the positions of the source; undefined where it was killed before it told. */
  readonly restoredEpoch: number | undefined;
  readonly restoredPositions: readonly number[];
  /** The newest epoch and the messages read, as it told them last. */
  readonly lastEpoch: number;
  /** After so many milliseconds; undefined where it went on to the end. */
  readonly killedAfter_ms: number | undefined;
}

export interface DataflowVerification {
  readonly seed: number;
  /** Of the source. */
  readonly messages: number;
  readonly outputs: number;
  readonly kills: number;
  /** Epochs committed in all processes. */
  readonly epochs: number;
  readonly runs: readonly DataflowRun[];
  /** What was wrong, the first few; empty where nothing was. */
  readonly problems: readonly string[];
  /** Where it stood when it was stuck. */
  readonly stuck: FlowDescription | undefined;
}

type ChildMessage =
  | { readonly kind: "started" | "progress"; readonly statistics: FlowStatistics }
  | { readonly kind: "description"; readonly description: FlowDescription }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "finished" };

/** Without progress for so long, a process is stuck. */
const patience_ms = 30_000;
const mostProblems = 10;

/**
 * Kills for about `seconds`, then lets the flow end and checks all it gave. `messages` is how many numbers each partition
 * has; unless given, as many as last for that long. Uses a directory of its own and removes it.
 */
export async function verifyDataflow(options: {
  readonly seed: number;
  readonly seconds: number;
  readonly messages?: number;
  readonly onRun?: (run: DataflowRun) => void;
}): Promise<DataflowVerification> {
  const { seed, seconds, messages = Math.ceil(20_000 * seconds) } = options;
  const random = createRandom(seed).fork("verify dataflow");
  const directory = mkdtempSync(join(tmpdir(), "neuroran-dataflow-"));
  const module = new URL(`./counted-flow.js?count=${messages}`, import.meta.url).href;
  const runs: DataflowRun[] = [];
  const problems: string[] = [];
  let stuck: FlowDescription | undefined;
  let finished = false;
  const deadline = performance.now() + 1000 * seconds;
  try {
    while (!finished && problems.length === 0 && stuck === undefined) {
      const recovered = runs.some(({ restoredEpoch }) => (restoredEpoch ?? 0) > 0);
      // A slow machine needs longer for the first epochs.
      const kills = performance.now() < deadline + (recovered ? 0 : patience_ms);
      const kill = kills ? killTime(random) : undefined;
      const start: ChildStart = {
        directory,
        module,
        workers: 2 + random.integer(2),
        parallelism: {
          counting: 1 + random.integer(3),
          summing: 2 + random.integer(2),
          checking: 1 + random.integer(3),
        },
        epochInterval_ms: 5 + random.integer(50),
      };
      const outcome = await runOnce(start, kill);
      runs.push(outcome.run);
      options.onRun?.(outcome.run);
      finished = outcome.finished;
      stuck = outcome.stuck;
      if (outcome.problem !== undefined) problems.push(outcome.problem);
    }
    const kills = runs.filter(({ killedAfter_ms }) => killedAfter_ms !== undefined).length;
    let outputs = 0;
    if (finished) outputs = await checkOutput(directory, messages, problems);
    if (kills === 0) problems.push("the flow was done before it was killed once: give it more seconds");
    if (!runs.some(({ restoredEpoch }) => (restoredEpoch ?? 0) > 0)) {
      problems.push("no process went on from a committed epoch: give it more seconds");
    }
    const epochs = runs.at(-1)?.lastEpoch ?? 0;
    return { seed, messages: partitions * messages, outputs, kills, epochs, runs, problems, stuck };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Counted from the start of the process or of the flow, so that recoveries are killed as well as runs. */
function killTime(random: Random): { readonly from: "process" | "flow"; readonly after_ms: number } {
  if (random.integer(4) === 0) return { from: "process", after_ms: 50 + random.integer(500) };
  return { from: "flow", after_ms: random.integer(800) };
}

interface RunOutcome {
  readonly run: DataflowRun;
  readonly finished: boolean;
  readonly problem: string | undefined;
  readonly stuck: FlowDescription | undefined;
}

async function runOnce(
  start: ChildStart,
  kill: ReturnType<typeof killTime> | undefined,
): Promise<RunOutcome> {
  const began = performance.now();
  const child = fork(new URL("./dataflow-child.js", import.meta.url), [JSON.stringify(start)]);
  const ending = new AbortController();
  let statistics: FlowStatistics | undefined;
  let progress = performance.now();
  let killedAfter_ms: number | undefined;
  let finished = false;
  let problem: string | undefined;
  let stuck: FlowDescription | undefined;
  const killAfter = async (delay_ms: number): Promise<void> => {
    await setTimeout(delay_ms, undefined, { signal: ending.signal });
    killedAfter_ms = performance.now() - began;
    child.kill("SIGKILL");
  };
  const armed = (delay_ms: number): void => void killAfter(delay_ms).catch(() => undefined);
  if (kill?.from === "process") armed(kill.after_ms);
  child.on("message", (message: ChildMessage) => {
    switch (message.kind) {
      case "started":
        if (kill?.from === "flow") armed(kill.after_ms);
        statistics = message.statistics;
        progress = performance.now();
        break;
      case "progress":
        if (message.statistics.epochs.last !== statistics?.epochs.last) progress = performance.now();
        statistics = message.statistics;
        break;
      case "description":
        stuck = message.description;
        child.kill("SIGKILL");
        break;
      case "failed":
        problem = message.message;
        break;
      case "finished":
        finished = true;
        break;
    }
  });
  const watch = setInterval(() => {
    if (performance.now() - progress > patience_ms) void askWhatIsStuck(child);
  }, 1000);
  const status = await new Promise<number | null>((resolve) => child.on("exit", resolve));
  clearInterval(watch);
  ending.abort();
  if (status !== 0 && killedAfter_ms === undefined && stuck === undefined) {
    problem ??= `the process ended with status ${status}`;
  }
  const run: DataflowRun = {
    workers: start.workers,
    parallelism: start.parallelism,
    restoredEpoch: statistics?.restored.epoch,
    restoredPositions: statistics?.restored.positions.numbers ?? [],
    lastEpoch: statistics?.epochs.last ?? 0,
    killedAfter_ms: finished ? undefined : killedAfter_ms,
  };
  if (stuck !== undefined) problem ??= `no epoch was committed for ${patience_ms} ms`;
  return { run, finished, problem, stuck };
}

async function askWhatIsStuck(child: ChildProcess): Promise<void> {
  child.send({ kind: "describe" });
  // A main thread that hangs does not answer.
  await setTimeout(5000);
  child.kill("SIGKILL");
}

/** Compares the output with what a run without faults gives; adds what differs to `problems`. */
async function checkOutput(directory: string, count: number, problems: string[]): Promise<number> {
  const store = await openLmdbStore(directory);
  try {
    const codec = codecOf(countedSequence.outputs.results.message) as Codec;
    const end = partitions * count + 1;
    const log = outputLog(store, flowKeys(countedSequence.name), "results", codec, checksums, end, undefined);
    const check = expectedOutput(count, (problem) => {
      if (problems.length < mostProblems) problems.push(problem);
    });
    let position = 0;
    for (; position < partitions * count; ) {
      const messages = log.read(position, 4096);
      for (const { position: at, message } of messages) {
        if (at !== position) problems.push(`output ${position} is missing: the next is ${at}`);
        check.take(message as ResultMessage);
        position = at + 1;
      }
      if (problems.length > 0) break;
    }
    if (log.read(position, 1).length > 0) problems.push(`there are more than ${position} outputs`);
    check.done();
    return position;
  } finally {
    await store.close();
  }
}

interface ResultMessage {
  readonly user: number;
  readonly number: number;
  readonly count: number;
  readonly laneCount: number;
  readonly laneSum: number;
  readonly seen: number;
}

/** What each number must bring about, computed in one go; takes outputs in any order. */
function expectedOutput(count: number, report: (problem: string) => void) {
  const counts = new Uint32Array(partitions * users);
  const laneCounts = new Uint32Array(partitions * users * lanes);
  const laneSums = new Float64Array(partitions * users * lanes);
  const expected = Array.from({ length: partitions }, (_, partition) =>
    Array.from({ length: count }, (_, position) => {
      const { user, number } = numberAt(position, partition);
      const ordinal = ++counts[user];
      const lane = user * lanes + (ordinal % lanes);
      laneSums[lane] += number * ordinal;
      return { user, count: ordinal, laneCount: ++laneCounts[lane], laneSum: laneSums[lane] };
    }),
  );
  const came = expected.map((row) => new Uint8Array(row.length));
  const seen = Array.from(counts, (number) => new Uint8Array(number + 1));
  return {
    take(message: ResultMessage): void {
      const { user, number } = message;
      const partition = user % partitions;
      const should = expected[partition][number];
      if (should === undefined || came[partition][number]++ > 0) {
        report(`number ${number} of user ${user} came out twice, or never went in`);
        return;
      }
      for (const name of ["user", "count", "laneCount", "laneSum"] as const) {
        if (message[name] === should[name]) continue;
        report(`number ${number} of user ${user} has ${name} ${message[name]}, not ${should[name]}`);
      }
      if (message.seen > counts[user] || seen[user][message.seen]++ > 0) {
        report(`user ${user} was seen for the ${message.seen}. time twice`);
      }
    },
    done(): void {
      for (const [partition, row] of came.entries()) {
        const missing = row.indexOf(0);
        if (missing >= 0) report(`number ${missing} of partition ${partition} did not come out`);
      }
    },
  };
}
