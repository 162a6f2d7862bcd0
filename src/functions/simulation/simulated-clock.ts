import type { Clock } from "../../bus/index.js";
import type { World } from "./world.js";

/** A node's idea of the time: it runs a little fast or slow, and jumps. It outlives the node's crashes. */
export interface SimulatedClock {
  /** The clock of a node that is up: `whenUp` runs what it is given unless the node has gone down meanwhile. */
  attach(whenUp: (run: () => void) => void): Clock;
  jump(by_ms: number): void;
  /** Right again, and exact. */
  heal(): void;
  now(): number;
  /** The latest time that the node has ever seen on it. */
  latest(): number;
}

/** A time of day in 2026, so that stored times have their real size. */
const start_ms = 1_782_000_000_000;

export function createClock(world: World, name: string): SimulatedClock {
  const random = world.random.fork(`clock of ${name}`);
  let rate = 1;
  let offset_ms = 0;
  if (world.profile.has("clock drift")) {
    rate = 1 + 0.02 * (random.next() - 0.5);
    offset_ms = 200 * (random.next() - 0.5);
    world.fault("clock drift", name, () => `rate ${rate.toFixed(4)}, ${offset_ms.toFixed(0)} ms`);
  }
  let latest_ms = 0;
  const now = (): number => {
    const now_ms = Math.floor(start_ms + offset_ms + rate * world.time());
    latest_ms = Math.max(latest_ms, now_ms);
    return now_ms;
  };

  function attach(whenUp: (run: () => void) => void): Clock {
    let lastSoon_ms = 0;
    return {
      now,
      after(delay_ms, then) {
        const event = world.schedule(Math.max(1, delay_ms) / rate + 0.2 * random.next(), () => whenUp(fire));
        function fire(): void {
          if (!event.cancelled) then();
        }
        return () => {
          event.cancelled = true;
        };
      },
      soon(then) {
        // What waits for one turn of the event loop runs in order, and lets in what arrives meanwhile.
        lastSoon_ms = Math.max(lastSoon_ms, world.time() + 0.02 * random.next());
        world.schedule(lastSoon_ms - world.time(), () => whenUp(then));
      },
    };
  }

  return {
    attach,
    jump(by_ms) {
      offset_ms += by_ms;
    },
    heal() {
      rate = 1;
      offset_ms = 0;
    },
    now,
    latest: () => latest_ms,
  };
}
