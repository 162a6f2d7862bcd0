import { describe, it } from "vitest";
import { checkOperator, type DrawnInput } from "../../../test/neural/operator-check.js";

const bool = (...shape: number[]): DrawnInput => ({
  shape,
  elementType: "bool",
  draw: ({ integer }) => integer(2),
});
const small = (...shape: number[]): DrawnInput => ({ shape, draw: ({ integer }) => integer(3) });

describe("choices", () => {
  it("Where broadcasts all three", () =>
    checkOperator({
      inputs: { condition: bool(4, 1), a: { shape: [4, 3] }, b: { shape: [3] } },
      build: (builder, { condition, a, b }) => builder.add("Where", [condition, a, b]),
    }));

  for (const operator of ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
    it(operator, () =>
      checkOperator({
        inputs: { a: small(4, 5), b: small(5) },
        build: (builder, { a, b }) => builder.add(operator, [a, b]),
      }),
    );

  for (const operator of ["And", "Or", "Xor", "Equal"])
    it(`${operator} of bool`, () =>
      checkOperator({
        inputs: { a: bool(4, 5), b: bool(5) },
        build: (builder, { a, b }) => builder.add(operator, [a, b]),
      }));

  it("Not", () =>
    checkOperator({ inputs: { a: bool(4, 5) }, build: (builder, { a }) => builder.add("Not", [a]) }));
});
