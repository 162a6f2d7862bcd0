/**
 * What turns append to the sources of flows: logs in the store, with positions from 1.
 *
 * Invariants:
 * 1. Positions follow each other without a gap, and a message has its position from the turn's commit on.
 * 2. What a flow takes out of the front of its log does not change positions.
 */
import type { Serialisable } from "./declaration.js";
import { kindPrefix, orderedNumber } from "./entries.js";
import type { Ledger } from "./ledger.js";

/** The entries of a source's log begin with this text; behind it stands the position as an ordered number. */
export function sourceLogPrefix(flow: string, source: string): string {
  return `f\0${flow}\0source\0${source}\0`;
}

/** The entry of one message. */
export function sourceLogEntry(flow: string, source: string, position: number): string {
  return sourceLogPrefix(flow, source) + orderedNumber(position);
}

export interface SourceLogs {
  append(flow: string, source: string, message: Serialisable): void;
  /** Takes in the lengths of the logs, in place of what is in memory. */
  load(lengths: Iterable<readonly [string, number]>): void;
}

/** Logs over `ledger`. */
export function createSourceLogs(ledger: Ledger): SourceLogs {
  /** The position of the latest message, by the entry that keeps it. */
  const latest = new Map<string, number>();
  return {
    append(flow, source, message) {
      const counter = `${kindPrefix("appended", flow)}${source}`;
      const position = (latest.get(counter) ?? 0) + 1;
      latest.set(counter, position);
      ledger.put(counter, position);
      ledger.add(sourceLogEntry(flow, source, position), { message });
    },
    load(lengths) {
      latest.clear();
      for (const [counter, position] of lengths) latest.set(counter, position);
    },
  };
}
