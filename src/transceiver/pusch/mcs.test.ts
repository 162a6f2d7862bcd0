import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { type McsTable, mcs } from "./mcs.js";

/** TS 38.214 Tables 5.1.3.1-1 to -3: index, Q_m, R·1024, spectral efficiency as the tables print it. */
const ROWS: [McsTable, number, number, number, number][] = [
  [1, 0, 2, 120, 0.2344],
  [1, 9, 2, 679, 1.3262],
  [1, 10, 4, 340, 1.3281],
  [1, 14, 4, 553, 2.1602],
  [1, 16, 4, 658, 2.5703],
  [1, 17, 6, 438, 2.5664],
  [1, 28, 6, 948, 5.5547],
  [2, 0, 2, 120, 0.2344],
  [2, 4, 2, 602, 1.1758],
  [2, 5, 4, 378, 1.4766],
  [2, 11, 6, 466, 2.7305],
  [2, 20, 8, 682.5, 5.332],
  [2, 26, 8, 916.5, 7.1602],
  [2, 27, 8, 948, 7.4063],
  [3, 0, 2, 30, 0.0586],
  [3, 14, 2, 602, 1.1758],
  [3, 15, 4, 340, 1.3281],
  [3, 21, 6, 438, 2.5664],
  [3, 28, 6, 772, 4.5234],
];

const RESERVED: [McsTable, number, number][] = [
  [1, 29, 2],
  [1, 30, 4],
  [1, 31, 6],
  [2, 28, 2],
  [2, 29, 4],
  [2, 30, 6],
  [2, 31, 8],
  [3, 29, 2],
  [3, 30, 4],
  [3, 31, 6],
];

/** TS 38.214 Tables 6.1.4.1-1 and -2 (tables 1 and 3): index, q, Q_m, R·1024. */
const TRANSFORM_PRECODED: [McsTable, number, 1 | 2, number, number | undefined][] = [
  [1, 0, 1, 1, 240],
  [1, 0, 2, 2, 120],
  [1, 1, 1, 1, 314],
  [1, 1, 2, 2, 157],
  [1, 2, 1, 2, 193],
  [1, 9, 2, 2, 679],
  [1, 10, 1, 4, 340],
  [1, 16, 2, 4, 658],
  [1, 17, 1, 6, 466],
  [1, 27, 2, 6, 948],
  [1, 28, 1, 1, undefined],
  [1, 28, 2, 2, undefined],
  [1, 29, 1, 2, undefined],
  [1, 31, 1, 6, undefined],
  [2, 0, 1, 2, 120],
  [2, 27, 1, 8, 948],
  [2, 28, 1, 2, undefined],
  [3, 0, 1, 1, 60],
  [3, 0, 2, 2, 30],
  [3, 5, 1, 1, 198],
  [3, 5, 2, 2, 99],
  [3, 6, 1, 2, 120],
  [3, 15, 2, 2, 679],
  [3, 16, 1, 4, 378],
  [3, 22, 1, 4, 699],
  [3, 23, 2, 4, 772],
  [3, 24, 1, 6, 567],
  [3, 27, 1, 6, 772],
  [3, 28, 1, 1, undefined],
  [3, 30, 2, 4, undefined],
];

describe("modulation and coding schemes", () => {
  it.each(ROWS)("table %d index %d", (table, index, order, rate, efficiency) => {
    const row = mcs(table, index);
    expect(row).toEqual({ modulationOrder: order, targetCodeRate: rate / 1024 });
    expect(row.modulationOrder * row.targetCodeRate!).toBeCloseTo(efficiency, 3);
  });

  it.each(RESERVED)("table %d index %d is reserved", (table, index, order) => {
    expect(mcs(table, index)).toEqual({ modulationOrder: order });
  });

  it.each(TRANSFORM_PRECODED)(
    "table %d index %d with transform precoding and q = %d",
    (table, index, q, order, rate) => {
      const expected = rate === undefined ? {} : { targetCodeRate: rate / 1024 };
      expect(mcs(table, index, q)).toEqual({ modulationOrder: order, ...expected });
    },
  );

  it.each([1, 3] as const)(
    "has 32 indices of rising efficiency in table %d with transform precoding",
    (table) => {
      for (const q of [1, 2] as const) {
        const rows = Array.from({ length: 32 }, (_, index) => mcs(table, index, q));
        const efficiencies = rows.slice(0, 28).map((row) => row.modulationOrder * row.targetCodeRate!);
        // Where the modulation changes it may fall by a hair.
        efficiencies.slice(1).forEach((value, k) => {
          expect(value).toBeGreaterThan(efficiencies[k]! * 0.99);
        });
        expect(() => mcs(table, 32, q)).toThrow(InputError);
      }
    },
  );

  it.each([-1, 32, 1.5])("refuses index %d", (index) => {
    expect(() => mcs(1, index)).toThrow(InputError);
  });
});
