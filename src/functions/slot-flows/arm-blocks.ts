import type { ArmName, LatestArm } from "../canary.js";

/** What came in the slots of one of two implementations that take turns, and what of it was lost. */
export interface BlockCounts {
  readonly blocks: number;
  readonly lost: number;
}

export type ArmBlocks = Readonly<Record<ArmName, BlockCounts>>;

/** Counts blocks slot by slot; begins anew with every two implementations that take turns. */
export function countArmBlocks(): {
  /** After each slot: who had the latest one, if anybody took turns, and whether what came in it was lost. */
  count(latest: LatestArm | undefined, lost: boolean): void;
  counts(): ArmBlocks;
} {
  const none = () => ({ present: { blocks: 0, lost: 0 }, canary: { blocks: 0, lost: 0 } });
  let counts = none();
  let seen = 0;
  return {
    count(latest, lost) {
      // A slot of the former thread, just before slots were handed over, is nobody's.
      if (latest === undefined || latest.slots === 0) seen = 0;
      if (latest === undefined || latest.slots === seen) return;
      if (seen === 0 || latest.slots < seen) counts = none();
      seen = latest.slots;
      const arm = counts[latest.arm];
      arm.blocks++;
      if (lost) arm.lost++;
    },
    counts: () => structuredClone(counts),
  };
}
