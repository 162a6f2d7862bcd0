import { endianness } from "node:os";
import { openSystemLibrary } from "./system-library.js";

/**
 * Writes the time in milliseconds into `times[index]`: of a clock that never goes back, since an instant that stays the
 * same while the process runs. Written, not returned, because a number that is returned may be allocated.
 */
export type Clock = (times: Float64Array, index: number) => void;

/** `CLOCK_MONOTONIC` of the platforms that have `clock_gettime`. */
const clockNumbers: Partial<Record<NodeJS.Platform, number>> = {
  linux: 1,
  android: 1,
  darwin: 6,
  freebsd: 4,
};

/**
 * A clock for the slot path. With koffi, on Linux, macOS and FreeBSD, it allocates nothing. Elsewhere it is
 * `performance.now()`, which allocates 16 bytes a call on Node 20.
 */
export function openClock(): Clock {
  return openSystemClock() ?? ((times, index) => (times[index] = performance.now()));
}

/** The clock by `clock_gettime`, where there is one. */
export function openSystemClock(): Clock | undefined {
  return openNumberedClock(clockNumbers[process.platform]);
}

/** `CLOCK_THREAD_CPUTIME_ID` of the platforms that have it. */
const threadClockNumbers: Partial<Record<NodeJS.Platform, number>> = { linux: 3, android: 3, darwin: 16 };

/**
 * A clock that goes only while the calling thread is on a processor: what it shows is the thread's own time, whatever else
 * the machine does. Undefined without koffi, or such a clock. Allocates nothing.
 */
export function openThreadClock(): Clock | undefined {
  return openNumberedClock(threadClockNumbers[process.platform]);
}

function openNumberedClock(number: number | undefined): Clock | undefined {
  const library = openSystemLibrary();
  if (number === undefined || library === undefined || endianness() !== "LE") return undefined;
  // struct timespec: seconds and nanoseconds, 64 bits each. The lower halves last for 136 years.
  const timespec = new Uint32Array(4);
  // By address: an array that is passed is looked up at each call. Bound, with the array, so that it lives as long.
  const address = Number(library.koffi.address(timespec));
  const call = library.functions.func("clock_gettime", "void", ["int", "uintptr_t"]);
  const read: () => void = call.bind(timespec, number, address);
  return (times, index) => {
    read();
    times[index] = 1e3 * timespec[0] + 1e-6 * timespec[2];
  };
}
