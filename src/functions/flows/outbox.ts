/**
 * What a flow has sent to stateful functions and they have not accepted yet.
 *
 * Invariants:
 * 1. A send is in the store from the commit of its epoch until who takes it has accepted it for good.
 * 2. It is handed over again, with the same id, until then: who takes it tells repetitions by the id.
 */
import { deserialize, serialize } from "node:v8";
import { afterPrefix, type Clock, type Store, type Write } from "../../bus/index.js";
import type { Invocation } from "../turns/declaration.js";
import type { FlowKeys } from "./epoch-store.js";
import type { Guard } from "./guard.js";
import type { SentInvocation } from "./worker-protocol.js";

/** Takes what flows send; resolves when it is accepted for good. */
export type Deliver = (invocation: Invocation, id: string) => Promise<void>;

export interface Outbox {
  /** What keeps the sends of an epoch. */
  writes(epoch: number, sends: readonly SentInvocation[]): Write[];
  /** Hands over what the committed epoch has kept. */
  release(epoch: number, sends: readonly SentInvocation[]): void;
  /** Hands over what was there before. */
  recover(): void;
  /** Deletions of what was accepted, once each; to be committed, or given back by `failed`. */
  deletions(): Write[];
  failed(deletions: readonly Write[]): void;
  /** Sends that are not accepted yet. */
  pending(): number;
  close(): void;
}

const retryDelay_ms = 1000;

export function createOutbox(
  store: Store,
  keys: FlowKeys,
  guard: Guard,
  clock: Clock,
  deliver: Deliver | undefined,
): Outbox {
  let accepted: Write[] = [];
  let pending = 0;
  let closed = false;
  const handOver = (key: string, id: string, invocation: Invocation): void => {
    pending++;
    if (deliver === undefined) return;
    const attempt = (): void => {
      if (closed) return;
      deliver(invocation, id).then(
        () => {
          pending--;
          accepted.push({ key, value: undefined });
        },
        () => void clock.after(retryDelay_ms, attempt),
      );
    };
    attempt();
  };
  return {
    writes: (epoch, sends) =>
      sends.map(({ id, invocation }, order) => {
        const key = keys.sent(epoch, order);
        return { key, value: guard.seal(serialize({ id, invocation }), key) };
      }),
    release(epoch, sends) {
      for (const [order, { id, invocation }] of sends.entries())
        handOver(keys.sent(epoch, order), id, invocation);
    },
    recover() {
      for (const { key, value } of store.range(keys.outbox, afterPrefix(keys.outbox))) {
        const { id, invocation } = deserialize(guard.open(value, key)) as Pick<
          SentInvocation,
          "id" | "invocation"
        >;
        handOver(key, id, invocation);
      }
    },
    deletions() {
      const taken = accepted;
      accepted = [];
      return taken;
    },
    failed: (deletions) => void accepted.unshift(...deletions),
    pending: () => pending,
    close() {
      closed = true;
    },
  };
}
