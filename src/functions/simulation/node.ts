import type { Bus, Clock, Store } from "../../bus/index.js";
import type { Random } from "../../system/index.js";
import { createClock, type SimulatedClock } from "./simulated-clock.js";
import { createDisk, type SimulatedDisk } from "./simulated-disk.js";
import type { SimulatedNetwork } from "./simulated-network.js";
import type { World } from "./world.js";

/** What a node that is up gives to the code under test: all that it may use of the outside. */
export interface Machine {
  readonly name: string;
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** Counts the starts of this node. */
  readonly incarnation: number;
  /** False from the crash on, even for code that still runs in the event in which it happened. */
  isUp(): boolean;
  /** Runs it unless the node has gone down; later where the node pauses. */
  whenUp(run: () => void): void;
}

/**
 * A simulated node.
 *
 * Invariants:
 * 1. From its crash on nothing that a node does has an effect, and none of its callbacks is called.
 * 2. Only what its disk kept reaches its next start.
 */
export interface SimulatedNode {
  readonly name: string;
  readonly disk: SimulatedDisk;
  readonly clock: SimulatedClock;
  /** Undefined while it is down. */
  readonly machine: Machine | undefined;
  start(): void;
  /** Goes down now. */
  crash(): void;
  /**
   * Goes down at the so manyth time from now that it sends or commits: just before, so that of one event's effects some
   * happen and some do not, or so long after.
   */
  crashAtEffect(effects: number, after_ms: number | undefined): void;
  /** Stops running for a while: what comes waits. */
  pause(until_ms: number): void;
}

/** A node that is down at first. @param boot is called at each start; what it makes is dropped at the crash. */
export function createNode(
  world: World,
  network: SimulatedNetwork,
  name: string,
  boot: (machine: Machine) => void,
): SimulatedNode {
  const disk = createDisk(world, name);
  const clock = createClock(world, name);
  let current: { machine: Machine; die(): void } | undefined;
  let incarnation = 0;
  let effectsLeft = Number.POSITIVE_INFINITY;
  let crashDelay_ms: number | undefined;
  let pausedUntil_ms = 0;

  function startMachine(): { machine: Machine; die(): void } {
    let up = true;
    const waiting: (() => void)[] = [];
    const whenUp = (run: () => void): void => {
      if (!up) return;
      if (world.time() >= pausedUntil_ms && waiting.length === 0) {
        run();
        return;
      }
      waiting.push(run);
      if (waiting.length > 1) return;
      world.schedule(pausedUntil_ms - world.time(), resume);
    };
    const resume = (): void => {
      // One after the other, each an event of its own: a pause must not run promises' work in one heap.
      const run = waiting.shift();
      if (waiting.length > 0) world.schedule(0, resume);
      if (up) run?.();
    };
    const effect = (): boolean => {
      if (up && --effectsLeft === 0) {
        if (crashDelay_ms === undefined) crashWithin();
        else world.schedule(crashDelay_ms, () => up && effectsLeft <= 0 && crashWithin());
      }
      return up;
    };
    const crashWithin = (): void => {
      world.fault("crash within an event", name);
      crash();
    };
    const machine: Machine = {
      name,
      incarnation,
      bus: network.attach(name, effect, whenUp),
      store: disk.open(effect, whenUp),
      clock: clock.attach(whenUp),
      random: world.random.fork(`${name} ${incarnation}`),
      isUp: () => up,
      whenUp,
    };
    return {
      machine,
      die() {
        up = false;
      },
    };
  }

  function start(): void {
    if (current !== undefined) return;
    incarnation++;
    effectsLeft = Number.POSITIVE_INFINITY;
    pausedUntil_ms = 0;
    world.trace.note(world.time(), name, "starts", incarnation);
    current = startMachine();
    boot(current.machine);
  }

  function crash(): void {
    if (current === undefined) return;
    world.trace.note(world.time(), name, "goes down");
    current.die();
    current = undefined;
    network.detach(name);
    disk.crash();
  }

  return {
    name,
    disk,
    clock,
    get machine() {
      return current?.machine;
    },
    start,
    crash,
    crashAtEffect(effects, after_ms) {
      effectsLeft = effects;
      crashDelay_ms = after_ms;
    },
    pause(until_ms) {
      pausedUntil_ms = until_ms;
      world.fault("pause", name);
    },
  };
}
