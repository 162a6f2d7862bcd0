/**
 * What a flow has sent to stateful functions and they have not taken over yet.
 *
 * Invariants:
 * 1. A send is in the store from the commit of its epoch until whoever takes it over removes it, in the change in which it is
 *    accepted: so it is accepted once, whatever fails.
 * 2. Sends of an epoch are handed over before those of later ones.
 */
import { afterPrefix, type Clock, type Store, type Write } from "../../bus/index.js";
import { type AdmittedMessage, type CommitDomain, deserialise, serialise } from "../turns/index.js";
import type { FlowKeys } from "./epoch-store.js";
import type { Guard } from "./guard.js";

/** Takes over what flows have sent. */
export type Admit = CommitDomain["admit"];

/** A send that is durable. */
interface Kept {
  readonly key: string;
  readonly message: AdmittedMessage;
}

export interface Outbox {
  /** What keeps the sends of an epoch. */
  writes(epoch: number, sends: readonly AdmittedMessage[]): Write[];
  /** Hands over what the committed epoch has kept. */
  release(epoch: number, sends: readonly AdmittedMessage[]): void;
  /** Hands over what was there before. @throws NeuroranError STATE_CORRUPT. */
  recover(): void;
  /** Sends that are not taken over yet. */
  pending(): number;
  close(): void;
}

const retryDelay_ms = 1000;

export function createOutbox(
  store: Store,
  keys: FlowKeys,
  guard: Guard,
  clock: Clock,
  admit: Admit | undefined,
): Outbox {
  let waiting: Kept[] = [];
  let underWay = 0;
  let closed = false;
  const handOver = (): void => {
    if (admit === undefined || underWay > 0 || waiting.length === 0 || closed) return;
    const taken = waiting;
    waiting = [];
    underWay = taken.length;
    const messages = taken.map(({ message }) => message);
    admit(
      messages,
      taken.map(({ key }) => key),
    ).then(
      () => {
        underWay = 0;
        handOver();
      },
      () => {
        underWay = 0;
        waiting = [...taken, ...waiting];
        clock.after(retryDelay_ms, handOver);
      },
    );
  };
  return {
    writes: (epoch, sends) =>
      sends.map((message, order) => {
        const key = keys.sent(epoch, order);
        return { key, value: guard.seal(serialise(message), key) };
      }),
    release(epoch, sends) {
      for (const [order, message] of sends.entries()) waiting.push({ key: keys.sent(epoch, order), message });
      handOver();
    },
    recover() {
      for (const { key, value } of store.range(keys.outbox, afterPrefix(keys.outbox))) {
        waiting.push({ key, message: deserialise(guard.open(value, key)) as AdmittedMessage });
      }
      handOver();
    },
    pending: () => underWay + waiting.length,
    close() {
      closed = true;
    },
  };
}
