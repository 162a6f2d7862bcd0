import { describe, it } from "vitest";
import { awayFromZero, checkOperator } from "../../../test/neural/operator-check.js";

describe("activations", () => {
  for (const operator of ["Relu", "Tanh", "Sigmoid"])
    it(operator, () =>
      checkOperator({
        inputs: { x: { shape: [4, 5], draw: awayFromZero } },
        build: (builder, { x }) => builder.add(operator, [x]),
      }),
    );
});
