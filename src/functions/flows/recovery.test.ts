import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Manifest } from "./epoch-store.js";
import { chooseEpoch } from "./recovery.js";
import { beginning } from "./restoration.js";

function manifest(epoch: number, base: number, previous: number | undefined): Manifest {
  return { ...beginning, epoch, base, previous };
}

/** Two generations: epochs 1 to 4, and 5 to 8. */
const all = new Map<number, Manifest | string>(
  [1, 2, 3, 4, 5, 6, 7, 8].map((epoch) => {
    const base = epoch < 5 ? 1 : 5;
    return [epoch, manifest(epoch, base, epoch === base ? undefined : epoch - 1)];
  }),
);

describe("choice of an epoch", () => {
  it("takes the newest whose generation is whole up to it (invariants 1 and 2)", () => {
    fc.assert(
      fc.property(
        fc.subarray([1, 2, 3, 4, 5, 6, 7, 8]),
        fc.subarray([1, 2, 3, 4, 5, 6, 7, 8]),
        (damaged, lost) => {
          const manifests = new Map(all);
          for (const epoch of lost) manifests.set(epoch, "lost");
          const { chain, passedOver } = chooseEpoch(manifests, ({ epoch }) =>
            damaged.includes(epoch) ? "damaged" : undefined,
          );
          const bad = (epoch: number) => damaged.includes(epoch) || lost.includes(epoch);
          const whole = (epoch: number) => {
            for (let one = epoch < 5 ? 1 : 5; one <= epoch; one++) if (bad(one)) return false;
            return true;
          };
          const best = [8, 7, 6, 5, 4, 3, 2, 1].find(whole);
          expect(chain.at(-1)?.epoch).toBe(best);
          if (best !== undefined) expect(chain[0].epoch).toBe(best < 5 ? 1 : 5);
          expect(passedOver.map(({ epoch }) => epoch)).toEqual(
            [8, 7, 6, 5, 4, 3, 2, 1].filter((epoch) => epoch > (best ?? 0)),
          );
        },
      ),
      { seed: 20261121, numRuns: 500 },
    );
  });

  it("begins at the beginning where there is nothing", () => {
    expect(chooseEpoch(new Map(), () => undefined)).toEqual({ chain: [], passedOver: [] });
  });

  it("refuses manifests that name each other wrongly", () => {
    const wrong = new Map([
      [3, manifest(3, 3, 3)],
      [2, manifest(4, 2, undefined)],
      [1, manifest(1, 0, undefined)],
    ]);
    const { chain, passedOver } = chooseEpoch(wrong, () => undefined);
    expect(chain).toEqual([]);
    expect(passedOver.map(({ problem }) => problem)).toEqual([
      "it builds on a later epoch, 3",
      "it says that it is epoch 4",
      "the first of its generation is 0",
    ]);
  });
});
