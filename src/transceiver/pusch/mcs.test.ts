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

describe("modulation and coding schemes", () => {
  it.each(ROWS)("table %d index %d", (table, index, order, rate, efficiency) => {
    const row = mcs(table, index);
    expect(row).toEqual({ modulationOrder: order, targetCodeRate: rate / 1024 });
    expect(row.modulationOrder * row.targetCodeRate!).toBeCloseTo(efficiency, 3);
  });

  it.each(RESERVED)("table %d index %d is reserved", (table, index, order) => {
    expect(mcs(table, index)).toEqual({ modulationOrder: order });
  });

  it.each([-1, 32, 1.5])("refuses index %d", (index) => {
    expect(() => mcs(1, index)).toThrow(InputError);
  });
});
