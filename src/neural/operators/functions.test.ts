import { describe, it } from "vitest";
import { awayFromZero, checkOperator, positive } from "../../../test/neural/operator-check.js";

describe("functions of one number", () => {
  for (const operator of ["Neg", "Abs", "Reciprocal", "Exp"])
    it(operator, () =>
      checkOperator({
        inputs: { x: { shape: [4, 5], draw: awayFromZero } },
        build: (builder, { x }) => builder.add(operator, [x]),
      }),
    );

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
