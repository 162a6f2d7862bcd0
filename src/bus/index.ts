export { type Bus, embeddedBus } from "./bus.js";
export { type Clock, systemClock } from "./clock.js";
export { type FlushFloor, type FlushTimes, measureFlushFloor } from "./flush-floor.js";
export { openLmdbStore } from "./lmdb-store.js";
export { memoryStore } from "./memory-store.js";
export { type ObjectInfo, type ObjectStore, openObjectStore } from "./object-store.js";
export { compareKeys } from "./ordered-map.js";
export { afterPrefix, type Entry, type Store, type Write } from "./store.js";
export { turnTaking } from "./turn-taking.js";
