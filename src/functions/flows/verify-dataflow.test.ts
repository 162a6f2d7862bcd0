import { describe, expect, it } from "vitest";
import { verifyDataflow } from "./verify-dataflow.js";

const seed = 20261121;

describe("verification of a flow", () => {
  it(`finds everything once after kills, seed ${seed}`, async () => {
    const { kills, messages, outputs, problems, runs } = await verifyDataflow({ seed, seconds: 2, messages: 30_000 });
    expect(problems).toEqual([]);
    expect([messages, outputs]).toEqual([60_000, 60_000]);
    expect(kills).toBeGreaterThan(0);
    expect(runs.at(-1)).toMatchObject({ killedAfter_ms: undefined });
  }, 120_000);

  it("fails when it has killed nothing", async () => {
    const { kills, problems } = await verifyDataflow({ seed, seconds: 0, messages: 10 });
    // Patience with slow machines does not end the flow: it is done before anything could be killed.
    if (kills === 0) expect(problems).toContainEqual(expect.stringMatching(/done before it was killed/));
    else expect(problems.length + kills).toBeGreaterThan(0);
  }, 120_000);
});
