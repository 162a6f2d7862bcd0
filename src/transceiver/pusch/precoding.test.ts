import { describe, expect, it } from "vitest";
import { precodingMatrix, precodingMatrixCount } from "./precoding.js";

/** Rows of TS 38.211 Tables 6.3.1.5-1 and -3 to -7: factor and matrix by port and layer, as [re, im]. */
const j = [0, 1];
const mj = [0, -1];
const one = [1, 0];
const m = [-1, 0];
const o = [0, 0];
const ROWS: [layers: number, ports: number, tpmi: number, factor: number, matrix: number[][][]][] = [
  [1, 2, 4, Math.SQRT1_2, [[one], [j]]],
  [1, 2, 1, Math.SQRT1_2, [[o], [one]]],
  [1, 4, 3, 0.5, [[o], [o], [o], [one]]],
  [1, 4, 7, 0.5, [[one], [o], [mj], [o]]],
  [1, 4, 19, 0.5, [[one], [j], [mj], [one]]],
  [1, 4, 27, 0.5, [[one], [mj], [mj], [m]]],
  [
    2,
    2,
    0,
    Math.SQRT1_2,
    [
      [one, o],
      [o, one],
    ],
  ],
  [
    2,
    2,
    2,
    0.5,
    [
      [one, one],
      [j, mj],
    ],
  ],
  [
    2,
    4,
    3,
    0.5,
    [
      [o, o],
      [one, o],
      [o, one],
      [o, o],
    ],
  ],
  [
    2,
    4,
    8,
    0.5,
    [
      [one, o],
      [o, one],
      [mj, o],
      [o, one],
    ],
  ],
  [
    2,
    4,
    17,
    Math.SQRT1_2 / 2,
    [
      [one, one],
      [j, j],
      [j, mj],
      [m, one],
    ],
  ],
  [
    3,
    4,
    2,
    0.5,
    [
      [one, o, o],
      [o, one, o],
      [m, o, o],
      [o, o, one],
    ],
  ],
  [
    3,
    4,
    6,
    0.5 / Math.sqrt(3),
    [
      [one, one, one],
      [m, one, m],
      [j, j, mj],
      [mj, j, j],
    ],
  ],
  [
    4,
    4,
    2,
    Math.SQRT1_2 / 2,
    [
      [one, one, o, o],
      [o, o, one, one],
      [j, mj, o, o],
      [o, o, j, mj],
    ],
  ],
  [
    4,
    4,
    4,
    0.25,
    [
      [one, one, one, one],
      [one, m, one, m],
      [j, j, mj, mj],
      [j, mj, mj, j],
    ],
  ],
];

const CODEBOOKS = [
  [1, 2, 6],
  [1, 4, 28],
  [2, 2, 3],
  [2, 4, 22],
  [3, 4, 7],
  [4, 4, 5],
] as const;

describe("precoding matrices, TS 38.211 6.3.1.5", () => {
  it.each(ROWS)("%d layers on %d ports, TPMI %d", (layers, ports, tpmi, factor, matrix) => {
    const expected = matrix.flat(2).map((value) => value * factor);
    const found = precodingMatrix(layers, ports, tpmi);
    expect(found).toHaveLength(expected.length);
    expected.forEach((value, index) => {
      expect(found[index]).toBeCloseTo(value, 14);
    });
  });

  // Table 6.3.1.5-2.
  it.each([
    [3, [o, o, o, one]],
    [7, [one, o, mj, o]],
    [12, [one, one, one, m]],
    [17, [one, j, j, one]],
    [19, [one, j, mj, m]],
    [20, [one, m, one, one]],
    [22, [one, m, m, m]],
    [25, [one, mj, j, m]],
    [27, [one, mj, mj, one]],
  ])("one layer on 4 ports with transform precoding, TPMI %d", (tpmi, matrix) => {
    const expected = matrix.flat().map((value) => value / 2);
    expect([...precodingMatrix(1, 4, tpmi, true)].map((value) => value + 0)).toEqual(expected);
    expect(precodingMatrix(1, 2, 4, true)).toEqual(precodingMatrix(1, 2, 4));
  });

  it("with transform precoding, one layer on 4 ports, are 28 different matrices", () => {
    const all = Array.from({ length: 28 }, (_, tpmi) => precodingMatrix(1, 4, tpmi, true).join());
    expect(new Set(all).size).toBe(28);
  });

  it.each(CODEBOOKS)(
    "%d layers on %d ports are %d matrices, all different, with orthogonal columns and power up to 1",
    (layers, ports, count) => {
      expect(precodingMatrixCount(layers, ports)).toBe(count);
      const seen = new Set<string>();
      for (let tpmi = 0; tpmi < count; tpmi++) {
        const matrix = precodingMatrix(layers, ports, tpmi);
        seen.add([...matrix].map((value) => value.toFixed(6)).join());
        const product = (left: number, right: number) => {
          let [re, im] = [0, 0];
          for (let port = 0; port < ports; port++) {
            const [a, b] = [2 * (port * layers + left), 2 * (port * layers + right)];
            re += matrix[a]! * matrix[b]! + matrix[a + 1]! * matrix[b + 1]!;
            im += matrix[a]! * matrix[b + 1]! - matrix[a + 1]! * matrix[b]!;
          }
          return [re, im] as const;
        };
        const power = matrix.reduce((sum, value) => sum + value * value, 0);
        expect(power).toBeLessThan(1 + 1e-12);
        for (let left = 0; left < layers; left++)
          for (let right = 0; right < layers; right++) {
            const [re, im] = product(left, right);
            expect(im).toBeCloseTo(0, 12);
            if (left === right) expect(re).toBeGreaterThan(1 / 5);
            else expect(re).toBeCloseTo(0, 12);
          }
      }
      expect(seen.size).toBe(count);
    },
  );

  it("has no table for more layers than ports or other ports", () => {
    for (const [layers, ports] of [
      [3, 2],
      [4, 2],
      [5, 4],
      [1, 3],
      [1, 1],
    ] as const)
      expect(precodingMatrixCount(layers, ports)).toBe(0);
  });
});
