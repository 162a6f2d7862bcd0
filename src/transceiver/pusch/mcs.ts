import { InputError } from "../../errors.js";

/** Bits of a modulation symbol: π/2-BPSK or BPSK 1, QPSK 2, 16QAM 4, 64QAM 6, 256QAM 8. */
export type ModulationOrder = 1 | 2 | 4 | 6 | 8;

/**
 * 1: TS 38.214 Table 5.1.3.1-1 (64QAM), 2: 5.1.3.1-2 (256QAM), 3: 5.1.3.1-3 (64QAM, low spectral efficiency). With
 * transform precoding 6.1.4.1-1, 5.1.3.1-2 and 6.1.4.1-2 in their places.
 */
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

/**
 * The same for Tables 6.1.4.1-1 and -2, of the tables with transform precoding. The first line is of order q, R·1024
 * divided by it.
 */
const TRANSFORM_PRECODED: Readonly<
  Record<1 | 3, readonly (readonly ["q" | ModulationOrder, readonly number[]])[]>
> = {
  1: [
    ["q", [240, 314]],
    [2, [193, 251, 308, 379, 449, 526, 602, 679]],
    [4, [340, 378, 434, 490, 553, 616, 658]],
    [6, [466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948]],
  ],
  3: [
    ["q", [60, 80, 100, 128, 156, 198]],
    [2, [120, 157, 193, 251, 308, 379, 449, 526, 602, 679]],
    [4, [378, 434, 490, 553, 616, 658, 699, 772]],
    [6, [567, 616, 666, 772]],
  ],
};

const ROWS: Readonly<Record<McsTable, readonly Mcs[]>> = {
  1: rows(TABLES[1]),
  2: rows(TABLES[2]),
  3: rows(TABLES[3]),
};

const TRANSFORM_PRECODED_ROWS: Readonly<Record<1 | 2, Readonly<Record<McsTable, readonly Mcs[]>>>> = {
  1: { 1: transformPrecodedRows(1, 1), 2: ROWS[2], 3: transformPrecodedRows(3, 1) },
  2: { 1: transformPrecodedRows(1, 2), 2: ROWS[2], 3: transformPrecodedRows(3, 2) },
};

function transformPrecodedRows(table: 1 | 3, q: 1 | 2): Mcs[] {
  return rows(
    TRANSFORM_PRECODED[table].map(([order, rates]) =>
      order === "q" ? ([q, rates.map((rate) => rate / q)] as const) : ([order, rates] as const),
    ),
  );
}

function rows(orders: readonly (readonly [ModulationOrder, readonly number[]])[]): Mcs[] {
  return [
    ...orders.flatMap(([modulationOrder, rates]) =>
      rates.map((rate) => ({ modulationOrder, targetCodeRate: rate / 1024 })),
    ),
    ...orders.map(([modulationOrder]) => ({ modulationOrder })),
  ];
}

/**
 * Modulation order and code rate of an MCS index (TS 38.214 6.1.4.1).
 * @param q with transform precoding: the order of the lowest indices of Tables 6.1.4.1-1 and -2, 1 (π/2-BPSK) where
 * tp-pi2BPSK is configured. Absent: transform precoding is disabled.
 * @throws InputError for an index outside 0 to 31.
 */
export function mcs(table: McsTable, index: number, q?: 1 | 2): Mcs {
  const row = (q === undefined ? ROWS : TRANSFORM_PRECODED_ROWS[q])[table][index];
  if (row === undefined) throw new InputError("mcsIndex", index, "give a whole number from 0 to 31");
  return row;
}
