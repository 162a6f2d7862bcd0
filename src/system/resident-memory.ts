import { readFileSync } from "node:fs";

/** Memory that a process has resident. */
export interface ResidentMemory {
  readonly bytes: number;
  /** Of it, what is backed by no file: the process's own. The rest is shared, or given back when others need memory. */
  readonly anonymous_bytes: number;
}

/** What a process has resident; undefined where the platform does not tell, or the process is gone. */
export function residentMemory(processId: number): ResidentMemory | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${processId}/status`, "utf8");
  } catch {
    return undefined;
  }
  const [bytes, anonymous_bytes] = ["VmRSS", "RssAnon"].map((name) => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  });
  return bytes === undefined || anonymous_bytes === undefined ? undefined : { bytes, anonymous_bytes };
}
