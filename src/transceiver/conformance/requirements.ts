import type { DelayProfileName } from "../../radio/index.js";

/** A row of a table of TS 38.104 8.2.1.2: PUSCH without transform precoding, mapping type A. */
export interface Requirement {
  /** Number of the table, such as 8.2.1.2-1. */
  readonly table: string;
  readonly row: string;
  readonly profile: DelayProfileName;
  readonly maximumDoppler_hz: number;
  /** As many layers. */
  readonly transmitAntennas: number;
  readonly receiveAntennas: number;
  /** The fixed reference channel, of TS 38.104 A.3 to A.7. */
  readonly referenceChannel: string;
  /** kHz. */
  readonly subcarrierSpacing: 15 | 30;
  /** Of the carrier and of the grant. */
  readonly prbs: number;
  /** In MCS table 1: the reference channel's modulation and code rate. */
  readonly mcsIndex: number;
  /** At which 70 % of the maximum throughput is to be reached. */
  readonly snr_db: number;
}

/** MCS index in table 1 by the annex of the reference channel: QPSK 193/1024, 16QAM 658, 64QAM 567, 16QAM 434. */
const mcsIndices = { "G-FR1-A3": 2, "G-FR1-A4": 16, "G-FR1-A5": 20, "G-FR1-A7": 12 } as const;
const dopplers = { TDLA30: 10, TDLB100: 400, TDLC300: 100 } as const;

type Annex = keyof typeof mcsIndices;
/** Row, profile, transmit and receive antennas, annex and number of the reference channel, SNR in dB. */
type Row = readonly [number, keyof typeof dopplers, 1 | 2 | 4, 2 | 4, Annex, number, number];

interface Table {
  readonly subcarrierSpacing: 15 | 30;
  readonly prbs: number;
  readonly rows: readonly Row[];
}

