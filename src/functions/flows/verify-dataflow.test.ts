import { describe, expect, it } from "vitest";
import { verifyDataflow } from "./verify-dataflow.js";

const seed = 20261121;

describe("verification of a flow", () => {
  it(`finds everything once after kills, seed ${seed}`, async () => {
    const { kills, messages, outputs, problems, runs } = await verifyDataflow({
      seed,
      seconds: 2,
      messages: 30_000,
    });
    expect(problems).toEqual([]);
    expect([messages, outputs]).toEqual([60_000, 60_000]);
    expect(kills).toBeGreaterThan(0);
    expect(runs.at(-1)).toMatchObject({ killedAfter_ms: undefined });
  }, 120_000);
});
