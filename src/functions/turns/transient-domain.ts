import { type Clock, embeddedBus, memoryStore, type Store, systemClock } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import type { Address } from "./address.js";
import type { CommitDomain, LoggedEvent } from "./commit-domain.js";
import type { Invocation, StatefulFunctionData } from "./declaration.js";
import { createCommitDomain } from "./domain.js";
import { copyOf } from "./serialisable.js";

/** Stateful functions that run in this process and are forgotten with it. */
export interface TransientDomain {
  /** What it stands on: flows that are started over it send to the functions by `admit`. */
  readonly store: Store;
  readonly admit: CommitDomain["admit"];
  /**
   * The reply: `invoke(counter.at("a").add({ by: 1 }))`.
   * @throws (rejections) NeuroranError with the code and message of the failure.
   */
  invoke<Reply>(invocation: Invocation<Reply>): Promise<Reply>;
  /** Resolves when the message is accepted; it runs later, after the delay. */
  send(invocation: Invocation, options?: { readonly delay_ms?: number }): Promise<void>;
  /** Delivers the events of a key, from the first one kept on. Returns what ends it. */
  subscribe(address: Address, deliver: (event: LoggedEvent) => void): () => void;
  /** The JSON form of a key's state; undefined where it has none. */
  stateOf(address: Address): Promise<unknown>;
  /** Ends it, with what has come done. */
  close(): Promise<void>;
}

/**
 * A domain for trying functions out and for their tests: the protocol of a node without its store, bus and network. Give a
 * clock to have timers and delays pass as the test says.
 */
export function createTransientDomain(
  functions: readonly StatefulFunctionData[],
  options: { readonly clock?: Clock } = {},
): TransientDomain {
  let ids = 0;
  const unsealed = (bytes: Uint8Array) => bytes;
  const store = memoryStore();
  const domain = createCommitDomain({
    store,
    bus: embeddedBus("transient"),
    clock: options.clock ?? systemClock,
    uniqueId: () => `transient-${++ids}`,
    cipherOf: () => ({ seal: unsealed, open: unsealed }),
    functions,
  });
  return {
    store,
    admit: domain.admit,
    async invoke<Reply>(invocation: Invocation<Reply>): Promise<Reply> {
      const outcome = await domain.invoke(travelled(invocation));
      if (outcome.ok) return outcome.value as Reply;
      throw new NeuroranError(outcome.error.code, outcome.error.message);
    },
    send: async (invocation, sendOptions) => domain.send(travelled(invocation), sendOptions),
    subscribe: (address, deliver) => domain.subscribe(address, 1, deliver),
    stateOf: (address) => domain.stateOf(address),
    close: () => domain.close(),
  };
}

/** The request as it comes from a client, who keeps nothing of it. */
function travelled(invocation: Invocation): Invocation {
  return { ...invocation, body: copyOf(invocation.body, "body") };
}
