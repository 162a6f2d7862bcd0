import { describe, it } from "vitest";
import { awayFromZero, checkOperator } from "../../../test/neural/operator-check.js";
import { float, string } from "../graph/graph.js";

describe("activations", () => {
  for (const operator of [
    "Relu",
    "Tanh",
    "Sigmoid",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Softplus",
    "Softsign",
    "HardSigmoid",
    "HardSwish",
    "Mish",
  ])
    it(operator, () =>
      checkOperator({
        inputs: { x: { shape: [4, 5], draw: (random) => 4 * awayFromZero(random) } },
        build: (builder, { x }) => builder.add(operator, [x]),
      }),
    );

  it("of the slopes that attributes give", async () => {
    for (const [operator, attributes] of [
      ["LeakyRelu", { alpha: float(0.3) }],
      ["Elu", { alpha: float(0.5) }],
      ["Selu", { alpha: float(1.5), gamma: float(0.75) }],
      ["HardSigmoid", { alpha: float(0.25), beta: float(0.375) }],
    ] as const)
      await checkOperator({
        inputs: { x: { shape: [4, 5], draw: awayFromZero } },
        build: (builder, { x }) => builder.add(operator, [x], attributes),
      });
  });

  it("Gelu, exact and by the hyperbolic tangent", async () => {
    for (const form of ["none", "tanh"])
      await checkOperator({
        inputs: { x: { shape: [4, 5] } },
        build: (builder, { x }) => builder.add("Gelu", [x], { approximate: string(form) }),
        opset: 20,
      });
  });

  it("PRelu with a slope a channel and a common one", async () => {
    for (const shape of [[3, 1], [1], [2, 3, 4]])
      await checkOperator({
        inputs: { x: { shape: [2, 3, 4], draw: awayFromZero }, slope: { shape } },
        build: (builder, { x, slope }) => builder.add("PRelu", [x, slope]),
      });
  });
});
