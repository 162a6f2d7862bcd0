import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { dataResourceIndices } from "./allocation.js";
import { type CarrierInput, parseCarrier } from "./carrier.js";
import { configurationKey, puschConfiguration } from "./configuration.js";
import { type PuschGrantInput, parseGrant } from "./grant.js";

const CARRIER = {
  subcarrierSpacing: 30,
  carrierPrbs: 51,
  sampleRate: 23.04e6,
  carrierFrequency: 3427.5e6,
} as const;
const GRANT = {
  slot: 7,
  physCellId: 1,
  rnti: 0x4601,
  rbStart: 3,
  rbSize: 24,
  mcsIndex: 9,
  dmrsSymbPos: [2, 7, 11],
  numDmrsCdmGrpsNoData: 2,
} satisfies PuschGrantInput;

function configuration(grant: Partial<PuschGrantInput> = {}, carrierInput: Partial<CarrierInput> = {}) {
  const carrier = parseCarrier({ ...CARRIER, ...carrierInput });
  return puschConfiguration(carrier, parseGrant({ ...GRANT, ...grant }, carrier));
}

describe("configuration", () => {
  it("is that of a known over-the-air slot", () => {
    expect(configuration()).toMatchObject({
      modulationOrder: 2,
      targetCodeRate: 679 / 1024,
      transportBlockSize: 4224,
      layers: 1,
      antennaPorts: 1,
      codewordBits: 24 * 12 * 11 * 2,
      scramblingInit: 0x4601 * 32768 + 1,
      allocation: { firstSubcarrier: 36, subcarriers: 288, gridSubcarriers: 612, dmrsPerPrb: 36 },
      codeBlocks: { baseGraph: 1, count: 1, liftingSize: 208 },
      rateMatching: { outputBits: [6336] },
    });
  });

  it("takes the first transmission's size and rate for a reserved MCS index", () => {
    const carrier = parseCarrier(CARRIER);
    const first = { transportBlockSize: 4224, targetCodeRate: 679 / 1024 };
    const grant = parseGrant({ ...GRANT, mcsIndex: 30, rvIndex: 2 }, carrier, first);
    const again = puschConfiguration(carrier, grant);
    expect(again).toMatchObject({ modulationOrder: 4, ...first, codewordBits: 24 * 12 * 11 * 4 });
    expect(again.codeBlocks).toEqual(configuration().codeBlocks);
  });

  it("sizes the limited buffer of a narrow carrier by the standard's 32 PRBs", () => {
    const layers = { nrOfLayers: 4, mcsIndex: 27, bwpSize: 30 } as const;
    const limited = configuration({ ...layers, limitedBufferRateMatching: true, maxMimoLayers: 4 });
    // 156 · 32 · 948/1024 · 6 · 4 = 110916 bits before quantization; N_ref is 3/2 of the size shared by the blocks.
    const { count, encodedBits } = limited.codeBlocks;
    const size = (limited.rateMatching.circularBufferSize * count * 2) / 3;
    expect(size / 110916).toBeCloseTo(1, 1);
    expect(limited.rateMatching.circularBufferSize).toBeLessThan(encodedBits);
    expect(configuration(layers).rateMatching.circularBufferSize).toBe(encodedBits);
  });

  it("refuses a grant that leaves no resource element for data", () => {
    const only = { startSymbolIndex: 4, nrOfSymbols: 1, dmrsSymbPos: [4] };
    expect(() => configuration(only)).toThrow(InputError);
    expect(() => configuration(only)).toThrow(/^nrOfSymbols: 1/);
    const overhead = { startSymbolIndex: 4, nrOfSymbols: 2, dmrsSymbPos: [4], xOverhead: 12 as const };
    expect(() => configuration(overhead)).toThrow(/^xOverhead: 12/);
  });

  it("is frozen", () => {
    expect(Object.isFrozen(configuration())).toBe(true);
    expect(Object.isFrozen(configuration().codeBlocks)).toBe(true);
    expect(Object.isFrozen(configuration().dmrs.symbols)).toBe(true);
  });
});

