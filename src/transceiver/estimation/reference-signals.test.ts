import { describe, expect, it } from "vitest";
import { parseCarrier } from "../pusch/carrier.js";
import { puschConfiguration } from "../pusch/configuration.js";
import { goldBits } from "../pusch/gold-sequence.js";
import { type PuschGrantInput, parseGrant } from "../pusch/grant.js";
import { prepareReferenceSignals } from "./reference-signals.js";

const CARRIER = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 4 });
const GRANT = {
  slot: 3,
  physCellId: 7,
  rnti: 1,
  rbStart: 1,
  rbSize: 2,
  mcsIndex: 5,
} satisfies PuschGrantInput;

function insert(changes: Partial<PuschGrantInput>) {
  const configuration = puschConfiguration(CARRIER, parseGrant({ ...GRANT, ...changes }, CARRIER));
  const grid = new Float32Array(2 * configuration.antennaPorts * 14 * 48);
  prepareReferenceSignals(configuration)(configuration, grid);
  const at = (port: number, symbol: number, subcarrier: number) => {
    const index = 2 * ((port * 14 + symbol) * 48 + subcarrier);
    return [grid[index]!, grid[index + 1]!] as const;
  };
  return { configuration, grid, at };
}

describe("reference signals, TS 38.211 6.4.1.1.3", () => {
  it("lie on the subcarriers of their groups and nowhere else", () => {
    const { grid } = insert({ dmrsSymbPos: [2], dmrsPorts: [2] });
    const used = Array.from({ length: 14 * 48 }, (_, index) => index).filter(
      (index) => grid[2 * index] !== 0 || grid[2 * index + 1] !== 0,
    );
    expect(used).toEqual(Array.from({ length: 12 }, (_, pilot) => 2 * 48 + 12 + 1 + 2 * pilot));
  });

  it("carry the sequence from common resource block 0 with the port's weights and the amplitude", () => {
    const { at, configuration } = insert({
      dmrsConfigType: 2,
      dmrsSymbPos: [2, 3],
      dmrsPorts: [7],
      numDmrsCdmGrpsNoData: 3,
    });
    for (const [ordinal, symbol] of [2, 3].entries()) {
      const bits = new Uint8Array(2 * 12);
      goldBits(configuration.dmrsInits[ordinal]!, bits);
      for (let pilot = 0; pilot < 8; pilot++) {
        const m = 4 + pilot;
        // Port 7 of type 2: w_f = [1, -1], w_t = [1, -1], Δ = 0.
        const sign = (pilot % 2 === 0 ? 1 : -1) * (ordinal === 0 ? 1 : -1);
        const [re, im] = at(0, symbol, 12 + 6 * Math.floor(pilot / 2) + (pilot % 2));
        expect(re).toBeCloseTo((sign * Math.sqrt(3) * (1 - 2 * bits[2 * m]!)) / Math.sqrt(2), 6);
        expect(im).toBeCloseTo((sign * Math.sqrt(3) * (1 - 2 * bits[2 * m + 1]!)) / Math.sqrt(2), 6);
      }
    }
  });

  it("serve another slot with the preparation of the first", () => {
    const first = puschConfiguration(CARRIER, parseGrant(GRANT, CARRIER));
    const second = puschConfiguration(CARRIER, parseGrant({ ...GRANT, slot: 4, scid: 1 }, CARRIER));
    const [grid, expected] = [new Float32Array(2 * 14 * 48), new Float32Array(2 * 14 * 48)];
    prepareReferenceSignals(first)(second, grid);
    prepareReferenceSignals(second)(second, expected);
    expect(grid).toEqual(expected);
  });
});
