import { openSystemLibrary } from "./system-library.js";

/** Of sched.h: who is ready first runs until it waits; what a thread starts does not inherit it. */
const fifo = 1;
const resetOnFork = 0x40000000;
const ordinary = 0;

/** Of threads with real-time priority, who goes first: the second is for what works for a thread of the first. */
const ranks = { first: 2, second: 1 } as const;

type SetScheduler = (thread: number, policy: number, parameters: Int32Array) => number;

let setScheduler: SetScheduler | undefined;
let isOn = false;

/** Whether the calling thread has real-time priority, as far as it was set here. */
export function hasRealTime(): boolean {
  return isOn;
}

/**
 * Lets the calling thread go before all threads of ordinary priority, or be such a thread again. For threads that do little
 * at a time and then wait: one that never waits would keep all others from its processor.
 * @returns why that is not possible here; undefined when it is done.
 */
export function setRealTime(on: boolean, rank: keyof typeof ranks = "first"): string | undefined {
  if (process.platform !== "linux") return `${process.platform} does not let a program choose`;
  const library = setScheduler === undefined ? openSystemLibrary() : undefined;
  if (library !== undefined) {
    const types = ["int", "int", "void *"];
    setScheduler = library.functions.func("sched_setscheduler", "int", types) as unknown as SetScheduler;
  }
  if (setScheduler === undefined) return "koffi is not installed";
  const priority = Int32Array.of(on ? ranks[rank] : 0);
  const done = setScheduler(0, on ? fifo | resetOnFork : ordinary, priority) === 0;
  if (done) isOn = on;
  return done ? undefined : "the system refuses real-time priority: run as root, or with CAP_SYS_NICE";
}
