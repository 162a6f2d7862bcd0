import { describe, it } from "vitest";
import { checkOperator, positive } from "../../../test/neural/operator-check.js";

const shapes: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [4, 5],
    [4, 5],
  ],
  [[4, 5], [5]],
  [[], [4, 5]],
  [
    [4, 1, 5],
    [3, 1],
  ],
  [
    [4, 1],
    [1, 1, 5],
  ],
];

describe("arithmetic", () => {
  for (const operator of ["Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean"])
    for (const [a, b] of shapes)
      it(`${operator} of [${a}] and [${b}]`, () =>
        checkOperator({
          inputs: { a: { shape: a, draw: positive }, b: { shape: b, draw: positive } },
          build: (builder, { a, b }) => builder.add(operator, [a, b]),
        }));

  it("Pow by a constant, at negative numbers for whole ones", async () => {
    for (const exponent of [2, 3, 1, -2])
      await checkOperator({
        inputs: { x: { shape: [8] } },
        build: (builder, { x }) => builder.add("Pow", [x, builder.constant(exponent)]),
      });
    for (const exponent of [0.5, -1.5])
      await checkOperator({
        inputs: { x: { shape: [8], draw: positive } },
        build: (builder, { x }) => builder.add("Pow", [x, builder.constant(exponent)]),
      });
  });

  it("Pow by 0 has no slope, at 0, too", () =>
    checkOperator({
      inputs: { x: { shape: [8], draw: ({ integer }) => integer(3) - 1 } },
      build: (builder, { x }) => builder.add("Pow", [x, builder.constant(0)]),
      isFlat: true,
    }));

  it("of three values", async () => {
    for (const operator of ["Sum", "Mean", "Min", "Max"])
      await checkOperator({
        inputs: { a: { shape: [4, 5] }, b: { shape: [5] }, c: { shape: [4, 1] } },
        build: (builder, { a, b, c }) => builder.add(operator, [a, b, c]),
      });
  });

  it("Clip on each side", async () => {
    for (const bounds of [[-0.3, 0.4], [undefined, 0.4], [-0.3]])
      await checkOperator({
        inputs: { x: { shape: [4, 5] } },
        build: (builder, { x }) =>
          builder.add("Clip", [
            x,
            ...bounds.map((bound) => (bound === undefined ? undefined : builder.constant(bound))),
          ]),
      });
  });

  it("of integers, cut towards zero", async () => {
    for (const operator of ["Add", "Sub", "Mul", "Div", "Max"])
      await checkOperator({
        inputs: {
          a: { shape: [40], elementType: "int64", draw: ({ integer }) => integer(21) - 10 },
          b: { shape: [40], elementType: "int64", draw: ({ integer }) => integer(9) - 10 },
        },
        build: (builder, { a, b }) => builder.add(operator, [a, b]),
      });
  });
});
