import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { leasedProcessors, leaseProcessor, processProcessors } from "../../src/system/index.js";
import { testTargets } from "../targets.js";
import { addKernel } from "./built-elsewhere.js";

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

/** Lists of processors that threads of this process may use, as Linux prints them. */
function processorLists(): string[] {
  return readdirSync("/proc/self/task").map((task) => {
    const status = readFileSync(`/proc/self/task/${task}/status`, "utf8");
    return /^Cpus_allowed_list:\s*(.*)$/m.exec(status)![1]!;
  });
}

describe("the compiler's thread", () => {
  // With two processors what is left is a single number, however Linux writes ranges.
  it.skipIf((processProcessors() ?? []).length !== 2)("stays off the processors of slot threads", () => {
    const lease = leaseProcessor();
    // Where another process has it, that one's is to be avoided.
    const leased = leasedProcessors();
    const left = processProcessors()!.filter((processor) => !leased.includes(processor));
    expect(left).toHaveLength(1);
    expect(testTargets[0]!.compile(addKernel(2, 1), memory)(64, 40)).toBe(42);
    expect(processorLists()).toContain(String(left[0]));
    lease.release();
  });
});
