import { describe, it } from "vitest";
import { checkOperator } from "../../../test/neural/operator-check.js";
import { elementTypeCodes } from "../graph/element-type-codes.js";
import { float, floats, int, ints } from "../graph/graph.js";
import { float32Tensor } from "../graph/tensor.js";

describe("conversions", () => {
  it("Identity", () =>
    checkOperator({
      inputs: { x: { shape: [3] } },
      build: (builder, { x }) => builder.add("Identity", [x]),
    }));

  for (const elementType of ["int64", "int32", "uint8", "bool", "float64"] as const)
    it(`Cast of numbers to ${elementType}`, () =>
      checkOperator({
        inputs: { x: { shape: [40], draw: ({ next }) => 200 * next(), isWanted: false } },
        build: (builder, { x }) => builder.add("Cast", [x], { to: int(elementTypeCodes[elementType]) }),
      }));

  it("Cast of integers wraps around", () =>
    checkOperator({
      inputs: { x: { shape: [40], elementType: "int32", draw: ({ integer }) => integer(2000) - 1000 } },
      build: (builder, { x }) => builder.add("Cast", [x], { to: int(elementTypeCodes.int8) }),
    }));

  it("Cast lets gradients through", () =>
    checkOperator({
      inputs: { x: { shape: [5] } },
      build: (builder, { x }) => {
        const double = builder.add("Cast", [x], { to: int(elementTypeCodes.float64) });
        const square = builder.add("Mul", [double, double]);
        return builder.add("Cast", [square], { to: int(elementTypeCodes.float32) });
      },
    }));

  it("Constant of each kind", async () => {
    for (const attributes of [
      { value: { kind: "tensor", value: float32Tensor([1, 2, 3, 4], [2, 2]) } as const },
      { value_float: float(1.5) },
      { value_floats: floats([1, 2]) },
      { value_int: int(-3) },
      { value_ints: ints([1, 2, 3]) },
    ])
      await checkOperator({ inputs: {}, build: (builder) => builder.add("Constant", [], attributes) });
  });
});
