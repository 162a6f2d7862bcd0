import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import { type Action, type CommitAnswer, createCoordinator } from "./coordinator.js";

const seed = 20261121;

/** A manifest that several coordinators change by compare-and-set, with messages that are late and answers that are lost. */
function simulate(simulationSeed: number, participants: number, steps: number) {
  const random = createRandom(simulationSeed);
  const register = { revision: 0, term: 0, epoch: 0 };
  const committed: { epoch: number; term: number }[] = [];
  /** What is on its way: done in any order. */
  const pending: (() => void)[] = [];
  const acknowledgedBy = new Map<string, Set<number>>();
  const counts = { released: 0, aborted: 0, fenced: 0, begun: 0, settled: 0, lost: 0 };
  const begunBy = new Map<number, number[]>();

  const incarnation = () => {
    register.revision++;
    register.term++;
    const { term, epoch: claimed } = register;
    let revision = register.revision;
    const coordinator = createCoordinator(claimed, participants);
    let crashed = false;
    let last = claimed;
    const later = (then: () => void): void => {
      pending.push(() => {
        if (!crashed) then();
      });
    };
    /** The store takes a change whether or not the one who asked still lives. */
    const compareAndSet = (
      expected: number,
      epoch: number | undefined,
      answer: (ok: boolean) => void,
    ): void => {
      pending.push(() => {
        const ok = register.revision === expected;
        if (ok) {
          register.revision++;
          if (epoch !== undefined) {
            register.epoch = epoch;
            committed.push({ epoch, term });
          }
        }
        later(() => answer(ok));
      });
    };
    const act = (actions: readonly Action[]): void => {
      for (const action of actions) {
        const { kind } = action;
        if (kind === "stop") {
          counts.fenced++;
          continue;
        }
        const { epoch } = action;
        switch (kind) {
          case "begin": {
            counts.begun++;
            begunBy.set(term, [...(begunBy.get(term) ?? []), epoch]);
            for (let participant = 0; participant < participants; participant++) {
              // Some acknowledge twice, some never.
              for (let times = random.integer(8); times < 9; times += 4) {
                later(() => {
                  const key = `${term} ${epoch}`;
                  acknowledgedBy.set(key, (acknowledgedBy.get(key) ?? new Set()).add(participant));
                  act(coordinator.acknowledged(epoch, participant));
                });
              }
            }
            later(() => act(coordinator.expired(epoch)));
            break;
          }
          case "commit": {
            // A commit is asked for with all acknowledgements (invariant 2).
            expect(acknowledgedBy.get(`${term} ${epoch}`)?.size).toBe(participants);
            const expected = revision;
            const lost = random.integer(3) === 0;
            if (lost) {
              counts.lost++;
              compareAndSet(expected, epoch, () => {});
              later(() => act(coordinator.answered(epoch, "unknown")));
            } else {
              compareAndSet(expected, epoch, (ok) => {
                if (ok) revision = expected + 1;
                act(coordinator.answered(epoch, ok ? "committed" : "fenced"));
              });
            }
            break;
          }
          case "settle": {
            counts.settled++;
            // A change of nothing but the revision: after it, the commit can no longer take effect.
            const expected = revision;
            compareAndSet(expected, undefined, (ok) => {
              let answer: CommitAnswer;
              if (ok) {
                revision = expected + 1;
                answer = "failed";
              } else if (register.term !== term) answer = "fenced";
              else {
                revision = register.revision;
                answer = register.epoch === epoch ? "committed" : "failed";
              }
              act(coordinator.answered(epoch, answer));
            });
            break;
          }
          case "release":
            counts.released++;
            expect(committed).toContainEqual({ epoch, term });
            expect(epoch).toBeGreaterThan(last);
            last = epoch;
            break;
          case "abort":
            counts.aborted++;
            expect(committed).not.toContainEqual({ epoch, term });
            break;
        }
      }
    };
    return {
      term,
      coordinator,
      begin: () => act(coordinator.begin()),
      crash() {
        crashed = true;
      },
    };
  };

  let alive = [incarnation()];
  for (let step = 0; step < steps; step++) {
    const choice = random.integer(20);
    if (choice === 0) {
      // A successor; the one before it may live on, knowing nothing.
      if (random.integer(2) === 0) alive.at(-1)?.crash();
      alive = [...alive.slice(-2), incarnation()];
    } else if (choice < 6) alive[random.integer(alive.length)].begin();
    else if (pending.length > 0) pending.splice(random.integer(pending.length), 1)[0]();
  }
  return { committed, counts, begunBy, alive, register };
}

describe("coordinator", () => {
  it("commits each epoch once, in order, whoever else coordinates (invariants 1 to 3, 5)", () => {
    const total = { released: 0, aborted: 0, fenced: 0, settled: 0, lost: 0 };
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 4 }), (simulationSeed, participants) => {
        const { committed, counts, begunBy } = simulate(simulationSeed, participants, 600);
        for (let index = 1; index < committed.length; index++) {
          expect(committed[index].epoch).toBeGreaterThan(committed[index - 1].epoch);
          expect(committed[index].term).toBeGreaterThanOrEqual(committed[index - 1].term);
        }
        for (const epochs of begunBy.values())
          expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
        for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += counts[name];
      }),
      { seed, numRuns: 300 },
    );
    // A simulation in which one of these never happens shows nothing.
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(100);
  });

  it("gives an epoch up that takes too long, and goes on with the next (invariant 4)", () => {
    const coordinator = createCoordinator(7, 2);
    expect(coordinator.begin()).toEqual([{ kind: "begin", epoch: 8 }]);
    expect(coordinator.begin()).toEqual([]);
    expect(coordinator.acknowledged(8, 0)).toEqual([]);
    expect(coordinator.pending()).toEqual({ epoch: 8, phase: "gathering", missing: [1] });
    expect(coordinator.expired(8)).toEqual([{ kind: "abort", epoch: 8 }]);
    expect(coordinator.begin()).toEqual([{ kind: "begin", epoch: 9 }]);
    expect(coordinator.acknowledged(8, 1)).toEqual([]);
    expect(coordinator.acknowledged(9, 1)).toEqual([]);
    expect(coordinator.acknowledged(9, 1)).toEqual([]);
    expect(coordinator.acknowledged(9, 0)).toEqual([{ kind: "commit", epoch: 9 }]);
    expect(coordinator.answered(9, "committed")).toEqual([{ kind: "release", epoch: 9 }]);
    expect(coordinator.pending()).toBeUndefined();
  });

  it("begins nothing while a commit may still take effect (invariant 3)", () => {
    const coordinator = createCoordinator(0, 1);
    coordinator.begin();
    coordinator.acknowledged(1, 0);
    expect(coordinator.expired(1)).toEqual([]);
    expect(coordinator.answered(1, "unknown")).toEqual([{ kind: "settle", epoch: 1 }]);
    expect(coordinator.begin()).toEqual([]);
    expect(coordinator.answered(1, "failed")).toEqual([{ kind: "abort", epoch: 1 }]);
    expect(coordinator.begin()).toEqual([{ kind: "begin", epoch: 2 }]);
  });

  it("does nothing any more once another has taken over (invariant 5)", () => {
    const coordinator = createCoordinator(0, 1);
    coordinator.begin();
    coordinator.acknowledged(1, 0);
    expect(coordinator.answered(1, "fenced")).toEqual([{ kind: "stop" }]);
    expect(coordinator.fenced()).toBe(true);
    expect(coordinator.begin()).toEqual([]);
    expect(coordinator.acknowledged(2, 0)).toEqual([]);
    expect(coordinator.answered(1, "committed")).toEqual([]);
  });
});