const tables: Readonly<Record<string, Table>> = {
  "8.2.1.2-1": {
    subcarrierSpacing: 15,
    prbs: 25,
    rows: [
      [1, "TDLB100", 1, 2, "G-FR1-A3", 8, -2.3],
      [2, "TDLC300", 1, 2, "G-FR1-A4", 8, 10.1],
      [3, "TDLA30", 1, 2, "G-FR1-A5", 8, 12.3],
      [4, "TDLB100", 1, 4, "G-FR1-A3", 8, -5.8],
      [5, "TDLC300", 1, 4, "G-FR1-A4", 8, 6.2],
      [6, "TDLA30", 1, 4, "G-FR1-A5", 8, 8.8],
      [10, "TDLB100", 2, 2, "G-FR1-A3", 22, 1],
      [11, "TDLC300", 2, 2, "G-FR1-A4", 22, 18.2],
      [12, "TDLB100", 2, 4, "G-FR1-A3", 22, -2.3],
      [13, "TDLC300", 2, 4, "G-FR1-A4", 22, 11],
      [19, "TDLB100", 4, 4, "G-FR1-A3", 39, 1.8],
      [20, "TDLC300", 4, 4, "G-FR1-A7", 1, 14.6],
    ],
  },
  "8.2.1.2-2": {
    subcarrierSpacing: 15,
    prbs: 52,
    rows: [
      [1, "TDLB100", 1, 2, "G-FR1-A3", 9, -2.5],
      [2, "TDLC300", 1, 2, "G-FR1-A4", 9, 10.2],
      [3, "TDLA30", 1, 2, "G-FR1-A5", 9, 12.2],
      [4, "TDLB100", 1, 4, "G-FR1-A3", 9, -6],
      [5, "TDLC300", 1, 4, "G-FR1-A4", 9, 6.3],
      [6, "TDLA30", 1, 4, "G-FR1-A5", 9, 8.6],
      [10, "TDLB100", 2, 2, "G-FR1-A3", 23, 1.7],
      [11, "TDLC300", 2, 2, "G-FR1-A4", 23, 18.3],
      [12, "TDLB100", 2, 4, "G-FR1-A3", 23, -2],
      [13, "TDLC300", 2, 4, "G-FR1-A4", 23, 11.2],
    ],
  },
  "8.2.1.2-5": {
    subcarrierSpacing: 30,
    prbs: 51,
    rows: [
      [1, "TDLB100", 1, 2, "G-FR1-A3", 12, -2.9],
      [2, "TDLC300", 1, 2, "G-FR1-A4", 12, 10.2],
      [3, "TDLA30", 1, 2, "G-FR1-A5", 12, 12.5],
      [4, "TDLB100", 1, 4, "G-FR1-A3", 12, -6],
      [5, "TDLC300", 1, 4, "G-FR1-A4", 12, 6.4],
      [6, "TDLA30", 1, 4, "G-FR1-A5", 12, 8.6],
      [10, "TDLB100", 2, 2, "G-FR1-A3", 26, 1.3],
      [11, "TDLC300", 2, 2, "G-FR1-A4", 26, 18.1],
      [12, "TDLB100", 2, 4, "G-FR1-A3", 26, -2.2],
      [13, "TDLC300", 2, 4, "G-FR1-A4", 26, 11.3],
    ],
  },
  "8.2.1.2-6": {
    subcarrierSpacing: 30,
    prbs: 106,
    rows: [
      [1, "TDLB100", 1, 2, "G-FR1-A3", 13, -2.5],
      [2, "TDLC300", 1, 2, "G-FR1-A4", 13, 10],
      [3, "TDLA30", 1, 2, "G-FR1-A5", 13, 12.4],
      [4, "TDLB100", 1, 4, "G-FR1-A3", 13, -5.8],
      [5, "TDLC300", 1, 4, "G-FR1-A4", 13, 6.3],
      [6, "TDLA30", 1, 4, "G-FR1-A5", 13, 8.5],
      [10, "TDLB100", 2, 2, "G-FR1-A3", 27, 1.3],
      [11, "TDLC300", 2, 2, "G-FR1-A4", 27, 19.5],
      [12, "TDLB100", 2, 4, "G-FR1-A3", 27, -2.3],
      [13, "TDLC300", 2, 4, "G-FR1-A4", 27, 11.3],
    ],
  },
  "8.2.1.2-7": {
    subcarrierSpacing: 30,
    prbs: 273,
    rows: [
      [1, "TDLB100", 1, 2, "G-FR1-A3", 14, -2.8],
      [2, "TDLC300", 1, 2, "G-FR1-A4", 14, 10.2],
      [3, "TDLA30", 1, 2, "G-FR1-A5", 14, 13],
      [4, "TDLB100", 1, 4, "G-FR1-A3", 14, -5.8],
      [5, "TDLC300", 1, 4, "G-FR1-A4", 14, 6.5],
      [6, "TDLA30", 1, 4, "G-FR1-A5", 14, 9],
      [10, "TDLB100", 2, 2, "G-FR1-A3", 28, 1.4],
      [11, "TDLC300", 2, 2, "G-FR1-A4", 28, 19.2],
      [12, "TDLB100", 2, 4, "G-FR1-A3", 28, -2.2],
      [13, "TDLC300", 2, 4, "G-FR1-A4", 28, 11.6],
      [19, "TDLB100", 4, 4, "G-FR1-A3", 42, 2],
      [20, "TDLC300", 4, 4, "G-FR1-A7", 4, 15.8],
    ],
  },
};

/** All rows, in the order of the tables. */
export const requirements: readonly Requirement[] = Object.entries(tables).flatMap(
  ([table, { subcarrierSpacing, prbs, rows }]) =>
    rows.map(([row, profile, transmitAntennas, receiveAntennas, annex, channel, snr_db]) => ({
      table,
      row: String(row),
      profile,
      maximumDoppler_hz: dopplers[profile],
      transmitAntennas,
      receiveAntennas,
      referenceChannel: `${annex}-${channel}`,
      subcarrierSpacing,
      prbs,
      mcsIndex: mcsIndices[annex],
      snr_db,
    })),
);

/**
 * The grant of a row, without its slot: the whole carrier and slot, DM-RS type 1 on symbols 2 and 11, both CDM groups
 * without data.
 */
export function requirementGrant({ prbs, mcsIndex, transmitAntennas }: Requirement) {
  return {
    physCellId: 1,
    rnti: 1,
    rbStart: 0,
    rbSize: prbs,
    startSymbolIndex: 0,
    nrOfSymbols: 14,
    mcsTable: 1,
    mcsIndex,
    nrOfLayers: transmitAntennas,
    dmrsConfigType: 1,
    dmrsMappingType: "A",
    dmrsTypeAPosition: 2,
    dmrsAdditionalPosition: 1,
    numDmrsCdmGrpsNoData: 2,
  } as const;
}
