import { describe, expect, it } from "vitest";
import { blerChart, confidence } from "./chart.js";

describe("confidence", () => {
  it("agrees with published Wilson intervals", () => {
    // Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
    for (const [errors, blocks, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      const found = confidence({ errors, blocks });
      expect(found[0]).toBeCloseTo(low, 3);
      expect(found[1]).toBeCloseTo(high, 3);
    }
  });
});

describe("blerChart", () => {
  const points = [
    { snr_db: 0, errors: 100, blocks: 100 },
    { snr_db: 2, errors: 10, blocks: 100 },
    { snr_db: 4, errors: 1, blocks: 100 },
    { snr_db: 6, errors: 0, blocks: 100 },
  ];
  const marks = (svg: string) =>
    [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)" r="4" ([^ ]+) stroke/g)].map(([, x, y, fill]) => ({
      x: Number(x),
      y: Number(y),
      fill,
    }));

  it("has equal steps for equal decibels and equal decades", () => {
    const [one, two, three, four] = marks(blerChart("curve", [{ name: "a", points }])) as [
      ReturnType<typeof marks>[0],
      ReturnType<typeof marks>[0],
      ReturnType<typeof marks>[0],
      ReturnType<typeof marks>[0],
    ];
    expect(two.x - one.x).toBeCloseTo(three.x - two.x, 1);
    expect(two.y - one.y).toBeCloseTo(three.y - two.y, 1);
    expect(two.y).toBeGreaterThan(one.y);
    // No error in 100 blocks is drawn hollow where one error would be.
    expect(four.y).toBe(three.y);
    expect(three.fill).not.toBe(four.fill);
  });

  it("draws the line through the points with errors only", () => {
    const svg = blerChart("curve", [{ name: "a", points }]);
    expect(/fill="none" [^>]* d="([^"]*)"/.exec(svg)?.[1]?.match(/[ML]/g)).toEqual(["M", "L", "L"]);
  });

  it("escapes names, serves both colour schemes and stays within the picture", () => {
    const svg = blerChart("a < b & c", [
      { name: "<first>", points },
      { name: "second", points: points.map((point) => ({ ...point, snr_db: point.snr_db + 1 })) },
    ]);
    expect(svg).toContain("<title>a &lt; b &amp; c</title>");
    expect(svg).toContain("&lt;first&gt;");
    expect(svg).toContain("prefers-color-scheme:dark");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    for (const { x, y } of marks(svg)) {
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(720);
      expect(y).toBeGreaterThan(0);
      expect(y).toBeLessThan(480);
    }
  });

  it("draws a single point, a vanishing rate and no point at all", () => {
    for (const curves of [
      [],
      [{ name: "none", points: [] }],
      [{ name: "one", points: [{ snr_db: 3, errors: 0, blocks: 1 }] }],
      [{ name: "rare", points: [{ snr_db: -3, errors: 1, blocks: 1e7 }] }],
    ]) {
      expect(blerChart("curve", curves)).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});
