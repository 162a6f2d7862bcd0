/**
 * Logs of events, one a key, and those who subscribed to them.
 *
 * Invariants:
 * 1. An event's position follows that of the event before it, and is given in the turn that publishes.
 * 2. A subscriber gets events when they are durable, each once, in order, without a gap behind the first.
 */
import { InputError } from "../../errors.js";
import type { Address } from "./address.js";
import type { Deliver, LoggedEvent } from "./commit-domain.js";
import type { Serialisable } from "./declaration.js";
import { entryKey, orderedNumber } from "./entries.js";
import type { Damaged, Ledger } from "./ledger.js";

interface Subscriber {
  /** Of the next event to deliver. */
  next: number;
  readonly deliver: Deliver;
}

export interface Events {
  /**
   * Writes an event, and takes out the one that is one too many; where `all` is true, also those before it that are left of a
   * version that kept more.
   */
  publish(address: Address, position: number, event: Serialisable, kept: number, all: boolean): void;
  /** `latestOf` gives the position of the key's latest event, durable or not, `kept` is how many are. Returns what ends it. */
  subscribe(
    address: Address,
    from: number | undefined,
    latestOf: () => number,
    kept: number,
    deliver: Deliver,
  ): () => void;
  readonly subscribers: number;
}

/** Logs over `ledger`; `damaged` is told of events that cannot be read, and are passed over. */
export function createEvents(ledger: Ledger, damaged: Damaged): Events {
  const subscribers = new Map<string, Set<Subscriber>>();
  let count = 0;

  const entryOf = (address: Address, position: number): string =>
    entryKey("event", address, orderedNumber(position));

  const leave = (topic: string, listening: Set<Subscriber>, subscriber: Subscriber): void => {
    if (!listening.delete(subscriber)) return;
    count--;
    if (listening.size === 0 && subscribers.get(topic) === listening) subscribers.delete(topic);
  };

  const give = (
    listening: Set<Subscriber>,
    topic: string,
    subscriber: Subscriber,
    event: LoggedEvent,
  ): void => {
    subscriber.next = event.position + 1;
    try {
      if (subscriber.deliver(event) === false) leave(topic, listening, subscriber);
    } catch (error) {
      // Nobody else must miss what is durable because of it.
      leave(topic, listening, subscriber);
      queueMicrotask(() => {
        throw error;
      });
    }
  };

  /** Undefined for one that fell out of the log while a slow commit was under way. */
  const logged = (entry: string): { readonly event: Serialisable } | undefined => {
    try {
      return ledger.read(entry) as { readonly event: Serialisable } | undefined;
    } catch (error) {
      damaged(entry, error);
      return undefined;
    }
  };

  /** Delivers what is durable, up to `position`, for as long as the subscriber stays. */
  const deliverUpTo = (
    listening: Set<Subscriber>,
    address: Address,
    position: number,
    subscriber: Subscriber,
  ): void => {
    const topic = entryKey("event", address);
    while (subscriber.next <= position && listening.has(subscriber)) {
      const at = subscriber.next;
      const found = logged(entryOf(address, at));
      if (found === undefined) subscriber.next++;
      else give(listening, topic, subscriber, { position: at, event: found.event });
    }
  };

  const isThere = (entry: string): boolean => {
    try {
      return ledger.has(entry);
    } catch {
      // Damaged, and no longer needed.
      return true;
    }
  };

  return {
    publish(address, position, event, kept, all) {
      // In a record of its own, as an event may be undefined and an entry may not.
      ledger.add(entryOf(address, position), { event });
      const tooMany = position - kept;
      if (tooMany > 0) ledger.remove(entryOf(address, tooMany));
      for (let at = tooMany - 1; all && at > 0 && isThere(entryOf(address, at)); at--) {
        ledger.remove(entryOf(address, at));
      }
      const topic = entryKey("event", address);
      const listening = subscribers.get(topic);
      if (listening === undefined) return;
      // The event itself, as it may have fallen out of the log again when it is durable.
      const release = (): void => {
        for (const subscriber of listening) {
          deliverUpTo(listening, address, position - 1, subscriber);
          if (subscriber.next === position && listening.has(subscriber)) {
            give(listening, topic, subscriber, { position, event });
          }
        }
      };
      ledger.whenDurable(release, () => {});
    },
    subscribe(address, from, latestOf, kept, deliver) {
      if (from !== undefined && !(Number.isSafeInteger(from) && from >= 1)) {
        throw new InputError(
          "from",
          from,
          "positions count from 1; without one, only coming events are delivered",
        );
      }
      const topic = entryKey("event", address);
      const latest = latestOf();
      const first = Math.min(Math.max(from ?? latest + 1, latest - kept + 1), latest + 1);
      const subscriber: Subscriber = { next: first, deliver };
      let listening = subscribers.get(topic);
      if (listening === undefined) {
        listening = new Set();
        subscribers.set(topic, listening);
      }
      const own = listening;
      own.add(subscriber);
      count++;
      const release = (): void => {
        deliverUpTo(own, address, latest, subscriber);
      };
      // Of what was not durable yet nothing is left: those positions are given again.
      const fail = (): void => {
        const durable = latestOf();
        subscriber.next = Math.min(subscriber.next, durable + 1);
        deliverUpTo(own, address, durable, subscriber);
      };
      ledger.whenDurable(release, fail);
      return () => leave(topic, own, subscriber);
    },
    get subscribers() {
      return count;
    },
  };
}
