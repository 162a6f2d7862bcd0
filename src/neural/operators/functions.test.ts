import { describe, expect, it } from "vitest";
import { awayFromZero, checkOperator, positive } from "../../../test/neural/operator-check.js";
import { errorFunction } from "./functions.js";

describe("functions of one number", () => {
  for (const operator of ["Neg", "Abs", "Reciprocal", "Exp", "Sin", "Cos", "Atan"])
    it(operator, () =>
      checkOperator({
        inputs: { x: { shape: [4, 5], draw: awayFromZero } },
        build: (builder, { x }) => builder.add(operator, [x]),
      }),
    );

  it("Erf, on both of its forms", async () => {
    for (const scale of [0.7, 3])
      await checkOperator({
        inputs: { x: { shape: [4, 5], draw: ({ gaussian }) => scale * gaussian() } },
        build: (builder, { x }) => builder.add("Erf", [x]),
      });
  });

  it("the error function has the values of Abramowitz and Stegun's table 7.1", () => {
    expect(errorFunction(0.5)).toBeCloseTo(0.5204998778, 10);
    expect(errorFunction(-1)).toBeCloseTo(-0.8427007929, 10);
    expect(errorFunction(2)).toBeCloseTo(0.995322265, 9);
    // erfc(4) = 1.541725790028002e-8.
    expect(1 - errorFunction(4)).toBeCloseTo(1.541725790028e-8, 16);
    expect(errorFunction(3 - 1e-9) - errorFunction(3 + 1e-9)).toBeCloseTo(0, 12);
    expect(errorFunction(Number.NEGATIVE_INFINITY)).toBe(-1);
  });

  for (const operator of ["Sqrt", "Log"])
    it(operator, () =>
      checkOperator({
        inputs: { x: { shape: [4, 5], draw: positive } },
        build: (builder, { x }) => builder.add(operator, [x]),
      }),
    );

  for (const operator of ["Sign", "Floor", "Ceil", "Round"])
    it(`${operator}, which is flat`, () =>
      checkOperator({
        inputs: { x: { shape: [4, 5], draw: ({ gaussian }) => 3 * gaussian() } },
        build: (builder, { x }) => builder.add(operator, [x]),
        isFlat: true,
      }));

  it("Round takes halves to even", () =>
    checkOperator({
      inputs: { x: { shape: [20], draw: ({ integer }) => integer(20) - 9.5, isWanted: false } },
      build: (builder, { x }) => builder.add("Round", [x]),
    }));
});
