import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { openLmdbStore, openObjectStore, type Store } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import { openRegistry, type Registry } from "./registry.js";

/** How long a process waits for another that has the registry, and how often it looks. */
const patience_ms = 20_000;
const pause_ms = 25;

/**
 * Does something with the registry of a data directory, which is opened for that only: it has a store of its own beside the
 * node's, under its own lock, so that commands and nodes take turns and none waits for a node to end.
 * @throws NeuroranError STORE_LOCKED where another process has had it all the time, and what {@link openLmdbStore} throws
 */
export async function withRegistry<T>(
  dataDirectory: string,
  use: (registry: Registry) => Promise<T>,
): Promise<T> {
  const store = await open(join(dataDirectory, "models"));
  try {
    return await use(await openRegistry(await openObjectStore(store, "models")));
  } finally {
    await store.close();
  }
}

async function open(directory: string): Promise<Store> {
  const end = performance.now() + patience_ms;
  for (;;) {
    try {
      return await openLmdbStore(directory);
    } catch (error) {
      const isLocked = error instanceof NeuroranError && error.code === "STORE_LOCKED";
      if (!isLocked || performance.now() > end) throw error;
      await setTimeout(pause_ms);
    }
  }
}
