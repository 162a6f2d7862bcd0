import { leaseProcessor, runOn, threadProcessors } from "../../system/index.js";

/**
 * Pins the calling thread for a measurement to a processor that no slot thread has, where the platform allows it.
 * @returns where it runs, in words, and what undoes it
 */
export function takeProcessor(): { readonly note: string; restore(): void } {
  const before = threadProcessors() ?? [];
  const { processor, problem, release } = leaseProcessor();
  const pinned = processor !== undefined && runOn([processor]);
  return {
    note: pinned
      ? `pinned to processor ${processor}`
      : `not pinned: ${problem ?? "the system refuses to pin the thread"}`,
    restore() {
      if (pinned) runOn(before);
      release();
    },
  };
}
