import { describe, it } from "vitest";
import { checkOperator } from "../../../test/neural/operator-check.js";
import { float, int } from "../graph/graph.js";

describe("matrix products", () => {
  for (const [a, b] of [
    [
      [3, 4],
      [4, 5],
    ],
    [
      [2, 3, 4],
      [4, 5],
    ],
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    [
      [2, 1, 3, 4],
      [3, 4, 2],
    ],
    [[4], [4]],
    [[4], [4, 3]],
    [[2, 3, 4], [4]],
    [[4], [2, 4, 3]],
  ])
    it(`MatMul of [${a}] and [${b}]`, () =>
      checkOperator({
        inputs: { a: { shape: a! }, b: { shape: b! } },
        build: (builder, { a, b }) => builder.add("MatMul", [a, b]),
      }));

  for (const transA of [0, 1])
    for (const transB of [0, 1])
      it(`Gemm with transA ${transA} and transB ${transB}`, async () => {
        for (const added of [[3, 5], [5], [3, 1], []])
          await checkOperator({
            inputs: {
              a: { shape: transA ? [4, 3] : [3, 4] },
              b: { shape: transB ? [5, 4] : [4, 5] },
              c: { shape: added },
            },
            build: (builder, { a, b, c }) =>
              builder.add("Gemm", [a, b, c], {
                transA: int(transA),
                transB: int(transB),
                alpha: float(0.5),
                beta: float(1.5),
              }),
          });
      });
});
