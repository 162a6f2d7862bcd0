import { readFileSync } from "node:fs";

/** Bytes of memory that a process has resident; undefined where the platform does not tell or the process is gone. */
export function residentMemory(processId: number): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${processId}/status`, "utf8"))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}
