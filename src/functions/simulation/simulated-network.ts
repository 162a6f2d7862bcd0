import type { Bus } from "../../bus/index.js";
import type { Random } from "../../system/index.js";
import { exponential } from "./faults.js";
import { hashOfBytes } from "./trace.js";
import type { World } from "./world.js";

type Receiver = (from: string, frame: Uint8Array) => void;

/** Frames between nodes: late, early, twice or never. */
export interface SimulatedNetwork {
  /** A bus of a node that is up: `whenUp` runs what it is given unless the node has gone down meanwhile. */
  attach(node: string, effect: () => boolean, whenUp: (run: () => void) => void): Bus;
  /** Nobody takes frames for the node any more. */
  detach(node: string): void;
  /** Cuts what goes from the one to the other. */
  cut(from: string, to: string): void;
  /** Undoes `cut`. */
  mend(from: string, to: string): void;
  /** Nothing is cut, lost, repeated or late from now on. */
  heal(): void;
}

export function createNetwork(world: World): SimulatedNetwork {
  const random: Random = world.random.fork("network");
  const { profile } = world;
  const lost = profile.has("drop") ? 0.02 + 0.2 * random.next() : 0;
  const repeated = profile.has("duplicate") ? 0.02 + 0.2 * random.next() : 0;
  const late = profile.has("delay") ? 0.01 + 0.1 * random.next() : 0;
  const mean_ms = 0.1 + 2 * random.next() ** 2;
  let healed = false;
  const receivers = new Map<string, Receiver>();
  const cuts = new Set<string>();
  // Per way, when the last frame arrives and which that is.
  const last = new Map<string, { time_ms: number; number: number }>();
  let sent = 0;

  function deliver(from: string, to: string, frame: Uint8Array, number: number): void {
    const way = `${from}>${to}`;
    if (cuts.has(way)) return;
    const receive = receivers.get(to);
    world.trace.note(
      world.time(),
      to,
      receive ? "receives" : "is down for",
      number,
      () => `#${number} from ${from}`,
    );
    receive?.(from, frame);
  }

  function transfer(from: string, to: string, frame: Uint8Array): void {
    const way = `${from}>${to}`;
    const number = sent++;
    world.trace.note(
      world.time(),
      from,
      "sends",
      hashOfBytes(frame),
      () => `#${number} to ${to}, ${frame.length} bytes`,
    );
    if (cuts.has(way)) {
      world.fault(cuts.has(`${to}>${from}`) ? "partition" : "one-way partition", way);
      return;
    }
    if (!healed && random.next() < lost) {
      world.fault("drop", way, () => `#${number}`);
      return;
    }
    let delay_ms = 0.02 + exponential(random, mean_ms);
    if (!healed && random.next() < late) {
      delay_ms += exponential(random, 60);
      world.fault("delay", way, () => `#${number} by ${delay_ms.toFixed(1)} ms`);
    }
    let time_ms = world.time() + delay_ms;
    const previous = last.get(way);
    if (previous !== undefined && time_ms < previous.time_ms) {
      if (!healed && profile.has("reorder"))
        world.fault("reorder", way, () => `#${number} before #${previous.number}`);
      else time_ms = previous.time_ms;
    }
    if (previous === undefined || time_ms >= previous.time_ms) last.set(way, { time_ms, number });
    world.schedule(time_ms - world.time(), () => deliver(from, to, frame, number));
    if (!healed && random.next() < repeated) {
      const copy = frame.slice();
      world.schedule(time_ms - world.time() + exponential(random, 20), () => {
        world.fault("duplicate", way, () => `#${number}`);
        deliver(from, to, copy, number);
      });
    }
  }

  return {
    attach(node, effect, whenUp) {
      return {
        node,
        send(to, frame) {
          if (effect()) transfer(node, to, frame);
        },
        receive(handler) {
          receivers.set(node, (from, frame) => whenUp(() => handler(from, frame)));
        },
      };
    },
    detach: (node) => void receivers.delete(node),
    cut: (from, to) => void cuts.add(`${from}>${to}`),
    mend: (from, to) => void cuts.delete(`${from}>${to}`),
    heal() {
      cuts.clear();
      healed = true;
    },
  };
}