describe("configuration key", () => {
  it.each([
    { slot: 8 },
    { physCellId: 5 },
    { rnti: 1 },
    { dmrsScramblingId: 9 },
    { scid: 1 },
    { dataScramblingId: 9 },
    { harqProcessId: 3 },
    { newDataIndicator: 0 },
    { bwpStart: 1, bwpSize: 50, rbStart: 2 },
  ] as const)("is the same with %j", (changes) => {
    expect(configurationKey(configuration(changes))).toBe(configurationKey(configuration()));
  });

  it.each([
    { rbStart: 4 },
    { rbSize: 23 },
    { mcsIndex: 10 },
    { rvIndex: 1 },
    { nrOfLayers: 2 },
    { dmrsPorts: [1] },
    { dmrsConfigType: 2 },
    { numDmrsCdmGrpsNoData: 1 },
    { dmrsSymbPos: [2, 7] },
    { nrOfSymbols: 13 },
    { numberOfAntennaPorts: 2, tpmi: 3 },
    { transformPrecoding: true },
    { limitedBufferRateMatching: true, maxMimoLayers: 1, bwpSize: 30, mcsIndex: 27 },
  ] as const)("changes with %j", (changes) => {
    expect(configurationKey(configuration(changes as Partial<PuschGrantInput>))).not.toBe(
      configurationKey(configuration()),
    );
  });

  it("stays with what chooses low-PAPR sequences", () => {
    const precoded = { transformPrecoding: true, mcsIndex: 9 } as const;
    for (const changes of [{ puschIdentity: 5 }, { groupOrSequenceHopping: "group" }, { slot: 3 }] as const)
      expect(configurationKey(configuration({ ...precoded, ...changes }))).toBe(
        configurationKey(configuration(precoded)),
      );
  });

  it("changes with the carrier", () => {
    for (const changes of [{ carrierFrequency: 3.5e9 }, { sampleRate: 30.72e6 }, { carrierPrbs: 50 }])
      expect(configurationKey(configuration({}, changes))).not.toBe(configurationKey(configuration()));
  });
});

describe("resource elements of data", () => {
  it("go around the pilots of the groups without data, frequency first", () => {
    const small = (changes: Partial<PuschGrantInput>) => {
      const { allocation, grant } = configuration({
        rbSize: 1,
        rbStart: 0,
        nrOfSymbols: 4,
        dmrsSymbPos: [2],
        ...changes,
      });
      const indices = [...dataResourceIndices(allocation, grant)];
      expect(indices).toHaveLength(allocation.dataResourceElements);
      expect([...indices].sort((left, right) => left - right)).toEqual(indices);
      return indices.filter((index) => index >= 2 * 612 && index < 3 * 612).map((index) => index - 2 * 612);
    };
    expect(small({ numDmrsCdmGrpsNoData: 2 })).toEqual([]);
    expect(small({ numDmrsCdmGrpsNoData: 1 })).toEqual([1, 3, 5, 7, 9, 11]);
    expect(small({ dmrsConfigType: 2, numDmrsCdmGrpsNoData: 1 })).toEqual([2, 3, 4, 5, 8, 9, 10, 11]);
    expect(small({ dmrsConfigType: 2, numDmrsCdmGrpsNoData: 2 })).toEqual([4, 5, 10, 11]);
  });

  it("lie where bandwidth part and carrier offset put them", () => {
    const { allocation, grant, dmrs } = configuration(
      { bwpStart: 105, bwpSize: 20, rbStart: 2, rbSize: 3 },
      { offsetToCarrier: 100 },
    );
    expect(allocation.firstSubcarrier).toBe(12 * 7);
    expect(dmrs.sequenceOffset).toBe(6 * 107);
    expect(dataResourceIndices(allocation, grant)[0]).toBe(84);
  });

  it("fill G with every accepted allocation", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 4, max: 14 }),
        fc.constantFrom(1, 2),
        fc.constantFrom(1, 2),
        (rbStart, nrOfSymbols, dmrsConfigType, groups) => {
          const changes = {
            rbStart,
            rbSize: 51 - rbStart,
            nrOfSymbols,
            dmrsConfigType,
            numDmrsCdmGrpsNoData: groups,
          };
          const { dmrsSymbPos: _, ...rest } = GRANT;
          const carrier = parseCarrier(CARRIER);
          const found = puschConfiguration(carrier, parseGrant({ ...rest, ...changes }, carrier));
          const indices = dataResourceIndices(found.allocation, found.grant);
          expect(indices.length * found.modulationOrder).toBe(found.codewordBits);
          expect(Math.max(...indices)).toBeLessThan(14 * 612);
        },
      ),
      { seed: 6316, numRuns: 100 },
    );
  });
});
