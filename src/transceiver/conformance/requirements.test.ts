import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseCarrier, parseGrant, puschConfiguration } from "../pusch/index.js";
import { requirementGrant, requirements } from "./requirements.js";

interface ReferenceFile {
  readonly rows: readonly {
    readonly table: string;
    readonly row: string;
    readonly profile: string;
    readonly max_doppler_hz: number;
    readonly tx: number;
    readonly rx: number;
    readonly frc: string;
    readonly snr_db: number;
  }[];
  readonly frc: Readonly<
    Record<
      string,
      {
        readonly scs_khz: number;
        readonly prb: number;
        readonly code_rate_x1024: number;
        readonly modulation: string;
      }
    >
  >;
}

const file = resolve(process.cwd(), "../shared/data/3gpp/pusch_conformance.json");
const modulationOrders: Readonly<Record<string, number>> = { QPSK: 2, "16QAM": 4, "64QAM": 6 };

describe("the requirements of TS 38.104 8.2.1.2", () => {
  it.skipIf(!existsSync(file))("are those of the reference file", () => {
    const { rows, frc } = JSON.parse(readFileSync(file, "utf8")) as ReferenceFile;
    const built = requirements.map((requirement) => {
      const carrier = parseCarrier({
        subcarrierSpacing: requirement.subcarrierSpacing,
        carrierPrbs: requirement.prbs,
      });
      const grant = parseGrant({ ...requirementGrant(requirement), slot: 0 }, carrier);
      const { modulationOrder, targetCodeRate, layers, allocation } = puschConfiguration(carrier, grant);
      expect(layers).toBe(requirement.transmitAntennas);
      expect(allocation.dataResourceElements).toBe(12 * 12 * requirement.prbs);
      expect(grant.dmrsSymbPos).toEqual([2, 11]);
      return {
        table: requirement.table,
        row: requirement.row,
        profile: requirement.profile,
        max_doppler_hz: requirement.maximumDoppler_hz,
        tx: requirement.transmitAntennas,
        rx: requirement.receiveAntennas,
        frc: requirement.referenceChannel,
        snr_db: requirement.snr_db,
        channel: {
          scs_khz: carrier.subcarrierSpacing,
          prb: grant.rbSize,
          rate: 1024 * targetCodeRate,
          modulationOrder,
        },
      };
    });
    expect(built).toEqual(
      rows.map((row) => {
        const { scs_khz, prb, code_rate_x1024, modulation } = frc[row.frc]!;
        const modulationOrder = modulationOrders[modulation];
        return { ...row, channel: { scs_khz, prb, rate: code_rate_x1024, modulationOrder } };
      }),
    );
  });

  // TS 38.104 Tables A.3-2, A.4-2 and A.5-2: bits of a slot's payload.
  it.each([
    ["G-FR1-A3-8", 1352],
    ["G-FR1-A4-8", 9224],
    ["G-FR1-A5-8", 12040],
  ])("have reference channel %s of %i bits", (name, size) => {
    const requirement = requirements.find(({ referenceChannel }) => referenceChannel === name)!;
    const carrier = parseCarrier({ subcarrierSpacing: 15, carrierPrbs: 25 });
    const grant = parseGrant({ ...requirementGrant(requirement), slot: 0 }, carrier);
    expect(puschConfiguration(carrier, grant).transportBlockSize).toBe(size);
  });
});
