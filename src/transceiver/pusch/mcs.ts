import { InputError } from "../../errors.js";

/** Bits of a modulation symbol: π/2-BPSK or BPSK 1, QPSK 2, 16QAM 4, 64QAM 6, 256QAM 8. */
export type ModulationOrder = 1 | 2 | 4 | 6 | 8;

/** 1: TS 38.214 Table 5.1.3.1-1 (64QAM), 2: 5.1.3.1-2 (256QAM), 3: 5.1.3.1-3 (64QAM, low spectral efficiency). */
export type McsTable = 1 | 2 | 3;

/** A row of an MCS table; a reserved row gives the modulation order only. */
export interface Mcs {
  readonly modulationOrder: ModulationOrder;
  /** R, from 0 to 1; absent where the index is reserved: that of the transport block's first transmission holds. */
  readonly targetCodeRate?: number;
}

/** R·1024 of each index in ascending order, by modulation order; the reserved indices follow, one an order. */
const TABLES: Readonly<Record<McsTable, readonly (readonly [ModulationOrder, readonly number[]])[]>> = {
  1: [
    [2, [120, 157, 193, 251, 308, 379, 449, 526, 602, 679]],
    [4, [340, 378, 434, 490, 553, 616, 658]],
    [6, [438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948]],
  ],
  2: [
    [2, [120, 193, 308, 449, 602]],
    [4, [378, 434, 490, 553, 616, 658]],
    [6, [466, 517, 567, 616, 666, 719, 772, 822, 873]],
    [8, [682.5, 711, 754, 797, 841, 885, 916.5, 948]],
  ],
  3: [
    [2, [30, 40, 50, 64, 78, 99, 120, 157, 193, 251, 308, 379, 449, 526, 602]],
    [4, [340, 378, 434, 490, 553, 616]],
    [6, [438, 466, 517, 567, 616, 666, 719, 772]],
  ],
};

const ROWS: Readonly<Record<McsTable, readonly Mcs[]>> = { 1: rows(1), 2: rows(2), 3: rows(3) };

function rows(table: McsTable): Mcs[] {
  const orders = TABLES[table];
  return [
    ...orders.flatMap(([modulationOrder, rates]) =>
      rates.map((rate) => ({ modulationOrder, targetCodeRate: rate / 1024 })),
    ),
    ...orders.map(([modulationOrder]) => ({ modulationOrder })),
  ];
}

/**
 * Modulation order and code rate of an MCS index, PUSCH with transform precoding disabled (TS 38.214 6.1.4.1).
 * @throws InputError for an index outside 0 to 31.
 */
export function mcs(table: McsTable, index: number): Mcs {
  const row = ROWS[table][index];
  if (row === undefined) throw new InputError("mcsIndex", index, "give a whole number from 0 to 31");
  return row;
}
