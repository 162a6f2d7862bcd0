import { describe, it } from "vitest";
import { checkOperator } from "../../../test/neural/operator-check.js";
import { ints } from "../graph/graph.js";
import { int64Tensor } from "../graph/tensor.js";

describe("shapes", () => {
  it("Reshape, Transpose, Expand", () =>
    checkOperator({
      inputs: { x: { shape: [2, 3, 4] } },
      build: (builder, { x }) => {
        const flat = builder.add("Reshape", [x, builder.constant(int64Tensor([0, -1, 1]))]);
        const turned = builder.add("Transpose", [flat], { perm: ints([2, 0, 1]) });
        return builder.add("Expand", [turned, builder.constant(int64Tensor([2, 3, 1, 1]))]);
      },
    }));
});
