import { describe, it } from "vitest";
import { checkOperator } from "../../../test/neural/operator-check.js";
import { int } from "../graph/graph.js";

describe("shares of exponentials", () => {
  for (const operator of ["Softmax", "LogSoftmax"])
    it(operator, async () => {
      for (const axis of [-1, 0, 1])
        await checkOperator({
          inputs: { x: { shape: [2, 3, 4] } },
          build: (builder, { x }) => builder.add(operator, [x], { axis: int(axis) }),
        });
    });
});
