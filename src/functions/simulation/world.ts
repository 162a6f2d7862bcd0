import { createRandom, type Random } from "../../system/index.js";
import { createEventQueue, type SimulatedEvent } from "./event-queue.js";
import { drawProfile, type FaultCounts, type FaultKind, type FaultProfile, noFaults } from "./faults.js";
import type { ScheduleOptions } from "./scenario.js";
import { createTrace, type Trace } from "./trace.js";

/** What a run of the code under test must never show. */
export interface Violation {
  /** The invariant's name. */
  readonly invariant: string;
  readonly detail: string;
}

/**
 * Simulated time, chance and faults of one schedule.
 *
 * Invariants:
 * 1. Whatever happens, happens in one event after the other; what promises an event settles runs before the next event.
 * 2. Two runs from one seed have equal events at equal times: nothing is drawn from elsewhere, nothing waits for real time.
 */
export interface World {
  readonly random: Random;
  readonly profile: FaultProfile;
  readonly faults: FaultCounts;
  readonly trace: Trace;
  /** Events so far. */
  readonly events: number;
  /** The first one found. */
  readonly violation: Violation | undefined;
  /** The true time, which no node knows. */
  time(): number;
  schedule(delay_ms: number, run: () => void): SimulatedEvent;
  /** Counts a fault that took effect, and takes it down. */
  fault(kind: FaultKind, where: string, detail?: () => string): void;
  violate(invariant: string, detail: string): void;
  /** Runs events until `done`, a violation, the deadline or no event; gives whether `done`. */
  run(done: () => boolean, deadline_ms: number): Promise<boolean>;
}

/** The world of a seed, in which nothing has happened yet. */
export function createWorld(seed: number, { lines = false, profile }: ScheduleOptions = {}): World {
  const random = createRandom(seed);
  const queue = createEventQueue();
  const trace = createTrace(lines);
  const faults = noFaults();
  let time_ms = 0;
  let events = 0;
  let violation: Violation | undefined;

  function violate(invariant: string, detail: string): void {
    if (violation !== undefined) return;
    violation = { invariant, detail };
    trace.note(time_ms, "oracle", "violated", 0, () => `${invariant}: ${detail}`);
  }

  async function run(done: () => boolean, deadline_ms: number): Promise<boolean> {
    const onRejection = (reason: unknown): void => violate("no promise fails unseen", describe(reason));
    process.on("unhandledRejection", onRejection);
    try {
      while (violation === undefined) {
        if (done()) return true;
        const event = queue.pop();
        if (event === undefined || event.time_ms > deadline_ms) return false;
        time_ms = event.time_ms;
        events++;
        try {
          event.run();
        } catch (error) {
          violate("no exception escapes", describe(error));
        }
        // An immediate runs only when no microtask is left, however long their chain.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      return false;
    } finally {
      process.off("unhandledRejection", onRejection);
    }
  }

  return {
    random,
    profile: profile === undefined ? drawProfile(random.fork("profile")) : new Set(profile as FaultKind[]),
    faults,
    trace,
    get events() {
      return events;
    },
    get violation() {
      return violation;
    },
    time: () => time_ms,
    schedule: (delay_ms, then) => queue.push(time_ms + delay_ms, then),
    fault(kind, where, detail) {
      faults[kind]++;
      trace.note(time_ms, where, kind, 0, detail);
    },
    violate,
    run,
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
