import { describe, expect, it } from "vitest";
import { checkOperator, type DrawnInput, positive } from "../../../test/neural/operator-check.js";
import { differentiate } from "../gradients/differentiate.js";
import { float, int } from "../graph/graph.js";
import { networkBuilder } from "../network/builder.js";

const channels: DrawnInput = { shape: [3] };

describe("normalizations", () => {
  it("LayerNormalization over the last axes", async () => {
    for (const [axis, shape] of [
      [-1, [4]],
      [1, [3, 4]],
      [2, [1]],
    ] as const)
      await checkOperator({
        inputs: { x: { shape: [2, 3, 4] }, scale: { shape }, bias: { shape } },
        build: (builder, { x, scale, bias }) =>
          builder.add("LayerNormalization", [x, scale, bias], { axis: int(axis), epsilon: float(0.01) }),
      });
  });

  it("LayerNormalization without a bias", () =>
    checkOperator({
      inputs: { x: { shape: [2, 3, 4] }, scale: { shape: [4] } },
      build: (builder, { x, scale }) => builder.add("LayerNormalization", [x, scale]),
    }));

  it("BatchNormalization by running statistics, which have gradients as well", async () => {
    for (const shape of [
      [4, 3],
      [2, 3, 4, 2],
    ])
      await checkOperator({
        inputs: {
          x: { shape },
          scale: channels,
          bias: channels,
          mean: channels,
          variance: { shape: [3], draw: positive },
        },
        build: (builder, { x, scale, bias, mean, variance }) =>
          builder.add("BatchNormalization", [x, scale, bias, mean, variance], { epsilon: float(0.01) }),
      });
  });

  it("BatchNormalization by the batch's statistics", () =>
    checkOperator({
      inputs: {
        x: { shape: [4, 3, 5] },
        scale: channels,
        bias: channels,
        mean: { shape: [3], isWanted: false },
        variance: { shape: [3], draw: positive, isWanted: false },
      },
      build: (builder, { x, scale, bias, mean, variance }) =>
        builder.addMany("BatchNormalization", [x, scale, bias, mean, variance], 3, {
          training_mode: int(1),
          momentum: float(0.75),
        })[0]!,
    }));

  it("give their statistics", async () => {
    const fixed = (shape: number[]): DrawnInput => ({ shape, draw: positive, isWanted: false });
    await checkOperator({
      inputs: {
        x: fixed([4, 3, 5]),
        scale: fixed([3]),
        bias: fixed([3]),
        mean: fixed([3]),
        variance: fixed([3]),
      },
      build: (builder, { x, scale, bias, mean, variance }) =>
        builder.addMany("BatchNormalization", [x, scale, bias, mean, variance], 3, {
          training_mode: int(1),
          momentum: float(0.75),
        }),
    });
    await checkOperator({
      inputs: { x: fixed([2, 3, 4]), scale: fixed([3, 4]) },
      build: (builder, { x, scale }) =>
        builder.addMany("LayerNormalization", [x, scale], 3, { axis: int(1) }),
    });
  });

  it("refuse a loss of their statistics", () => {
    const builder = networkBuilder("g");
    const x = builder.input("x", "float32", [2, 4]);
    const scale = builder.input("scale", "float32", [4]);
    const [, mean] = builder.addMany("LayerNormalization", [x, scale], 2);
    const loss = builder.add("ReduceSum", [mean], { keepdims: int(0) });
    expect(() => differentiate(builder, loss, [x])).toThrow(/node LayerNormalization/);
  });

  it("InstanceNormalization, in old operator sets, too", async () => {
    for (const opset of [13, 18])
      await checkOperator({
        inputs: { x: { shape: [2, 3, 4, 2] }, scale: channels, bias: channels },
        build: (builder, { x, scale, bias }) => builder.add("InstanceNormalization", [x, scale, bias]),
        opset,
      });
  });

  it("GroupNormalization", () =>
    checkOperator({
      inputs: { x: { shape: [2, 6, 4, 2] }, scale: channels, bias: channels },
      build: (builder, { x, scale, bias }) =>
        builder.add("GroupNormalization", [x, scale, bias], { num_groups: int(3) }),
    }));
});
