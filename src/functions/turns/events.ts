/**
 * Logs of events, one a key, and those who subscribed to them.
 *
 * Invariants:
 * 1. An event's position follows that of the event before it, and is given in the turn that publishes.
 * 2. A subscriber gets events when they are durable, each once, in order, without a gap behind the first.
 */
import { InputError } from "../../errors.js";
import type { Address } from "./address.js";
import type { LoggedEvent } from "./commit-domain.js";
import type { Serialisable } from "./declaration.js";
import { entryKey, orderedNumber } from "./entries.js";
import type { Ledger } from "./ledger.js";

interface Subscriber {
  /** Of the next event to deliver. */
  next: number;
  readonly deliver: (event: LoggedEvent) => void;
}

export interface Events {
  /** Writes an event, and takes out the one that is one too many. */
  publish(address: Address, position: number, event: Serialisable, kept: number): void;
  /** `latestOf` gives the position of the key's latest event, durable or not, `kept` is how many are. Returns what ends it. */
  subscribe(
    address: Address,
    from: number | undefined,
    latestOf: () => number,
    kept: number,
    deliver: (event: LoggedEvent) => void,
  ): () => void;
  readonly subscribers: number;
}

/** Logs over `ledger`. */
export function createEvents(ledger: Ledger): Events {
  const subscribers = new Map<string, Set<Subscriber>>();
  let count = 0;

  const entryOf = (address: Address, position: number): string =>
    entryKey("event", address, orderedNumber(position));

  /** Delivers what is durable, up to `position`, for as long as the subscriber stays. */
  const deliverUpTo = (
    listening: ReadonlySet<Subscriber>,
    address: Address,
    position: number,
    subscriber: Subscriber,
  ): void => {
    while (subscriber.next <= position && listening.has(subscriber)) {
      const event = ledger.read(entryOf(address, subscriber.next)) as { readonly event: unknown } | undefined;
      const at = subscriber.next++;
      // One that fell out of the log while a slow commit was under way.
      if (event !== undefined) subscriber.deliver({ position: at, event: event.event });
    }
  };

  return {
    publish(address, position, event, kept) {
      // In a record of its own, as an event may be undefined and an entry may not.
      ledger.add(entryOf(address, position), { event });
      if (position > kept) ledger.remove(entryOf(address, position - kept));
      const listening = subscribers.get(entryKey("event", address));
      if (listening === undefined) return;
      const release = (): void => {
        for (const subscriber of listening) deliverUpTo(listening, address, position, subscriber);
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
      return () => {
        if (!own.delete(subscriber)) return;
        count--;
        if (own.size === 0 && subscribers.get(topic) === own) subscribers.delete(topic);
      };
    },
    get subscribers() {
      return count;
    },
  };
}
