import { describe, expect, it } from "vitest";
import { checkOperator, evaluateGraph } from "../../../test/neural/operator-check.js";
import type { Random } from "../../system/index.js";
import { type Attribute, int, string } from "../graph/graph.js";
import { float32Tensor, int64Tensor } from "../graph/tensor.js";
import { networkBuilder } from "../network/builder.js";
import { numeric } from "./numeric.js";

/** Indices of an axis, from either end. */
const within = (size: number) => (random: Random) => random.integer(2 * size) - size;

const indices = (shape: readonly number[], size: number) =>
  ({ shape, elementType: "int64", draw: within(size) }) as const;

describe("Gather", () => {
  for (const opset of [13, 18])
    for (const axis of [0, 1, 2, -1])
      for (const shape of [[], [3], [2, 5]])
        it(`along axis ${axis} by indices of [${shape}], operator set ${opset}`, () =>
          checkOperator({
            inputs: { x: { shape: [4, 3, 5] }, at: indices(shape, [4, 3, 5].at(axis)!) },
            build: (builder, { x, at }) => builder.add("Gather", [x, at], { axis: int(axis) }),
            opset,
          }));

  it("by no indices", () =>
    checkOperator({
      inputs: { x: { shape: [4, 3], isWanted: false }, at: indices([0], 4) },
      build: (builder, { x, at }) => builder.add("Gather", [x, at]),
    }));
});

describe("GatherElements", () => {
  for (const axis of [0, 1, -1])
    it(`along axis ${axis}, of fewer indices than elements beside it`, () =>
      checkOperator({
        inputs: {
          x: { shape: [4, 3, 5] },
          at: indices([3, 2, 4].with(axis, 7), [4, 3, 5].at(axis)!),
        },
        build: (builder, { x, at }) => builder.add("GatherElements", [x, at], { axis: int(axis) }),
      }));
});

describe("GatherND", () => {
  for (const [batch, shape] of [
    [0, [5, 1]],
    [0, [2, 3, 2]],
    [0, [3]],
    [1, [3, 2]],
    [1, [3, 4, 1]],
    [2, [3, 3, 1]],
    [2, [3, 3, 2, 1]],
  ] as const)
    it(`by indices of [${shape}], ${batch} batch axes`, () =>
      checkOperator({
        inputs: { x: { shape: [3, 3, 3] }, at: indices(shape, 3) },
        build: (builder, { x, at }) => builder.add("GatherND", [x, at], { batch_dims: int(batch) }),
      }));
});

describe("ScatterElements and ScatterND", () => {
  for (const reduction of ["none", "add"])
    for (const axis of [0, -1])
      it(`elements along axis ${axis}, reduction ${reduction}`, () =>
        checkOperator({
          inputs: { x: { shape: [3, 4] }, updates: { shape: [2, 3] } },
          build: (builder, { x, updates }) => {
            // Without a reduction no place may be written twice.
            const at = builder.constant(
              int64Tensor(axis === 0 ? [0, 1, -1, 1, 0, 0] : [0, 1, -1, 1, 0, 2], [2, 3]),
            );
            return builder.add("ScatterElements", [x, at, updates], {
              axis: int(axis),
              reduction: string(reduction),
            });
          },
        }));

  for (const [reduction, rows] of [
    ["none", [0, -1, 1]],
    ["add", [0, -1, 0]],
  ] as const)
    it(`rows, reduction ${reduction}`, () =>
      checkOperator({
        inputs: { x: { shape: [4, 2, 3] }, updates: { shape: [3, 2, 3] } },
        build: (builder, { x, updates }) =>
          builder.add("ScatterND", [x, builder.constant(int64Tensor(rows, [3, 1])), updates], {
            reduction: string(reduction),
          }),
      }));

  for (const reduction of ["mul", "max", "min"])
    it(`values of reduction ${reduction}`, () =>
      checkOperator({
        inputs: {
          x: { shape: [4, 2], isWanted: false },
          updates: { shape: [5, 2], isWanted: false },
          at: indices([5, 1], 4),
          each: indices([5, 2], 4),
        },
        build: (builder, { x, updates, at, each }) => [
          builder.add("ScatterND", [x, at, updates], { reduction: string(reduction) }),
          builder.add("ScatterElements", [x, each, updates], { reduction: string(reduction) }),
        ],
      }));
});

