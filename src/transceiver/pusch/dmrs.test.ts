import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Dmrs, dmrs, dmrsInits, dmrsWeight, prepareDmrsSequence } from "./dmrs.js";
import { type DmrsConfigType, dmrsPort, dmrsPortCount, dmrsSubcarrier } from "./dmrs-ports.js";
import { goldBits } from "./gold-sequence.js";
import { parseGrant } from "./grant.js";

/** TS 38.211 Tables 6.4.1.1.3-1 and -2: λ, Δ, w_f, w_t by port. */
const TYPE_1 = [
  [0, 0, [1, 1], [1, 1]],
  [0, 0, [1, -1], [1, 1]],
  [1, 1, [1, 1], [1, 1]],
  [1, 1, [1, -1], [1, 1]],
  [0, 0, [1, 1], [1, -1]],
  [0, 0, [1, -1], [1, -1]],
  [1, 1, [1, 1], [1, -1]],
  [1, 1, [1, -1], [1, -1]],
];
const TYPE_2 = [
  [0, 0, [1, 1], [1, 1]],
  [0, 0, [1, -1], [1, 1]],
  [1, 2, [1, 1], [1, 1]],
  [1, 2, [1, -1], [1, 1]],
  [2, 4, [1, 1], [1, 1]],
  [2, 4, [1, -1], [1, 1]],
  [0, 0, [1, 1], [1, -1]],
  [0, 0, [1, -1], [1, -1]],
  [1, 2, [1, 1], [1, -1]],
  [1, 2, [1, -1], [1, -1]],
  [2, 4, [1, 1], [1, -1]],
  [2, 4, [1, -1], [1, -1]],
];

const GRANT = {
  slot: 7,
  physCellId: 1,
  rnti: 17921,
  subcarrierSpacing: 30,
  bwpStart: 10,
  bwpSize: 51,
  rbStart: 3,
  rbSize: 24,
  mcsIndex: 9,
};

describe("DM-RS ports", () => {
  it.each([
    [1, TYPE_1],
    [2, TYPE_2],
  ] as const)("type %d", (type, rows) => {
    expect(dmrsPortCount(type, 2)).toBe(rows.length);
    expect(dmrsPortCount(type, 1)).toBe(rows.length / 2);
    rows.forEach(([cdmGroup, delta, frequencyWeights, timeWeights], port) => {
      expect(dmrsPort(type, port)).toEqual({ cdmGroup, delta, frequencyWeights, timeWeights });
    });
  });

  it("lie on the subcarriers 4n + 2k' + Δ and 6n + k' + Δ", () => {
    const pilots = (type: DmrsConfigType, delta: number, count: number) =>
      Array.from({ length: count }, (_, index) => dmrsSubcarrier(type, delta, index));
    expect(pilots(1, 0, 6)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(pilots(1, 1, 6)).toEqual([1, 3, 5, 7, 9, 11]);
    expect(pilots(2, 0, 4)).toEqual([0, 1, 6, 7]);
    expect(pilots(2, 4, 6)).toEqual([4, 5, 10, 11, 16, 17]);
  });

  it.each([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
  ] as const)("of a CDM group are orthogonal, type %d, %d symbols", (type, length) => {
    const layout = { length } as Dmrs;
    const ports = Array.from({ length: dmrsPortCount(type, length) }, (_, port) => dmrsPort(type, port));
    for (const [one, left] of ports.entries())
      for (const [other, right] of ports.entries()) {
        if (left.cdmGroup !== right.cdmGroup) continue;
        let product = 0;
        for (let ordinal = 0; ordinal < length; ordinal++)
          for (const index of [0, 1])
            product += dmrsWeight(layout, left, ordinal, index) * dmrsWeight(layout, right, ordinal, index);
        expect(product).toBe(one === other ? 2 * length : 0);
      }
  });
});

describe("DM-RS sequence, TS 38.211 6.4.1.1.1.1", () => {
  it("is initialized as by exact arithmetic", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 19 }),
        fc.integer({ min: 0, max: 13 }),
        fc.integer({ min: 0, max: 65535 }),
        fc.constantFrom(0, 1),
        (slot, symbol, identity, scid) => {
          const grant = parseGrant({
            ...GRANT,
            slot,
            dmrsSymbPos: [symbol],
            dmrsScramblingId: identity,
            scid,
          });
          const exact =
            (2n ** 17n * BigInt(14 * slot + symbol + 1) * BigInt(2 * identity + 1) +
              BigInt(2 * identity + scid)) %
            2n ** 31n;
          expect(dmrsInits(grant)).toEqual([Number(exact)]);
        },
      ),
      { seed: 6411, numRuns: 500 },
    );
  });

  it("counts twelve symbols a slot with the extended prefix", () => {
    const grant = parseGrant({
      ...GRANT,
      subcarrierSpacing: 60,
      cyclicPrefix: "extended",
      slot: 3,
      physCellId: 0,
    });
    expect(dmrsInits(grant)[0]).toBe(2 ** 17 * (12 * 3 + 2 + 1));
  });

  it.each([1, 2] as const)("starts at common resource block 0, type %d", (dmrsConfigType) => {
    const layout = dmrs(parseGrant({ ...GRANT, dmrsConfigType }));
    const perBlock = dmrsConfigType === 1 ? 6 : 4;
    expect(layout).toMatchObject({ pilots: 24 * perBlock, sequenceOffset: 13 * perBlock });
    const sequence = new Float32Array(2 * layout.pilots);
    prepareDmrsSequence(layout)(4711, sequence);
    const bits = new Uint8Array(2 * (13 + 24) * perBlock);
    goldBits(4711, bits);
    const expected = bits.slice(2 * 13 * perBlock);
    expect([...sequence]).toEqual([...expected].map((bit) => Math.fround((1 - 2 * bit) / Math.SQRT2)));
  });

  it("has the amplitude of TS 38.214 Table 6.2.2-1", () => {
    const amplitude = (numDmrsCdmGrpsNoData: number) =>
      dmrs(parseGrant({ ...GRANT, dmrsConfigType: 2, numDmrsCdmGrpsNoData })).amplitude;
    expect(20 * Math.log10(amplitude(1))).toBeCloseTo(0, 2);
    expect(20 * Math.log10(amplitude(2))).toBeCloseTo(3.01, 2);
    expect(20 * Math.log10(amplitude(3))).toBeCloseTo(4.77, 2);
  });
});
