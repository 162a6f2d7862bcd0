/** Reads the source of a slot flow ahead, on a thread of its own, so that making slots holds nothing up here. */
import { Worker } from "node:worker_threads";
import { type ErrorDescription, NeuroranError, reviveError } from "../../errors.js";
import { type Deferred, deferred } from "../deferred.js";
import type { Configuration } from "../flow-instance.js";
import { monotonic_ms } from "../flows/worker-protocol.js";
import type { SlotInput } from "./declaration.js";

export interface FeedStart {
  readonly module: string;
  readonly name: string;
  /** int64: the first slot that is still of use. */
  readonly wanted: BigInt64Array;
}

/** What the thread says of a slot; a configuration goes with the first slot of its key. */
export type FedSlot =
  | {
      readonly number: number;
      readonly input:
        | (Omit<SlotInput, "configuration"> & {
            readonly key: string;
            readonly configuration: Configuration | undefined;
          })
        | undefined;
    }
  | { readonly number: number; readonly failure: ErrorDescription };

/** A slot as it came, by `monotonic_ms`. */
export type ReadSlot = SlotInput & { readonly came_ms: number };

export interface SlotFeed {
  /** The slot of a number, above all that were taken; undefined where there are no more. @throws what the source throws. */
  take(number: number): Promise<ReadSlot | undefined>;
  close(): Promise<void>;
}

/** Slots that are asked for before they are due. */
const ahead = 6;

export function createSlotFeed(program: Pick<FeedStart, "module" | "name">): SlotFeed {
  const wanted = new BigInt64Array(new SharedArrayBuffer(8));
  const start: FeedStart = { ...program, wanted };
  const worker = new Worker(new URL("./slot-feed-worker.js", import.meta.url), { workerData: start });
  const configurations = new Map<string, Configuration>();
  const asked = new Map<number, Deferred<ReadSlot | undefined>>();
  let next = 0;
  let failure: NeuroranError | undefined;

  const fail = (error: NeuroranError): void => {
    failure ??= error;
    for (const one of asked.values()) one.reject(failure);
  };
  worker.on("message", (fed: FedSlot) => {
    if ("failure" in fed) {
      fail(reviveError(fed.failure, "SLOT_SOURCE_FAILED"));
      return;
    }
    const { number, input } = fed;
    if (input === undefined) asked.get(number)?.resolve(undefined);
    else {
      const { key, configuration, ...rest } = input;
      if (configuration !== undefined) configurations.set(key, configuration);
      const came_ms = monotonic_ms();
      asked.get(number)?.resolve({
        ...rest,
        configuration: configurations.get(key) as Configuration,
        came_ms,
      });
    }
  });
  worker.on("error", (cause) => {
    const problem = `the thread of a slot source died: ${cause instanceof Error ? cause.message : cause}`;
    fail(new NeuroranError("SLOT_SOURCE_FAILED", problem, { cause }));
  });
  worker.on("exit", () => fail(new NeuroranError("SLOT_SOURCE_FAILED", "the thread of a slot source ended")));

  return {
    async take(number) {
      if (failure !== undefined) throw failure;
      Atomics.store(wanted, 0, BigInt(number));
      for (const one of asked.keys()) if (one < number) asked.delete(one);
      for (next = Math.max(next, number); next <= number + ahead; next++) {
        const slot = deferred<ReadSlot | undefined>();
        slot.promise.catch(() => undefined);
        asked.set(next, slot);
        worker.postMessage(next);
      }
      const slot = asked.get(number) as Deferred<ReadSlot | undefined>;
      try {
        return await slot.promise;
      } finally {
        asked.delete(number);
      }
    },
    async close() {
      failure ??= new NeuroranError("SLOT_SOURCE_FAILED", "the slot source was closed");
      worker.postMessage("close");
      const force = setTimeout(() => void worker.terminate(), 1000);
      await new Promise<void>((resolve) => {
        if (worker.threadId === -1) resolve();
        else worker.once("exit", () => resolve());
      });
      clearTimeout(force);
    },
  };
}
