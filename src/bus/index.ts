export { type Bus, embeddedBus } from "./bus.js";
export { type Clock, systemClock } from "./clock.js";
export { afterPrefix, type Entry, type Store, type Write } from "./store.js";
