/**
 * Which processors a thread runs on. Only Linux with koffi tells and obeys; elsewhere what asks gets `undefined` and
 * what is set stays as it was.
 *
 * A thread that is started inherits the processors of the thread that starts it. Those that Node and V8 have made
 * before (for input and output, compilation of JavaScript, collection of garbage) keep theirs, whatever is set here.
 */
import { readdirSync } from "node:fs";
import { openSystemLibrary } from "./system-library.js";

/** Processors 0 to 8191, a bit each: more than Linux can be built for. */
const maskBytes = 1024;

interface Affinity {
  readonly get: (thread: number, bytes: number, mask: Uint8Array) => number;
  readonly set: (thread: number, bytes: number, mask: Uint8Array) => number;
}

let affinity: Affinity | undefined;

function openAffinity(): Affinity | undefined {
  if (affinity) return affinity;
  const library = process.platform === "linux" ? openSystemLibrary() : undefined;
  if (library === undefined) return undefined;
  const types = ["int", "size_t", "void *"];
  const [get, set] = ["sched_getaffinity", "sched_setaffinity"].map((name) =>
    library.functions.func(name, "int", types),
  );
  affinity = { get, set } as unknown as Affinity;
  return affinity;
}

/** Why processors cannot be chosen here; undefined where they can. */
export function affinityProblem(): string | undefined {
  if (process.platform !== "linux") return `${process.platform} does not let a program choose`;
  return openAffinity() ? undefined : "koffi is not installed";
}

/**
 * The processors that this process may use, in ascending order: those of any of its threads, as those that Node makes
 * at its start have all.
 */
export function processProcessors(): number[] | undefined {
  if (affinityProblem() !== undefined) return undefined;
  const all = threads().flatMap((thread) => processorsOf(thread) ?? []);
  return [...new Set(all)].sort((one, other) => one - other);
}

/** The process's threads, or the calling one alone where the system does not list them. */
function threads(): number[] {
  try {
    return readdirSync("/proc/self/task").map(Number);
  } catch {
    return [0];
  }
}

/** The processors that the calling thread may use, in ascending order. */
export function threadProcessors(): number[] | undefined {
  return processorsOf(0);
}

function processorsOf(thread: number): number[] | undefined {
  const mask = new Uint8Array(maskBytes);
  if (openAffinity()?.get(thread, maskBytes, mask) !== 0) return undefined;
  const processors: number[] = [];
  mask.forEach((byte, at) => {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) processors.push(8 * at + bit);
  });
  return processors;
}

let latest: readonly number[] = [];

/** The processors that were last set for the calling thread here; none where they were not. The same array until they change. */
export function setProcessors(): readonly number[] {
  return latest;
}

/** Lets the calling thread run on these processors only; false, and no change, where that is not possible. */
export function runOn(processors: readonly number[]): boolean {
  const mask = new Uint8Array(maskBytes);
  for (const k of processors) mask[k >> 3] |= 1 << (k & 7);
  if (openAffinity()?.set(0, maskBytes, mask) !== 0) return false;
  latest = [...processors];
  return true;
}

/**
 * Lets the calling thread run on all processors of the process but these; false, and no change, where none would be
 * left or that is not possible. For threads whose work must not delay slots.
 */
export function avoidProcessors(avoided: readonly number[]): boolean {
  const left = processProcessors()?.filter((processor) => !avoided.includes(processor)) ?? [];
  return left.length > 0 && runOn(left);
}
