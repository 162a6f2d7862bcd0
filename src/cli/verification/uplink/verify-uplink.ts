/**
 * Runs the uplink with HARQ state once without faults, and once in a process that is killed again and again; what both gave must
 * be the same, slot by slot and bit by bit.
 */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLmdbStore } from "../../../bus/index.js";
import { flowKeys } from "../../../functions/flows/epoch-store.js";
import { checksums } from "../../../functions/flows/guard.js";
import { outputLog } from "../../../functions/flows/output-log.js";
import type { ValueOf } from "../../../functions/index.js";
import { type Codec, codecOf } from "../../../functions/schema/index.js";
import { createRandom } from "../../../system/index.js";
import type { UplinkChildStart } from "./uplink-child.js";
import { type receivedSlot, uplinkSlots } from "./uplink-flow.js";

export interface UplinkVerification {
  readonly seed: number;
  readonly slots: number;
  readonly kills: number;
  /** Processes that went on in the middle. */
  readonly recoveries: number;
  /** Transport blocks that came out right only when their transmissions were combined. */
  readonly combined: number;
  /** What was wrong, the first few; empty where nothing was. */
  readonly problems: readonly string[];
}

type ReceivedSlot = ValueOf<typeof receivedSlot>;

interface Said {
  readonly kind: "started" | "progress" | "finished";
  readonly restored: number;
  readonly position: number;
}

/** Without progress for so long, a process is stuck. */
const patience_ms = 60_000;
const mostProblems = 10;
const wantedRecoveries = 2;

/** Kills until at least two processes went on in the middle. Uses directories of its own and removes them. */
export async function verifyUplink(options: {
  readonly seed: number;
  readonly slots: number;
  readonly onRun?: (position: number) => void;
}): Promise<UplinkVerification> {
  const { seed, slots, onRun = () => undefined } = options;
  const random = createRandom(seed).fork("verify uplink");
  const module = new URL(`./uplink-flow.js?slots=${slots}`, import.meta.url).href;
  const folder = mkdtempSync(join(tmpdir(), "neuroran-uplink-"));
  const problems: string[] = [];
  let kills = 0;
  let recoveries = 0;
  try {
    const [faultless, killed] = [join(folder, "faultless"), join(folder, "killed")];
    await runOnce({ directory: faultless, module, epochInterval_ms: 100 }, undefined);
    for (let finished = false; !finished; ) {
      // Epochs come often enough for some to be committed before any kill.
      const start = { directory: killed, module, epochInterval_ms: 5 + random.integer(30) };
      const kill =
        recoveries < wantedRecoveries
          ? { slots: random.integer(Math.ceil(slots / 6)), delay_ms: random.integer(25) }
          : undefined;
      const run = await runOnce(start, kill);
      finished = run.finished;
      if (!finished) kills++;
      if (run.restored > 0) recoveries++;
      onRun(run.position);
    }
    const [expected, given] = [await outputsOf(faultless, slots), await outputsOf(killed, slots)];
    if (expected.length !== slots)
      problems.push(`${expected.length} slots came out of ${slots} without faults`);
    compare(expected, given, problems);
    if (kills === 0) problems.push("the flow was done before it was killed once: give it more slots");
    if (recoveries === 0) problems.push("no process went on in the middle: give it more slots");
    const combined = combinedBlocks(expected);
    if (combined === 0) problems.push("no block needed what earlier slots had left");
    return { seed, slots, kills, recoveries, combined, problems };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Run {
  readonly finished: boolean;
  readonly restored: number;
  readonly position: number;
}

/** Runs the flow until its end, or kills it so many committed slots, and milliseconds, behind its start. */
function runOnce(
  start: UplinkChildStart,
  kill: { readonly slots: number; readonly delay_ms: number } | undefined,
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL("./uplink-child.js", import.meta.url), [JSON.stringify(start)]);
    let last: Said | undefined;
    let killed = false;
    let finished = false;
    const stuck = (): void => {
      child.kill("SIGKILL");
      reject(new Error(`the uplink was stuck at slot ${last?.position}: ${JSON.stringify(last)}`));
    };
    let watch = setTimeout(stuck, patience_ms);
    child.on("message", (said: Said) => {
      if (said.position !== last?.position) {
        clearTimeout(watch);
        watch = setTimeout(stuck, patience_ms);
      }
      last = said;
      finished ||= said.kind === "finished";
      if (kill === undefined || killed || said.position < said.restored + kill.slots) return;
      killed = true;
      setTimeout(() => child.kill("SIGKILL"), kill.delay_ms);
    });
    child.on("exit", (status) => {
      clearTimeout(watch);
      if (!finished && !killed) reject(new Error(`the process ended with status ${status}`));
      else resolve({ finished, restored: last?.restored ?? 0, position: last?.position ?? 0 });
    });
  });
}

/** All that a run has given, and one more where there are more than there may be. */
async function outputsOf(directory: string, slots: number): Promise<ReceivedSlot[]> {
  const store = await openLmdbStore(directory);
  try {
    const { name, outputs } = uplinkSlots;
    const codec = codecOf(outputs.slots.message) as Codec;
    const log = outputLog(store, flowKeys(name), "slots", codec, checksums, slots + 1, undefined);
    const found: ReceivedSlot[] = [];
    for (let more = log.read(0, 1024); more.length > 0; more = log.read(found.length, 1024)) {
      for (const { position, message } of more) {
        if (position !== found.length) throw new Error(`output ${found.length} is missing`);
        found.push(message as ReceivedSlot);
      }
    }
    return found;
  } finally {
    await store.close();
  }
}

function compare(
  expected: readonly ReceivedSlot[],
  given: readonly ReceivedSlot[],
  problems: string[],
): void {
  const add = (problem: string): void => {
    if (problems.length < mostProblems) problems.push(problem);
  };
  if (given.length !== expected.length) add(`${given.length} slots came out, not ${expected.length}`);
  for (const [index, one] of expected.entries()) {
    const other = given[index];
    if (other === undefined) break;
    for (const field of Object.keys(one) as (keyof ReceivedSlot)[]) {
      if (Object.is(one[field], other[field])) continue;
      add(`slot ${one.slot} of user ${one.rnti} has ${field} ${other[field]}, not ${one[field]}`);
    }
  }
}

/** Blocks of which a later transmission was received, and none before. */
function combinedBlocks(slots: readonly ReceivedSlot[]): number {
  const failed = new Set<string>();
  let combined = 0;
  for (const { rnti, harqProcessId, transmission, crc, right } of slots) {
    const block = `${rnti} ${harqProcessId}`;
    if (transmission === 1) failed.delete(block);
    if (!crc) failed.add(block);
    else if (right && failed.delete(block)) combined++;
  }
  return combined;
}
