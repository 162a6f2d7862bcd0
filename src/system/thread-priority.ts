import { openSystemLibrary } from "./system-library.js";

/** Of sched.h: who is ready first runs until it waits; what a thread starts does not inherit it. */
const fifo = 1;
const resetOnFork = 0x40000000;
const ordinary = 0;

type SetScheduler = (thread: number, policy: number, parameters: Int32Array) => number;

let setScheduler: SetScheduler | undefined;

/**
 * Lets the calling thread go before all threads of ordinary priority, or be such a thread again. For threads that do little
 * at a time and then wait: one that never waits would keep all others from its processor.
 * @returns why that is not possible here; undefined when it is done.
 */
export function setRealTime(on: boolean): string | undefined {
  if (process.platform !== "linux") return `${process.platform} does not let a program choose`;
  const library = setScheduler === undefined ? openSystemLibrary() : undefined;
  if (library !== undefined) {
    const types = ["int", "int", "void *"];
    setScheduler = library.functions.func("sched_setscheduler", "int", types) as unknown as SetScheduler;
  }
  if (setScheduler === undefined) return "koffi is not installed";
  const done = setScheduler(0, on ? fifo | resetOnFork : ordinary, Int32Array.of(on ? 1 : 0)) === 0;
  return done ? undefined : "the system refuses real-time priority: run as root, or with CAP_SYS_NICE";
}
