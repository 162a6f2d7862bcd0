import type { Store, Write } from "../../bus/index.js";
import type { Cipher } from "./cipher.js";

const batchLength = 500;

/**
 * Seals the entries of a range anew that are sealed under an older version of a function's data key, each for its own key as
 * the associated text, so that older versions can be retired. Nobody else may commit to the range meanwhile, since what he
 * commits between the reading and the writing of an entry would be undone. Gives how many were sealed anew.
 * @throws NeuroranError (rejections) STATE_CORRUPT at the first entry that does not open; what the store's commit throws.
 */
export async function resealRange(store: Store, cipher: Cipher, from: string, to: string): Promise<number> {
  let resealed = 0;
  let batch: Write[] = [];
  const flush = async (): Promise<void> => {
    resealed += batch.length;
    await store.commit(batch);
    batch = [];
  };
  for (const { key, value } of store.range(from, to)) {
    const fresh = cipher.reseal(value, key);
    if (fresh !== undefined) batch.push({ key, value: fresh });
    if (batch.length === batchLength) await flush();
  }
  await flush();
  return resealed;
}
