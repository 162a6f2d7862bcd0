import { NeuroranError } from "../errors.js";
import { sizeOfWrites } from "./log-record.js";
import { orderedMap } from "./ordered-map.js";
import type { Store } from "./store.js";

/**
 * A store that forgets everything with the process, for tests and for what need not last. Commits take effect when the
 * present task is over, as those of a real store do not take effect at once either.
 */
export function memoryStore(): Store {
  const entries = orderedMap<Uint8Array>();
  let closed = false;
  let last: Promise<void> = Promise.resolve();

  return {
    get(key) {
      const value = entries.get(key);
      return value && Buffer.from(value);
    },
    // Taken whole, as a commit between two entries must not show.
    range: (from, to) =>
      entries.keys(from, to).map((key) => ({ key, value: Buffer.from(entries.get(key)!) })),
    commit(batch) {
      if (closed)
        return Promise.reject(new NeuroranError("STORE_CLOSED", "the store is closed; open it again"));
      try {
        sizeOfWrites(batch);
      } catch (error) {
        return Promise.reject(error);
      }
      const taken = batch.map(({ key, value }) => ({ key, value: value && Buffer.from(value) }));
      last = last.then(() => {
        for (const { key, value } of taken) {
          if (value === undefined) entries.delete(key);
          else entries.set(key, value);
        }
      });
      return last;
    },
    async close() {
      closed = true;
      await last;
    },
  };
}
