import { describe, it } from "vitest";
import { checkOperator } from "../../../test/neural/operator-check.js";
import { int } from "../graph/graph.js";
import { int64Tensor } from "../graph/tensor.js";

describe("reductions", () => {
  for (const operator of ["ReduceSum", "ReduceMean"])
    it(operator, async () => {
      for (const keepdims of [0, 1])
        for (const axes of [[], [0], [-1], [2, 0]])
          await checkOperator({
            inputs: { x: { shape: [2, 3, 4] } },
            build: (builder, { x }) =>
              builder.add(operator, [x, builder.constant(int64Tensor(axes))], { keepdims: int(keepdims) }),
          });
    });
});
