/**
 * Logs in the store that flows read: `f\0<flow>\0source\0<name>\0<position>`.
 *
 * Invariants:
 * 1. Positions ascend in the order in which messages were appended; a position that was durable is never given again.
 * 2. Readers see no message before all that have lower positions are durable or will never be: who has read a position has
 *    read all below it.
 * 3. The last durable message of a log stays, whatever has been read, so that the position behind it is known.
 */
import { afterPrefix, type Store, type Write } from "../../bus/index.js";
import { type FlowKeys, flowKeys, positionOf } from "./epoch-store.js";
import type { Guard } from "./guard.js";
import type { FedMessage } from "./worker-protocol.js";

/** Messages that are being appended. */
export interface Appending {
  readonly writes: readonly Write[];
  /** To be called when the writes are durable, or when it is certain that they never will be. */
  settled(): void;
}

/** One log, for those who write it and those who read it. One for each log in a process. */
export interface SourceLog {
  /** Takes positions for encoded messages; whoever commits the writes must tell how that went. */
  append(messages: readonly Uint8Array[]): Appending;
  /** Calls `look` whenever something was committed. Returns what ends it. */
  watch(look: () => void): () => void;
  /** Messages from a position on, at most so many. @throws NeuroranError STATE_CORRUPT. */
  read(from: number, limit: number): FedMessage[];
  /** Behind the last message that is durable. */
  durable(): number;
  /** Behind the last position that was taken. */
  end(): number;
  /** Deletions of what lies before a position, at most so many. */
  deletions(before: number, limit: number): Write[];
}

const logs = new WeakMap<Store, Map<string, SourceLog>>();

/** The log of a source of a flow: always the same one for a store. */
export function sourceLog(store: Store, flow: string, source: string, guard: Guard): SourceLog {
  const keys = flowKeys(flow);
  const name = keys.source(source);
  const ofStore = logs.get(store) ?? new Map<string, SourceLog>();
  logs.set(store, ofStore);
  const known = ofStore.get(name);
  if (known !== undefined) return known;
  const log = createSourceLog(store, keys, source, guard);
  ofStore.set(name, log);
  return log;
}

function createSourceLog(store: Store, keys: FlowKeys, source: string, guard: Guard): SourceLog {
  const prefix = keys.source(source);
  const lookers = new Set<() => void>();
  /** The first positions of what is being appended, in order. */
  const open = new Set<number>();
  /** The lowest position that may be kept. */
  let first: number | undefined;
  let end = 0;
  for (const { key } of store.range(prefix, afterPrefix(prefix))) {
    first ??= positionOf(key);
    end = positionOf(key) + 1;
  }
  let durable = end;
  return {
    append(messages) {
      const begin = end;
      const writes = messages.map((bytes) => {
        const key = keys.sourceAt(source, end++);
        return { key, value: guard.seal(bytes, key) };
      });
      open.add(begin);
      return {
        writes,
        settled() {
          if (!open.delete(begin)) return;
          const last = writes.at(-1);
          // Where the commit failed, nothing stands at these positions, ever.
          if (last !== undefined && store.get(last.key) !== undefined)
            durable = Math.max(durable, positionOf(last.key) + 1);
          for (const look of lookers) look();
        },
      };
    },
    watch(look) {
      lookers.add(look);
      return () => void lookers.delete(look);
    },
    read(from, limit) {
      const messages: FedMessage[] = [];
      const [readable = end] = open;
      // Positions that were never committed leave gaps.
      for (let begin = from; messages.length === 0 && begin < readable; begin += limit) {
        const until = Math.min(begin + limit, readable);
        for (const { key, value } of store.range(
          keys.sourceAt(source, begin),
          keys.sourceAt(source, until),
        )) {
          messages.push({ bytes: guard.open(value, key), position: positionOf(key), came_ms: 0 });
        }
      }
      return messages;
    },
    durable: () => durable,
    end: () => end,
    deletions(before, limit) {
      const begin = first ?? 0;
      const to = Math.min(before, durable - 1, begin + limit);
      if (to <= begin) return [];
      const found: Write[] = [];
      for (const { key } of store.range(keys.sourceAt(source, begin), keys.sourceAt(source, to))) {
        found.push({ key, value: undefined });
      }
      first = to;
      return found;
    },
  };
}
