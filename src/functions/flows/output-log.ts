import type { Store, Write } from "../../bus/index.js";
import { InputError } from "../../errors.js";
import type { Codec } from "../schema/index.js";
import type { Key } from "./declaration.js";
import { type FlowKeys, positionOf } from "./epoch-store.js";
import type { Guard } from "./guard.js";

/** One message that a flow has released. */
export interface OutputMessage<T = unknown> {
  /** From 0, without gaps. */
  readonly position: number;
  readonly message: T;
}

/** One output of a flow. */
export interface FlowOutput<T = unknown> {
  /**
   * Delivers messages from `position` on (those still kept; undefined: only coming ones), each once and in order. In a
   * flow in real time nothing is kept. With `key`, only messages that have it. A subscriber that throws gets no more.
   * Returns what ends it.
   * @throws InputError for a key where the output was declared without.
   */
  subscribe(
    position: number | undefined,
    deliver: (message: OutputMessage<T>) => void,
    key?: string,
  ): () => void;
  /** The kept messages from a position on, at most `limit`. @throws NeuroranError STATE_CORRUPT. */
  read(position: number, limit: number): OutputMessage<T>[];
}

/** An output with what the flow does with it. */
export interface OutputLog extends FlowOutput {
  /** What keeps a message. */
  write(position: number, bytes: Uint8Array): Write;
  /** Deletions of what lies before a position. */
  deletions(before: number): Write[];
  /** Delivers a message that is released. */
  release(position: number, bytes: Uint8Array): void;
}

export function outputLog(
  store: Store,
  keys: FlowKeys,
  name: string,
  codec: Codec,
  guard: Guard,
  /** Behind the last message that is there. */
  behind: number,
  keyOf: ((message: never) => Key) | undefined,
): OutputLog {
  const prefix = keys.output(name);
  /** By subscriber: the next position, or undefined until the first message. */
  const subscribers = new Map<(message: OutputMessage) => void, number | undefined>();
  /** No message before this position is kept. */
  let first = 0;
  let end = behind;
  const read = (position: number, limit: number): OutputMessage[] => {
    const found: OutputMessage[] = [];
    for (let at = Math.max(first, position); found.length === 0 && at < end; at += limit) {
      for (const { key, value } of store.range(keys.outputAt(name, at), keys.outputAt(name, at + limit))) {
        found.push({ position: positionOf(key), message: codec.decode(guard.open(value, key)) });
      }
    }
    return found;
  };
  return {
    read,
    subscribe(position, deliver, key) {
      if (key !== undefined && keyOf === undefined) {
        throw new InputError(
          "key",
          key,
          `output ${name} has no keys: leave it out, or declare it by keyed(...)`,
        );
      }
      // One function may subscribe twice.
      const subscriber = (one: OutputMessage): void => {
        if (key === undefined || String(keyOf?.(one.message as never)) === key) deliver(one);
      };
      subscribers.set(subscriber, position);
      if (position !== undefined) {
        for (let next = position; subscribers.has(subscriber); ) {
          const messages = read(next, 1024);
          if (messages.length === 0) break;
          for (const one of messages) {
            if (!subscribers.has(subscriber)) break;
            next = one.position + 1;
            subscribers.set(subscriber, next);
            subscriber(one);
          }
        }
      }
      return () => void subscribers.delete(subscriber);
    },
    write(position, bytes) {
      const key = keys.outputAt(name, position);
      return { key, value: guard.seal(bytes, key) };
    },
    deletions(before) {
      if (first >= before) return [];
      const found: Write[] = [];
      for (const { key } of store.range(prefix, keys.outputAt(name, before))) {
        found.push({ key, value: undefined });
      }
      first = before;
      return found;
    },
    release(position, bytes) {
      end = position + 1;
      if (subscribers.size === 0) return;
      const message = codec.decode(bytes);
      for (const [subscriber, next] of subscribers) {
        if (next !== undefined && position < next) continue;
        subscribers.set(subscriber, position + 1);
        try {
          subscriber({ position, message });
        } catch {
          // What one subscriber does must not keep messages from the others.
          subscribers.delete(subscriber);
        }
      }
    },
  };
}
