import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { parseCarrier } from "./carrier.js";
import { puschConfiguration } from "./configuration.js";
import { type PuschGrantInput, parseGrant, puschGrantSchema } from "./grant.js";

const CARRIER = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51 });
const GRANT = {
  slot: 7,
  physCellId: 1,
  rnti: 17921,
  rbStart: 3,
  rbSize: 24,
  mcsIndex: 9,
} satisfies PuschGrantInput;

describe("grant", () => {
  it("has the standard's defaults", () => {
    expect(parseGrant(GRANT, CARRIER)).toEqual({
      ...GRANT,
      subcarrierSpacing: 30,
      cyclicPrefix: "normal",
      bwpStart: 0,
      bwpSize: 51,
      startSymbolIndex: 0,
      nrOfSymbols: 14,
      mcsTable: 1,
      rvIndex: 0,
      harqProcessId: 0,
      newDataIndicator: 1,
      nrOfLayers: 1,
      dmrsConfigType: 1,
      dmrsMappingType: "A",
      dmrsTypeAPosition: 2,
      dmrsLength: 1,
      dmrsSymbPos: [2, 7, 11],
      dmrsPorts: [0],
      numDmrsCdmGrpsNoData: 2,
      dmrsScramblingId: 1,
      scid: 0,
      dataScramblingId: 1,
      transformPrecoding: false,
      numberOfAntennaPorts: 1,
      xOverhead: 0,
      limitedBufferRateMatching: false,
      maxModulationOrder: 6,
    });
  });

  it("needs numerology and bandwidth part where there is no carrier", () => {
    expect(() => parseGrant(GRANT)).toThrow(/^subcarrierSpacing: nothing/);
    expect(() => parseGrant({ ...GRANT, subcarrierSpacing: 30 })).toThrow(/^bwpSize: nothing/);
    expect(
      parseGrant({ ...GRANT, subcarrierSpacing: 60, bwpSize: 40, cyclicPrefix: "extended" }),
    ).toMatchObject({
      nrOfSymbols: 12,
      dmrsSymbPos: [2, 6, 9],
    });
  });

  it.each([
    { dmrsSymbPos: [2, 3, 10, 11] },
    { dmrsLength: 2, dmrsAdditionalPosition: 1 },
    { dmrsLength: 2 },
  ] as const)("knows double-symbol DM-RS in %j", (changes) => {
    expect(parseGrant({ ...GRANT, ...changes }, CARRIER)).toMatchObject({
      dmrsLength: 2,
      dmrsSymbPos: [2, 3, 10, 11],
    });
  });

  it("derives mapping type B from a late start", () => {
    const late = parseGrant({ ...GRANT, startSymbolIndex: 4, nrOfSymbols: 8 }, CARRIER);
    expect(late).toMatchObject({ dmrsMappingType: "B", dmrsSymbPos: [4, 7, 10] });
  });

  it.each<[Partial<Record<keyof PuschGrantInput, unknown>>, string]>([
    [{ slot: 20 }, "slot"],
    [{ slot: -1 }, "slot"],
    [{ slot: 1.5 }, "slot"],
    [{ slot: undefined }, "slot"],
    [{ physCellId: 1008 }, "physCellId"],
    [{ rnti: 0 }, "rnti"],
    [{ rnti: 65536 }, "rnti"],
    [{ rnti: "0x4601" }, "rnti"],
    [{ subcarrierSpacing: 15 }, "subcarrierSpacing"],
    [{ subcarrierSpacing: 120 }, "subcarrierSpacing"],
    [{ cyclicPrefix: "extended" }, "cyclicPrefix"],
    [{ bwpStart: 51 }, "bwpStart"],
    [{ bwpStart: 10, bwpSize: 42 }, "bwpSize"],
    [{ rbStart: 51 }, "rbStart"],
    [{ rbSize: 49 }, "rbSize"],
    [{ rbSize: 0 }, "rbSize"],
    [{ rbSize: Number.NaN }, "rbSize"],
    [{ startSymbolIndex: 14 }, "startSymbolIndex"],
    [{ startSymbolIndex: 4, nrOfSymbols: 11 }, "nrOfSymbols"],
    [{ mcsTable: 4 }, "mcsTable"],
    [{ mcsIndex: 32 }, "mcsIndex"],
    [{ mcsIndex: 29 }, "mcsIndex"],
    [{ mcsIndex: 29, newDataIndicator: 1 }, "newDataIndicator"],
    [{ mcsIndex: 29, transportBlockSize: 4224 }, "mcsIndex"],
    [{ mcsIndex: 29, transportBlockSize: 4223, targetCodeRate: 0.5 }, "transportBlockSize"],
    [{ transportBlockSize: 4224 }, "transportBlockSize"],
    [{ targetCodeRate: 0.5 }, "targetCodeRate"],
    [{ targetCodeRate: 1.5 }, "targetCodeRate"],
    [{ rvIndex: 4 }, "rvIndex"],
    [{ harqProcessId: 16 }, "harqProcessId"],
    [{ newDataIndicator: true }, "newDataIndicator"],
    [{ nrOfLayers: 5 }, "nrOfLayers"],
    [{ nrOfLayers: 2, dmrsPorts: [0] }, "dmrsPorts"],
    [{ nrOfLayers: 2, dmrsPorts: [1, 1] }, "dmrsPorts"],
    [{ dmrsPorts: [4] }, "dmrsPorts"],
    [{ dmrsPorts: [] }, "dmrsPorts"],
    [{ dmrsPorts: 0 }, "dmrsPorts"],
    [{ dmrsPorts: ["a"] }, "dmrsPorts\\[0\\]"],
    [{ dmrsConfigType: 2, dmrsPorts: [6] }, "dmrsPorts"],
    [{ dmrsConfigType: 2, dmrsPorts: [4] }, "numDmrsCdmGrpsNoData"],
    [{ dmrsPorts: [2], numDmrsCdmGrpsNoData: 1 }, "numDmrsCdmGrpsNoData"],
    [{ numDmrsCdmGrpsNoData: 3 }, "numDmrsCdmGrpsNoData"],
    [{ dmrsConfigType: 3 }, "dmrsConfigType"],
    [{ dmrsMappingType: "A", startSymbolIndex: 2 }, "dmrsMappingType"],
    [{ dmrsSymbPos: [] }, "dmrsSymbPos"],
    [{ dmrsSymbPos: [7, 2] }, "dmrsSymbPos"],
    [{ dmrsSymbPos: [2, 2] }, "dmrsSymbPos"],
    [{ nrOfSymbols: 10, dmrsSymbPos: [2, 11] }, "dmrsSymbPos"],
    [{ dmrsSymbPos: [2, 11], dmrsLength: 2 }, "dmrsSymbPos"],
    [{ dmrsSymbPos: [2, 11], dmrsAdditionalPosition: 2 }, "dmrsSymbPos"],
    [{ nrOfSymbols: 3 }, "dmrsAdditionalPosition"],
    [{ dmrsTypeAPosition: 3, dmrsAdditionalPosition: 3 }, "dmrsAdditionalPosition"],
    [{ dmrsScramblingId: 65536 }, "dmrsScramblingId"],
    [{ dataScramblingId: 1024 }, "dataScramblingId"],
    [{ scid: 2 }, "scid"],
    [{ transformPrecoding: true, rbSize: 7 }, "rbSize"],
    [{ transformPrecoding: true, nrOfLayers: 2 }, "nrOfLayers"],
    [{ transformPrecoding: true, dmrsConfigType: 2 }, "dmrsConfigType"],
    [{ transformPrecoding: true, numDmrsCdmGrpsNoData: 1 }, "numDmrsCdmGrpsNoData"],
    [{ transformPrecoding: true, puschIdentity: 1008 }, "puschIdentity"],
    [{ transformPrecoding: true, groupOrSequenceHopping: 1 }, "groupOrSequenceHopping"],
    [{ transformPrecoding: true, mcsIndex: 28 }, "mcsIndex"],
    [{ transformPrecoding: true, dmrsUplinkTransformPrecoding: true }, "dmrsUplinkTransformPrecoding"],
    [{ puschIdentity: 1 }, "puschIdentity"],
    [{ groupOrSequenceHopping: "group" }, "groupOrSequenceHopping"],
    [{ tpPi2BPSK: true }, "tpPi2BPSK"],
    [{ transformPrecoding: 1 }, "transformPrecoding"],
    [{ numberOfAntennaPorts: 2 }, "numberOfAntennaPorts"],
    [{ tpmi: 0 }, "numberOfAntennaPorts"],
    [{ tpmi: 0, numberOfAntennaPorts: 3 }, "numberOfAntennaPorts"],
    [{ tpmi: 6, numberOfAntennaPorts: 2 }, "tpmi"],
    [{ tpmi: 0, numberOfAntennaPorts: 2, nrOfLayers: 3 }, "nrOfLayers"],
    [{ limitedBufferRateMatching: true }, "maxMimoLayers"],
    [{ limitedBufferRateMatching: true, nrOfLayers: 2, maxMimoLayers: 1 }, "maxMimoLayers"],
    [{ mcsTable: 2, mcsIndex: 27, maxModulationOrder: 6 }, "maxModulationOrder"],
  ])("refuses %j by its field", (changes, field) => {
    const grant = { ...GRANT, ...changes };
    expect(() => parseGrant(grant, CARRIER)).toThrow(InputError);
    expect(() => parseGrant(grant, CARRIER)).toThrow(new RegExp(`^${field}: .* is (not accepted|given); .`));
  });

  it.each([null, undefined, 7, "grant", [], [GRANT]])("refuses %j as a whole", (value) => {
    expect(() => parseGrant(value, CARRIER)).toThrow(InputError);
  });

  it.each([
    ["nrofLayers", "nrOfLayers"],
    ["nbOfSymbols", "nrOfSymbols"],
    ["dmrsSymbolPos", "dmrsSymbPos"],
    ["n_rnti", "rnti"],
    ["mcs", "mcsTable or mcsIndex"],
  ])("refuses the unknown field %s and names %s", (unknown, known) => {
    expect(() => parseGrant({ ...GRANT, [unknown]: 1 }, CARRIER)).toThrow(
      new RegExp(`^${unknown}: .*is it ${known}\\?`),
    );
  });

  it("resolves a reserved MCS index from the HARQ process", () => {
    const first = { transportBlockSize: 4224, targetCodeRate: 0.66 };
    const again = parseGrant({ ...GRANT, mcsIndex: 29 }, CARRIER, first);
    expect(again).toMatchObject({ ...first, newDataIndicator: 0 });
    expect(parseGrant(GRANT, CARRIER, first)).toEqual(parseGrant(GRANT, CARRIER));
  });

  it("has the defaults of transform precoding", () => {
    const grant = parseGrant(
      { ...GRANT, transformPrecoding: true, nrOfSymbols: 2, dmrsSymbPos: [0] },
      CARRIER,
    );
    expect(grant).toMatchObject({
      transformPrecoding: true,
      tpPi2BPSK: false,
      puschIdentity: GRANT.physCellId,
      groupOrSequenceHopping: "neither",
      // TS 38.214 6.2.2: 1 of up to two symbols only without transform precoding.
      numDmrsCdmGrpsNoData: 2,
    });
    expect(parseGrant(grant, CARRIER)).toEqual(grant);
  });

  it("resolves the reserved indices of transform precoding to the order q", () => {
    const first = { transportBlockSize: 1032, targetCodeRate: 240 / 1024 };
    for (const [tpPi2BPSK, order] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const given = { ...GRANT, transformPrecoding: true, tpPi2BPSK, mcsIndex: 28 };
      const grant = parseGrant(given, CARRIER, first);
      expect(grant).toMatchObject({ ...first, newDataIndicator: 0 });
      expect(puschConfiguration(CARRIER, grant).modulationOrder).toBe(order);
    }
  });

  it("accepts again what it returned, and whatever it accepts has a configuration or names what is wrong", () => {
    const field = (name: keyof PuschGrantInput, values: readonly unknown[]) =>
      [name, fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.constantFrom(...values))] as const;
    const fields = Object.fromEntries([
      field("rbSize", [1, 2, 48, 49]),
      field("startSymbolIndex", [0, 1, 7, 12, 13]),
      field("nrOfSymbols", [1, 2, 3, 4, 5, 9, 12, 14]),
      field("mcsTable", [1, 2, 3]),
      field("mcsIndex", [0, 5, 14, 27, 28, 29, 31]),
      field("rvIndex", [0, 1, 2, 3]),
      field("nrOfLayers", [1, 2, 3, 4]),
      field("dmrsConfigType", [1, 2]),
      field("dmrsMappingType", ["A", "B"]),
      field("dmrsTypeAPosition", [2, 3]),
      field("dmrsLength", [1, 2]),
      field("dmrsAdditionalPosition", [0, 1, 2, 3]),
      field("dmrsSymbPos", [[2], [2, 11], [2, 3], [4, 5, 10, 11], [13]]),
      field("dmrsPorts", [[0], [1, 2], [0, 1, 2], [8, 9, 10, 11]]),
      field("numDmrsCdmGrpsNoData", [1, 2, 3]),
      field("numberOfAntennaPorts", [1, 2, 4]),
      field("tpmi", [0, 3, 21, 27]),
      field("transformPrecoding", [true, false]),
      field("tpPi2BPSK", [true, false]),
      field("puschIdentity", [0, 1007]),
      field("groupOrSequenceHopping", ["neither", "group", "sequence"]),
      field("xOverhead", [6, 12, 18]),
      field("limitedBufferRateMatching", [true, false]),
      field("maxMimoLayers", [1, 2, 4]),
    ]);
    let accepted = 0;
    fc.assert(
      fc.property(fc.record(fields), (changes) => {
        const given = Object.fromEntries(
          Object.entries({ ...changes }).filter(([, value]) => value !== undefined),
        );
        try {
          const grant = parseGrant({ ...GRANT, ...given }, CARRIER, {
            transportBlockSize: 4224,
            targetCodeRate: 0.66,
          });
          expect(parseGrant(grant, CARRIER)).toEqual(grant);
          expect(parseGrant(grant)).toEqual(grant);
          const { codewordBits, rateMatching } = puschConfiguration(CARRIER, grant);
          expect(rateMatching.outputBits.reduce((sum, bits) => sum + bits, 0)).toBe(codewordBits);
          accepted++;
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          expect(Object.keys(puschGrantSchema.shape)).toContain(error.field);
        }
      }),
      { seed: 6141, numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(250);
  });

  it("refuses arbitrary values with an InputError only", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.dictionary(fc.constantFrom(...Object.keys(GRANT), "tpmi"), fc.jsonValue()),
        ),
        (value) => {
          try {
            parseGrant(value, CARRIER);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
      { seed: 38214, numRuns: 2000 },
    );
  });
});
