import { describe, it } from "vitest";
import { checkOperator, positive } from "../../../test/neural/operator-check.js";
import { int, ints } from "../graph/graph.js";
import { int64Tensor } from "../graph/tensor.js";

const all = ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp"].map(
  (name) => `Reduce${name}`,
);

describe("reductions", () => {
  for (const operator of all) {
    it(`${operator} over axes that are an input`, async () => {
      for (const keepdims of [0, 1])
        for (const axes of [[], [0], [-1], [2, 0]])
          await checkOperator({
            inputs: { x: { shape: [2, 3, 4], draw: (random) => 0.6 + positive(random) } },
            build: (builder, { x }) =>
              builder.add(operator, [x, builder.constant(int64Tensor(axes))], { keepdims: int(keepdims) }),
          });
    });

    if (operator !== "ReduceSum")
      it(`${operator} over axes that are an attribute, before operator set 18`, async () => {
        for (const attributes of [{}, { axes: ints([-1, 0]), keepdims: int(0) }])
          await checkOperator({
            inputs: { x: { shape: [2, 3, 4], draw: (random) => 0.6 + positive(random) } },
            build: (builder, { x }) => builder.add(operator, [x], attributes),
            opset: 13,
          });
      });
  }

  it("leave the value alone where no axes mean none", () =>
    checkOperator({
      inputs: { x: { shape: [2, 3] } },
      build: (builder, { x }) => builder.add("ReduceSum", [x], { noop_with_empty_axes: int(1) }),
    }));

  it("ReduceProd has the slope of the others where elements are 0", () =>
    checkOperator({
      inputs: { x: { shape: [20, 3], draw: ({ integer }) => integer(3) } },
      build: (builder, { x }) => builder.add("ReduceProd", [x, builder.constant(int64Tensor([1]))]),
    }));

  it("ReduceLogSumExp does not overflow", () =>
    checkOperator({
      inputs: { x: { shape: [3, 4], draw: ({ gaussian }) => 100 + 3 * gaussian() } },
      build: (builder, { x }) => builder.add("ReduceLogSumExp", [x, builder.constant(int64Tensor([1]))]),
    }));
});
