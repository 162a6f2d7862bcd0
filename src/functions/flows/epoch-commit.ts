import type { Write } from "../../bus/index.js";
import type { CommitAnswer } from "./coordinator.js";
import { type EpochStore, type FlowKeys, type Head, sealJson } from "./epoch-store.js";
import type { Guard } from "./guard.js";
import type { Outbox } from "./outbox.js";
import type { OutputLog } from "./output-log.js";
import type { PreparedEpoch } from "./pending-epoch.js";

/** What of a flow an epoch is committed to. */
export interface EpochPlaces {
  readonly keys: FlowKeys;
  readonly guard: Guard;
  readonly epochs: EpochStore;
  readonly outbox: Outbox;
  readonly outputs: Readonly<Record<string, OutputLog>>;
  /** Messages of each output that are kept. */
  readonly keptOutputs: number;
}

/**
 * What commits an epoch beside its head: parts, sends, outputs, the manifest, and what goes for them. `ends` are those of its
 * outputs; `goneBefore` is the epoch before which all go, where a generation ends.
 */
export function epochWrites(
  { keys, guard, epochs, outbox, outputs, keptOutputs }: EpochPlaces,
  { manifest, writes, sends, outputs: released }: PreparedEpoch,
  ends: Readonly<Record<string, number>>,
  goneBefore: number | undefined,
): Write[] {
  const all: Write[] = [...writes, ...outbox.writes(manifest.epoch, sends)];
  for (const { output, position, bytes } of released) all.push(outputs[output].write(position, bytes));
  for (const [name, end] of Object.entries(ends)) {
    if (end > keptOutputs) all.push(...outputs[name].deletions(end - keptOutputs));
  }
  if (goneBefore !== undefined) all.push(...epochs.deletions(0, goneBefore));
  all.push(sealJson(guard, keys.manifest(manifest.epoch), manifest));
  return all;
}

/** How the commit of an epoch went whose answer was lost, as the head tells. */
export function settledAnswer(epochs: EpochStore, head: Head, epoch: number): CommitAnswer {
  const now = epochs.head();
  if (typeof now !== "object" || now.term !== head.term) return "fenced";
  return now.epoch === epoch ? "committed" : "failed";
}