describe("OneHot", () => {
  for (const axis of [-1, 0, 1])
    it(`with the new axis at ${axis}`, () =>
      checkOperator({
        inputs: { at: { shape: [3, 4], elementType: "int64", draw: within(8) } },
        build: (builder, { at }) =>
          builder.add(
            "OneHot",
            [at, builder.constant(int64Tensor([5])), builder.constant(float32Tensor([0.25, 2]))],
            { axis: int(axis) },
          ),
      }));
});

describe("indexing refuses", () => {
  const refused = (
    operator: string,
    shapes: readonly (readonly number[])[],
    attributes: Record<string, Attribute> = {},
    elementType: "int64" | "float32" = "int64",
  ) => {
    const builder = networkBuilder("hostile");
    const inputs = shapes.map((shape, at) =>
      builder.input(`x${at}`, at === 1 ? elementType : "float32", shape),
    );
    return () => builder.add(operator, inputs, attributes);
  };

  it("shapes and attributes that do not fit", () => {
    expect(refused("Gather", [[4], [2]], { axis: int(1) })).toThrow(/axis of node Gather/);
    expect(refused("Gather", [[4], [2]], {}, "float32")).toThrow(/input 1 of node Gather/);
    expect(refused("Gather", [[], [2]])).toThrow(/axis of node Gather/);
    expect(refused("GatherElements", [[4, 3], [2]])).toThrow(/input 1 of node GatherElements/);
    expect(
      refused("GatherElements", [
        [4, 3],
        [2, 4],
      ]),
    ).toThrow(/input 1 of node GatherElements/);
    expect(
      refused("GatherND", [
        [4, 3],
        [2, 3],
      ]),
    ).toThrow(/input 1 of node GatherND/);
    expect(
      refused("GatherND", [
        [4, 3],
        [2, 0],
      ]),
    ).toThrow(/input 1 of node GatherND/);
    expect(refused("GatherND", [[4, 3], []])).toThrow(/input 1 of node GatherND/);
    expect(
      refused(
        "GatherND",
        [
          [4, 3],
          [5, 1],
        ],
        { batch_dims: int(1) },
      ),
    ).toThrow(/input 1 of node GatherND/);
    expect(
      refused(
        "GatherND",
        [
          [4, 3],
          [4, 1],
        ],
        { batch_dims: int(-1) },
      ),
    ).toThrow(/input 1 of node GatherND/);
    expect(
      refused("ScatterND", [
        [4, 3],
        [2, 1],
        [2, 4],
      ]),
    ).toThrow(/input 2 of node ScatterND/);
    expect(refused("ScatterElements", [[4], [2], [3]])).toThrow(/input 2 of node ScatterElements/);
    expect(refused("ScatterElements", [[4], [2], [2]], { reduction: string("constructor") })).toThrow(
      /attribute reduction of node ScatterElements/,
    );
  });

  it("indices outside of their axis when it meets them", () => {
    const builder = networkBuilder("hostile");
    const [x, at] = [builder.input("x", "float32", [4]), builder.input("at", "int64", [1])];
    builder.output("y", builder.add("Gather", [x, at]));
    const gathered = (index: number) => () =>
      evaluateGraph(builder.graph(), {
        x: numeric("float32", [4]),
        at: numeric("int64", [1], Float64Array.of(index)),
      });
    expect(gathered(-4)).not.toThrow();
    expect(gathered(4)).toThrow(/index of node Gather: 4 is not accepted; give one from -4 to 3/);
    expect(gathered(-5)).toThrow(/index of node Gather/);
  });

  it("depths of OneHot that are no size", () => {
    for (const depth of [0, -1, 2 ** 60]) {
      const builder = networkBuilder("hostile");
      const at = builder.input("at", "int64", [3]);
      const [count, values] = [builder.constant(int64Tensor([depth])), builder.constant([0, 1])];
      expect(() => builder.add("OneHot", [at, count, values])).toThrow(/node OneHot/);
    }
  });
});
