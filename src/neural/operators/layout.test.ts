import { describe, expect, it } from "vitest";
import { checkOperator } from "../../../test/neural/operator-check.js";
import { type Attribute, int, string } from "../graph/graph.js";
import { float32Tensor, int64Tensor, tensor } from "../graph/tensor.js";
import { networkBuilder } from "../network/builder.js";

describe("Squeeze and Unsqueeze", () => {
  it("by axes from either end, and all axes of size 1", async () => {
    for (const axes of [[0], [-1], [-1, 0], undefined])
      await checkOperator({
        inputs: { x: { shape: [1, 3, 2, 1] } },
        build: (builder, { x }) => builder.add("Squeeze", [x, axes && builder.constant(int64Tensor(axes))]),
      });
    for (const axes of [[0], [-1], [1, -1], [3, 0, 1]])
      await checkOperator({
        inputs: { x: { shape: [3, 2] } },
        build: (builder, { x }) => builder.add("Unsqueeze", [x, builder.constant(int64Tensor(axes))]),
      });
  });

  it("refuse axes that are not there, not of size 1, or given twice", () => {
    const refused = (operator: string, axes: readonly number[]) => {
      const builder = networkBuilder("hostile");
      const x = builder.input("x", "float32", [1, 3]);
      return () => builder.add(operator, [x, builder.constant(int64Tensor(axes))]);
    };
    expect(refused("Squeeze", [1])).toThrow(/axes of node Squeeze/);
    expect(refused("Squeeze", [2])).toThrow(/axis of node Squeeze/);
    expect(refused("Squeeze", [0, -2])).toThrow(/axes of node Squeeze/);
    expect(refused("Unsqueeze", [3])).toThrow(/axis of node Unsqueeze/);
    expect(refused("Unsqueeze", [1, 1])).toThrow(/axes of node Unsqueeze/);
  });
});

describe("Flatten", () => {
  for (const axis of [0, 1, 2, 3, -1, -3])
    it(`at axis ${axis}`, () =>
      checkOperator({
        inputs: { x: { shape: [2, 3, 4] } },
        build: (builder, { x }) => builder.add("Flatten", [x], { axis: int(axis) }),
      }));
});

describe("DepthToSpace and SpaceToDepth", () => {
  for (const mode of ["DCR", "CRD"])
    it(`rearranges blocks in mode ${mode}`, () =>
      checkOperator({
        inputs: { x: { shape: [2, 12, 2, 3] } },
        build: (builder, { x }) =>
          builder.add("DepthToSpace", [x], { blocksize: int(2), mode: string(mode) }),
      }));

  it("rearranges them back", () =>
    checkOperator({
      inputs: { x: { shape: [2, 3, 4, 6] } },
      build: (builder, { x }) => builder.add("SpaceToDepth", [x], { blocksize: int(2) }),
    }));

  it("refuse blocks that do not divide", () => {
    const refused = (operator: string, shape: readonly number[], attributes: Record<string, Attribute>) => {
      const builder = networkBuilder("hostile");
      const x = builder.input("x", "float32", shape);
      return () => builder.add(operator, [x], attributes);
    };
    const image = [1, 4, 4, 6];
    expect(refused("DepthToSpace", image, { blocksize: int(3) })).toThrow(/blocksize of node DepthToSpace/);
    expect(refused("DepthToSpace", image, { blocksize: int(0) })).toThrow(/blocksize of node DepthToSpace/);
    expect(refused("DepthToSpace", image, {})).toThrow(/blocksize of node DepthToSpace/);
    expect(refused("SpaceToDepth", image, { blocksize: int(4) })).toThrow(/blocksize of node SpaceToDepth/);
    expect(refused("SpaceToDepth", [4, 4], { blocksize: int(2) })).toThrow(/input 0 of node SpaceToDepth/);
    expect(refused("DepthToSpace", image, { blocksize: int(2), mode: string("X") })).toThrow(
      /attribute mode/,
    );
  });
});

