/**
 * Decides when an epoch of a flow begins, is committed or is given up. It does nothing itself: each event gives the
 * actions that follow from it.
 *
 * Invariants:
 * 1. At most one epoch is under way, and epochs have ascending numbers; none is begun twice.
 * 2. A commit is asked for when every participant has acknowledged that epoch, and once for each epoch.
 * 3. While a commit may still take effect, no other epoch begins: an answer that is lost is settled first.
 * 4. An epoch that is aborted ends alone; the flow goes on, and the next epoch contains what it had.
 * 5. Who learned that another coordinator has taken over, by its higher term, does nothing any more.
 */

/** What the coordinator wants done. */
export type Action =
  /** Have all sources send the barrier of this epoch. */
  | { readonly kind: "begin"; readonly epoch: number }
  /** Tell all tasks to forget this epoch. */
  | { readonly kind: "abort"; readonly epoch: number }
  /** Store the epoch's parts, and then its manifest by one compare-and-set; say how it went by `answered`. */
  | { readonly kind: "commit"; readonly epoch: number }
  /** Find out whether the commit took effect and see to it that it no longer can; say it by `answered`. */
  | { readonly kind: "settle"; readonly epoch: number }
  /** The epoch is committed: release what waited for it, delete what it supersedes. */
  | { readonly kind: "release"; readonly epoch: number }
  /** Another coordinator has taken over: stop. */
  | { readonly kind: "stop" };

/**
 * How a commit went: it took effect; it did not and cannot any more; the manifest is another coordinator's; or nobody
 * knows.
 */
export type CommitAnswer = "committed" | "failed" | "fenced" | "unknown";

export interface Coordinator {
  /** Begins an epoch, unless one is under way. */
  begin(): readonly Action[];
  /** A participant has all of an epoch's parts handed over. */
  acknowledged(epoch: number, participant: number): readonly Action[];
  /** An epoch has taken too long. */
  expired(epoch: number): readonly Action[];
  answered(epoch: number, answer: CommitAnswer): readonly Action[];
  /** The epoch under way, what it waits for, and who has not acknowledged it. */
  pending():
    | {
        readonly epoch: number;
        readonly phase: "gathering" | "committing";
        readonly missing: readonly number[];
      }
    | undefined;
  /** The epoch that was begun last. */
  latest(): number;
  /** Whether another coordinator has taken over. */
  fenced(): boolean;
}

/** A coordinator whose epochs come behind `lastEpoch`, of a flow with so many participants, numbered from 0. */
export function createCoordinator(lastEpoch: number, participants: number): Coordinator {
  let epoch = lastEpoch;
  let phase: "idle" | "gathering" | "committing" | "fenced" = "idle";
  const missing = new Set<number>();

  const abort = (): readonly Action[] => {
    phase = "idle";
    missing.clear();
    return [{ kind: "abort", epoch }];
  };

  return {
    begin() {
      if (phase !== "idle") return [];
      epoch++;
      phase = "gathering";
      for (let participant = 0; participant < participants; participant++) missing.add(participant);
      return [{ kind: "begin", epoch }];
    },
    acknowledged(which, participant) {
      if (phase !== "gathering" || which !== epoch || !missing.delete(participant) || missing.size > 0)
        return [];
      phase = "committing";
      return [{ kind: "commit", epoch }];
    },
    expired(which) {
      // A commit that was asked for may have taken effect: only its answer ends it (invariant 3).
      return phase === "gathering" && which === epoch ? abort() : [];
    },
    answered(which, answer) {
      if (phase !== "committing" || which !== epoch) return [];
      switch (answer) {
        case "committed":
          phase = "idle";
          return [{ kind: "release", epoch }];
        case "failed":
          return abort();
        case "unknown":
          return [{ kind: "settle", epoch }];
        case "fenced":
          phase = "fenced";
          return [{ kind: "stop" }];
      }
    },
    pending() {
      if (phase === "idle" || phase === "fenced") return undefined;
      return { epoch, phase, missing: [...missing] };
    },
    latest: () => epoch,
    fenced: () => phase === "fenced",
  };
}
