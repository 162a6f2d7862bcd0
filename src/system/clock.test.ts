import { describe, expect, it } from "vitest";
import { openClock, openSystemClock, openThreadClock } from "./clock.js";
import { openSystemLibrary } from "./system-library.js";

describe("the clock of the slot path", () => {
  it("goes as fast as performance.now(), and never back", () => {
    const readClock = openClock();
    const times = new Float64Array(2);
    const begin = performance.now();
    readClock(times, 0);
    let last = times[0];
    while (performance.now() < begin + 50) {
      readClock(times, 1);
      expect(times[1]).toBeGreaterThanOrEqual(last);
      last = times[1];
    }
    readClock(times, 1);
    const other = performance.now() - begin;
    expect(times[1] - times[0]).toBeGreaterThanOrEqual(49.9);
    expect(times[1] - times[0]).toBeLessThanOrEqual(other + 0.1);
  });

  it.skipIf(openSystemLibrary() === undefined)("tells nanoseconds apart, from one instant for all", () => {
    const [one, other] = [openSystemClock()!, openSystemClock()!];
    const times = new Float64Array(1000);
    for (let k = 0; k < times.length; k++) (k & 1 ? one : other)(times, k);
    const steps = times.subarray(1).map((time, k) => time - times[k]);
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0);
    // A clock call takes well below a microsecond, but other processes may come in between.
    expect(steps.sort()[500]).toBeLessThan(0.005);
  });
});

describe.skipIf(openThreadClock() === undefined)("the clock of a thread's own time", () => {
  it("goes while the thread works, and stands while it sleeps", () => {
    const readClock = openThreadClock()!;
    const times = new Float64Array(3);
    readClock(times, 0);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    readClock(times, 1);
    expect(times[1] - times[0]).toBeLessThan(20);
    const begin = performance.now();
    // However long others keep it from the processor.
    for (; times[2] < times[1] + 20; readClock(times, 2));
    expect(performance.now() - begin).toBeGreaterThanOrEqual(19.9);
  });
});
