import { randomUUID } from "node:crypto";
import { embeddedBus, type Store, systemClock } from "../../src/bus/index.js";
import { memoryStore } from "../../src/bus/memory-store.js";
import { type CommitDomain, createCommitDomain } from "../../src/functions/turns/index.js";

/** A commit domain over a store in memory. @param before what each commit waits for. */
export function memoryDomain(before: () => Promise<void> = async () => {}): CommitDomain {
  const memory = memoryStore();
  const store: Store = {
    ...memory,
    async commit(batch) {
      await before();
      await memory.commit(batch);
    },
  };
  const plain = { seal: (bytes: Uint8Array) => bytes, open: (bytes: Uint8Array) => bytes };
  return createCommitDomain({
    store,
    bus: embeddedBus("test"),
    clock: systemClock,
    uniqueId: randomUUID,
    cipherOf: () => plain,
  });
}
