import { describe, expect, it } from "vitest";
import {
  checkOperator,
  type DrawnInput,
  evaluateGraph,
  positive,
} from "../../../test/neural/operator-check.js";
import { int, string } from "../graph/graph.js";
import { networkBuilder } from "../network/builder.js";
import { numeric } from "./numeric.js";

const labels = (...shape: number[]): DrawnInput => ({
  shape,
  elementType: "int64",
  draw: ({ integer }) => integer(3),
});

describe("SoftmaxCrossEntropyLoss", () => {
  for (const reduction of ["mean", "sum", "none"])
    it(`${reduction} over the batch, weighted or not`, async () => {
      const attributes = { reduction: string(reduction) };
      await checkOperator({
        inputs: { scores: { shape: [5, 3] }, labels: labels(5) },
        build: (builder, { scores, labels }) =>
          builder.add("SoftmaxCrossEntropyLoss", [scores, labels], attributes),
      });
      await checkOperator({
        inputs: {
          scores: { shape: [2, 3, 4, 2] },
          labels: labels(2, 4, 2),
          weights: { shape: [3], draw: positive, isWanted: false },
        },
        build: (builder, { scores, labels, weights }) =>
          builder.add("SoftmaxCrossEntropyLoss", [scores, labels, weights], {
            ...attributes,
            ignore_index: int(1),
          }),
      });
    });

  it("also gives the logarithms, of which a loss may be", () =>
    checkOperator({
      inputs: { scores: { shape: [2, 3, 4] }, labels: labels(2, 4) },
      build: (builder, { scores, labels }) => builder.addMany("SoftmaxCrossEntropyLoss", [scores, labels], 2),
    }));

  it("refuses labels of no class", () => {
    const builder = networkBuilder("g");
    const scores = builder.input("scores", "float32", [1, 3]);
    const label = builder.input("label", "int64", [1]);
    builder.output("loss", builder.add("SoftmaxCrossEntropyLoss", [scores, label]));
    for (const wrong of [-1, 3])
      expect(() =>
        evaluateGraph(builder.graph(), {
          scores: numeric("float32", [1, 3]),
          label: numeric("int64", [1], Float64Array.of(wrong)),
        }),
      ).toThrow(/give 0 to 2/);
  });
});
