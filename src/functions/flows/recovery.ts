/**
 * Chooses the epoch that a flow goes on from.
 *
 * Invariants:
 * 1. What is restored is whole: the chosen epoch, and all of its generation before it, with every part that they name.
 * 2. It is the newest epoch of which that holds; why each newer one was passed over is told.
 */
import type { Manifest } from "./epoch-store.js";

/** An epoch that could not be restored. */
export interface PassedOver {
  readonly epoch: number;
  readonly problem: string;
}

export interface Choice {
  /** From the first of the generation to the chosen one; empty where there is nothing to restore. */
  readonly chain: readonly Manifest[];
  /** Newer than the chosen one, the newest first. */
  readonly passedOver: readonly PassedOver[];
}

/** Chooses from what there is. `problemOf` says what is wrong with the parts of an epoch; undefined where nothing is. */
export function chooseEpoch(
  manifests: ReadonlyMap<number, Manifest | string>,
  problemOf: (manifest: Manifest) => string | undefined,
): Choice {
  const problems = new Map<number, string | undefined>();
  const check = (epoch: number): string | undefined => {
    if (problems.has(epoch)) return problems.get(epoch);
    const manifest = manifests.get(epoch);
    let problem: string | undefined;
    if (manifest === undefined) problem = `epoch ${epoch} is missing`;
    else if (typeof manifest === "string") problem = manifest;
    else if (manifest.epoch !== epoch) problem = `it says that it is epoch ${manifest.epoch}`;
    else problem = problemOf(manifest);
    problems.set(epoch, problem);
    return problem;
  };
  const chainOf = (newest: number): Manifest[] | string => {
    const chain: Manifest[] = [];
    for (let epoch: number | undefined = newest; epoch !== undefined; ) {
      const problem = check(epoch);
      if (problem !== undefined)
        return epoch === newest ? problem : `it builds on epoch ${epoch}: ${problem}`;
      const manifest = manifests.get(epoch) as Manifest;
      chain.unshift(manifest);
      const { previous }: Manifest = manifest;
      if (previous !== undefined && previous >= epoch) return `it builds on a later epoch, ${previous}`;
      if (previous === undefined && manifest.base !== epoch)
        return `the first of its generation is ${manifest.base}`;
      epoch = previous;
    }
    return chain;
  };
  const passedOver: PassedOver[] = [];
  for (const epoch of [...manifests.keys()].sort((a, b) => b - a)) {
    const chain = chainOf(epoch);
    if (typeof chain !== "string") return { chain, passedOver };
    passedOver.push({ epoch, problem: chain });
  }
  return { chain: [], passedOver };
}
