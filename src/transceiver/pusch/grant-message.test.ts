import { describe, expect, it } from "vitest";
import { parseCarrier } from "./carrier.js";
import { puschConfiguration } from "./configuration.js";
import { parseGrant } from "./grant.js";
import { GRANT_FIELDS, grantFieldIndex, MAXIMUM_DMRS_SYMBOLS, writeGrantMessage } from "./grant-message.js";

const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51 });
const grant = parseGrant(
  {
    slot: 7,
    physCellId: 1,
    rnti: 0x4601,
    rbStart: 3,
    rbSize: 24,
    mcsIndex: 9,
    dmrsSymbPos: [2, 7, 11],
    numDmrsCdmGrpsNoData: 2,
  },
  carrier,
);

describe("writeGrantMessage", () => {
  it("writes every field of the over-the-air capture's grant at its place", () => {
    const view = new Int32Array(GRANT_FIELDS).fill(-7);
    writeGrantMessage(puschConfiguration(carrier, grant), view);
    expect(view[grantFieldIndex.valid]).toBe(1);
    expect(view[grantFieldIndex.slot]).toBe(7);
    expect(view[grantFieldIndex.rnti]).toBe(0x4601);
    // TS 38.211 6.3.1.1: n_RNTI·2^15 + n_ID.
    expect(view[grantFieldIndex.scramblingInit]).toBe(0x4601 * 2 ** 15 + 1);
    expect(view[grantFieldIndex.modulationOrder]).toBe(2);
    expect(view[grantFieldIndex.transportBlockSize]).toBe(4224);
    expect(view[grantFieldIndex.newDataIndicator]).toBe(1);
    expect(view[grantFieldIndex.dmrsSymbolCount]).toBe(3);
    // TS 38.211 6.4.1.1.1.1 with N_ID 1, n_SCID 0: (2^17·(14·7 + l + 1)·3 + 2) mod 2^31.
    [2, 7, 11].forEach((symbol, index) => {
      const expected = Number((2n ** 17n * BigInt(14 * 7 + symbol + 1) * 3n + 2n) % 2n ** 31n);
      expect(view[grantFieldIndex.dmrsInits + index]).toBe(expected);
    });
    expect([...view.subarray(grantFieldIndex.dmrsInits + 3)]).toEqual([0, 0, 0, 0, 0]);
  });

  it("has a field of its own for everything", () => {
    const starts = Object.values(grantFieldIndex);
    expect(new Set(starts).size).toBe(starts.length);
    expect(Math.max(...starts) + MAXIMUM_DMRS_SYMBOLS).toBe(GRANT_FIELDS);
  });
});
