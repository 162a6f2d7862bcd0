import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../system/index.js";
import { type ArmEvidence, verdictOf } from "./canary-verdict.js";

const latency = (p50_ms: number, p99_ms: number, durations = 1000) => ({
  durations,
  p50_ms,
  p99_ms,
  p99Interval_ms: [0.9 * p99_ms, 1.1 * p99_ms] as const,
});

function arm(slots: number, lost: number, more: Partial<ArmEvidence> = {}): ArmEvidence {
  return {
    implementation: "one",
    slots,
    late: 0,
    notFinite: 0,
    unavailable: 0,
    failed: 0,
    latency: latency(0.1, 0.2),
    slotLatency: latency(0.3, 0.5),
    lost: { blocks: slots, lost },
    ...more,
  };
}

const ask = (present: ArmEvidence, canary: ArmEvidence, slots = 1000, deadline_ms: number | null = 1) =>
  verdictOf({ present, canary, slots, deadline_ms: deadline_ms ?? undefined });

describe("the verdict on a canary", () => {
  it("waits for its slots, then promotes what is better or as good", () => {
    expect(ask(arm(9000, 900), arm(999, 100))).toBeUndefined();
    expect(ask(arm(9000, 900), arm(1000, 100))).toMatchObject({ promote: true });
    expect(ask(arm(9000, 900), arm(1000, 0))).toMatchObject({ promote: true });
  });

  it("rolls back what loses more blocks outside of the intervals, early where that is plain", () => {
    expect(ask(arm(9000, 900), arm(1000, 110))).toMatchObject({ promote: true });
    expect(ask(arm(9000, 900), arm(1000, 140))).toMatchObject({
      promote: false,
      reason: "it lost 140 of 1000 of its blocks, the present one 900 of 9000",
    });
    expect(ask(arm(9000, 900), arm(999, 140))).toBeUndefined();
    expect(ask(arm(900, 90), arm(100, 90))).toMatchObject({ promote: false });
    // Two lost of two say nothing yet.
    expect(ask(arm(20, 0), arm(2, 2))).toBeUndefined();
  });

  it("rolls back what falls back, for whatever reason, and what throws at all", () => {
    for (const why of ["late", "notFinite", "unavailable"] as const)
      expect(ask(arm(900, 90), arm(100, 10, { [why]: 60 }))).toMatchObject({
        promote: false,
        reason: expect.stringMatching(/^it fell back in 60 of 100/),
      });
    expect(ask(arm(9000, 900, { late: 450 }), arm(1000, 100, { late: 50 }))).toMatchObject({ promote: true });
    expect(ask(arm(9, 0), arm(1, 0, { failed: 1 }))).toMatchObject({ promote: false });
  });

  it("rolls back what leaves no room in the deadline, unless the present one takes as long", () => {
    const slow = { slotLatency: latency(0.8, 1.3) };
    expect(ask(arm(9000, 0), arm(1000, 0, slow))).toMatchObject({
      promote: false,
      reason: expect.stringMatching(/1.3 ms \(p99; the present one's 0.5 ms\).*deadline of 1 ms/),
    });
    expect(ask(arm(9000, 0, slow), arm(1000, 0, slow))).toMatchObject({ promote: true });
    expect(ask(arm(9000, 0), arm(1000, 0, slow), 1000, null)).toMatchObject({ promote: true });
    expect(ask(arm(9000, 0), arm(1000, 0, { slotLatency: latency(0.5, 0.9) }))).toMatchObject({
      promote: true,
    });
    // Early by the median only.
    expect(ask(arm(900, 0), arm(100, 0, slow))).toBeUndefined();
    expect(ask(arm(900, 0), arm(100, 0, { slotLatency: latency(1.2, 2) }))).toMatchObject({ promote: false });
  });

  it("is not about blocks where the flow does not say what is lost", () => {
    const { lost: _, ...silent } = arm(1000, 0);
    expect(ask({ ...silent, lost: undefined }, { ...silent, lost: undefined })).toMatchObject({
      promote: true,
    });
  });

  it("seldom rolls back what is as good, though it looks after every ten slots", () => {
    const random = createRandom(11);
    let wrong = 0;
    for (let run = 0; run < 300; run++) {
      const counts = { present: [0, 0], canary: [0, 0] };
      let verdict: ReturnType<typeof verdictOf>;
      for (let slot = 0; verdict === undefined; slot++) {
        const who = slot % 5 === 0 ? counts.canary : counts.present;
        who[0]!++;
        if (random.next() < 0.2) who[1]!++;
        if (slot % 10 === 9)
          verdict = ask(
            arm(counts.present[0]!, counts.present[1]!),
            arm(counts.canary[0]!, counts.canary[1]!),
            300,
          );
      }
      if (!verdict.promote) wrong++;
    }
    // 95 % intervals that do not meet are rarer than 1 in 40.
    expect(wrong).toBeLessThan(300 / 40);
  });

  it("never promotes before the canary had its slots", () => {
    fc.assert(
      fc.property(fc.nat(999), fc.nat(5000), fc.nat(100), (slots, others, percent) => {
        const lost = (of: number) => Math.floor((of * percent) / 100);
        const verdict = ask(arm(others, lost(others)), arm(slots, lost(slots)));
        expect(verdict?.promote ?? false).toBe(false);
      }),
      { seed: 2 },
    );
  });
});