describe("Trilu", () => {
  for (const upper of [0, 1])
    for (const k of [undefined, -1, 0, 2, 9])
      it(`${upper === 1 ? "upper" : "lower"} triangle from ${k}`, () =>
        checkOperator({
          inputs: { x: { shape: [2, 3, 4] } },
          build: (builder, { x }) => {
            const first =
              k === undefined
                ? undefined
                : builder.constant(tensor("int64", [], BigInt64Array.of(BigInt(k))));
            // With what is left out, so that no gradient is 0 everywhere.
            return builder.add("Add", [builder.add("Trilu", [x, first], { upper: int(upper) }), x]);
          },
        }));
});

describe("values of shapes", () => {
  it("Shape and Size of what is not constant are known while the graph is built", async () => {
    for (const [attributes, sizes] of [
      [{}, [2, 3, 4]],
      [{ start: int(1) }, [3, 4]],
      [{ start: int(-2), end: int(-1) }, [3]],
      [{ start: int(-9), end: int(9) }, [2, 3, 4]],
      [{ start: int(2), end: int(1) }, []],
    ] as const)
      await checkOperator({
        inputs: { x: { shape: [2, 3, 4], isWanted: false } },
        build: (builder, { x }) => {
          const shape = builder.add("Shape", [x], attributes);
          expect([...builder.constantOf(shape)!.data]).toEqual(sizes);
          const size = builder.add("Size", [x]);
          expect([...builder.constantOf(size)!.data]).toEqual([24]);
          return [shape, size];
        },
      });
  });

  it("a Reshape by a computed shape has a gradient", () =>
    checkOperator({
      inputs: { x: { shape: [2, 3, 4] } },
      build: (builder, { x }) => {
        const first = builder.add("Gather", [builder.add("Shape", [x]), builder.constant(int64Tensor([0]))]);
        const shape = builder.add("Concat", [first, builder.constant(int64Tensor([-1]))], { axis: int(0) });
        return builder.add("Reshape", [x, shape]);
      },
    }));

  it("ConstantOfShape and Range", async () => {
    await checkOperator({
      inputs: { x: { shape: [1], isWanted: false } },
      build: (builder, { x }) => {
        const shape = builder.constant(int64Tensor([2, 3]));
        const five: Attribute = { kind: "tensor", value: int64Tensor([5]) };
        const range = (numbers: readonly number[], type: "int64" | "float32") =>
          builder.add(
            "Range",
            numbers.map((one) =>
              builder.constant(type === "int64" ? int64Tensor([one], []) : float32Tensor([one], [])),
            ),
          );
        return [
          builder.add("Add", [builder.add("ConstantOfShape", [shape]), x]),
          builder.add("ConstantOfShape", [shape], { value: five }),
          builder.add("ConstantOfShape", [builder.constant(int64Tensor([]))]),
          builder.add("ConstantOfShape", [builder.constant(int64Tensor([2, 0]))]),
          range([3, 10, 3], "int64"),
          range([10, 3, -2], "int64"),
          range([3, 3, 1], "int64"),
          range([0, 1, 0.25], "float32"),
        ];
      },
    });
  });

  it("refuse what is absurd", () => {
    const builder = networkBuilder("hostile");
    const add = (operator: string, lists: readonly (readonly number[])[], isScalar = false) =>
      builder.add(
        operator,
        lists.map((one) => builder.constant(int64Tensor(one, isScalar ? [] : [one.length]))),
      );
    expect(() => add("ConstantOfShape", [[2 ** 40, 2 ** 40]])).toThrow(/node ConstantOfShape/);
    expect(() => add("ConstantOfShape", [[-1]])).toThrow(/shape of node ConstantOfShape/);
    expect(() => add("Range", [[0], [1], [0]], true)).toThrow(/range of node Range/);
    expect(() => add("Range", [[0], [2 ** 50], [1]], true)).toThrow(/node Range/);
  });
});
