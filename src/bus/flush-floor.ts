import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openDataFile } from "./data-file.js";
import { openLmdbStore } from "./lmdb-store.js";

/** Times of the half and of the slowest hundredth, in milliseconds. */
export interface FlushTimes {
  readonly p50_ms: number;
  readonly p99_ms: number;
}

/** What durability costs on the disk of a directory: no durable invocation can be faster. */
export interface FlushFloor {
  /** One commit of one value of 100 bytes to the store. */
  readonly store: FlushTimes;
  /** The same as a transaction of LMDB alone, which waits for the disk as well. */
  readonly lmdb: FlushTimes;
  /** Commits that were timed for each. */
  readonly commits: number;
}

const commits = 300;
const warmUp = 30;

/** Measures in a new directory beside what is there, and removes it; takes about half a second. Throws as opening does. */
export async function measureFlushFloor(directory: string): Promise<FlushFloor> {
  const place = mkdtempSync(join(directory, "flush-floor-"));
  try {
    const value = Buffer.alloc(100, "v");
    const store = await openLmdbStore(join(place, "store"));
    const ofStore = await time(() => store.commit([{ key: "key", value }]));
    await store.close();
    const data = await openDataFile(place);
    const writes = new Map([["key", value]]);
    let sequence = 0;
    const ofData = await time(() => data.apply(writes, { sequence: ++sequence, salt: 0 }));
    await data.close();
    return { store: ofStore, lmdb: ofData, commits };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function time(commit: () => Promise<void> | void): Promise<FlushTimes> {
  const times: number[] = [];
  for (let count = -warmUp; count < commits; count++) {
    const start = performance.now();
    await commit();
    if (count >= 0) times.push(performance.now() - start);
  }
  times.sort((one, other) => one - other);
  const quantile = (share: number): number => times[Math.floor(share * times.length)]!;
  return { p50_ms: quantile(0.5), p99_ms: quantile(0.99) };
}
