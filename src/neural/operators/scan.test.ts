import { describe, it } from "vitest";
import { checkOperator } from "../../../test/neural/operator-check.js";
import { int } from "../graph/graph.js";
import { int64Tensor } from "../graph/tensor.js";

describe("scans along an axis", () => {
  for (const operator of ["ArgMax", "ArgMin"])
    it(operator, async () => {
      for (const [axis, keepdims, last] of [
        [0, 1, 0],
        [-1, 0, 0],
        [1, 1, 1],
      ] as const)
        await checkOperator({
          inputs: { x: { shape: [4, 5, 6], draw: ({ integer }) => integer(4), isWanted: false } },
          build: (builder, { x }) =>
            builder.add(operator, [x], {
              axis: int(axis),
              keepdims: int(keepdims),
              select_last_index: int(last),
            }),
        });
    });

  it("CumSum", async () => {
    for (const exclusive of [0, 1])
      for (const reverse of [0, 1])
        await checkOperator({
          inputs: { x: { shape: [2, 5, 3] } },
          build: (builder, { x }) =>
            builder.add("CumSum", [x, builder.constant(int64Tensor([1], []))], {
              exclusive: int(exclusive),
              reverse: int(reverse),
            }),
        });
  });
});
