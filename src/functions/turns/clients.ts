/** Requests of clients that no session tells apart: they wait in memory, and are lost with the process. */
import { NeuroranError } from "../../errors.js";
import type { Outcome } from "./declaration.js";
import type { Ledger } from "./ledger.js";
import type { ReplyTo } from "./message.js";
import type { Waiter } from "./sessions.js";

interface WaitingClient extends Waiter {
  /** The batch in which the request was accepted. */
  readonly batch: number;
}

export interface Clients {
  /** Notes that `waiter` waits for the reply of what is accepted now. */
  expect(waiter: Waiter): Extract<ReplyTo, { kind: "client" }>;
  /** Tells the client the outcome when it is durable; nothing where the client was another incarnation's. */
  reply(to: Extract<ReplyTo, { kind: "client" }>, outcome: Outcome): void;
  /** Rejects those whose requests were in this batch or a later one. */
  fail(firstLost: number, error: NeuroranError): void;
  close(): void;
  readonly waiting: number;
}

/** Clients of one incarnation of a node: ids that come from another are not its own. */
export function createClients(ledger: Ledger, incarnation: string): Clients {
  const clients = new Map<number, WaitingClient>();
  let latest = 0;

  return {
    expect({ resolve, reject }) {
      const number = ++latest;
      clients.set(number, { resolve, reject, batch: ledger.batch });
      return { kind: "client", incarnation, number };
    },
    reply(to, outcome) {
      if (to.incarnation !== incarnation) return;
      const client = clients.get(to.number);
      if (client === undefined) return;
      const release = (): void => {
        clients.delete(to.number);
        client.resolve(outcome);
      };
      ledger.whenDurable(release, ignore);
    },
    fail(firstLost, error) {
      for (const [number, { batch, reject }] of clients) {
        if (batch < firstLost) continue;
        clients.delete(number);
        reject(error);
      }
    },
    close() {
      const error = new NeuroranError(
        "OUTCOME_UNKNOWN",
        "the node ends: the request was accepted and goes on when it is back",
      );
      for (const { reject } of clients.values()) reject(error);
      clients.clear();
    },
    get waiting() {
      return clients.size;
    },
  };
}

/** `fail` tells those whose requests are gone; a request that stays runs again. */
function ignore(): void {}
