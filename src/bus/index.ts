export { type Bus, embeddedBus } from "./bus.js";
export { type Clock, systemClock } from "./clock.js";
export { compareKeys, memoryStore } from "./memory-store.js";
export { afterPrefix, type Entry, type Store, type Write } from "./store.js";
