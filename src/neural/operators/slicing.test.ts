import { describe, expect, it } from "vitest";
import { checkOperator } from "../../../test/neural/operator-check.js";
import { createRandom, type Random } from "../../system/index.js";
import { type Attribute, int, ints } from "../graph/graph.js";
import { float32Tensor, int64Tensor } from "../graph/tensor.js";
import { networkBuilder } from "../network/builder.js";

const list = (count: number, make: (at: number) => number) =>
  Array.from({ length: count }, (_, at) => make(at));

/** Some of the axes in any order, some of them counted from behind. */
function drawAxes(random: Random, rank: number): number[] {
  const axes = list(rank, (axis) => axis).filter(() => random.next() < 0.7);
  for (let at = axes.length - 1; at > 0; at--) {
    const other = random.integer(at + 1);
    [axes[at], axes[other]] = [axes[other]!, axes[at]!];
  }
  return axes.map((axis) => (random.next() < 0.5 ? axis : axis - rank));
}

describe("Slice", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = createRandom(seed);
    const shape = list(1 + random.integer(4), () => 1 + random.integer(5));
    const axes = drawAxes(random, shape.length);
    const steps = axes.map(() => [1, 1, 2, 3, -1, -2, -3][random.integer(7)]!);
    const starts = axes.map(() => random.integer(16) - 8);
    const ends = axes.map((_, at) =>
      random.next() < 0.3 ? (steps[at]! > 0 ? 2 ** 31 - 1 : -(2 ** 31)) : random.integer(16) - 8,
    );
    const text = JSON.stringify({ shape, axes, starts, ends, steps });
    it(`of ${text}, seed ${seed}`, async () => {
      const lists = [starts, ends, axes, steps].map((numbers) => int64Tensor(numbers));
      const probe = networkBuilder("probe");
      const inputs = [probe.input("x", "float32", shape), ...lists.map((one) => probe.constant(one))];
      const isEmpty = probe.typeOf(probe.add("Slice", inputs)).shape.includes(0);
      await checkOperator({
        inputs: { x: { shape, isWanted: !isEmpty } },
        build: (builder, { x }) => builder.add("Slice", [x, ...lists.map((one) => builder.constant(one))]),
        opset: [13, 15, 18, 20][seed % 4]!,
        seed,
      });
    });
  }

  it("takes whole axes in order where axes and steps are left out", () =>
    checkOperator({
      inputs: { x: { shape: [4, 5, 2] } },
      build: (builder, { x }) =>
        builder.add("Slice", [
          x,
          builder.constant(int64Tensor([1, -3])),
          builder.constant(int64Tensor([9, -1])),
        ]),
    }));

  it("has a gradient of zeros where nothing is taken", () =>
    checkOperator({
      inputs: { x: { shape: [4, 5] } },
      isFlat: true,
      build: (builder, { x }) => {
        const [starts, ends] = [builder.constant(int64Tensor([3])), builder.constant(int64Tensor([1]))];
        const none = builder.add("Slice", [x, starts, ends]);
        return builder.add("ReduceSum", [none], { keepdims: int(1) });
      },
    }));

  it("refuses steps of 0, axes given twice or outside the rank, lists of other lengths and open bounds", () => {
    const refused = (...lists: (readonly number[])[]) => {
      const builder = networkBuilder("hostile");
      const x = builder.input("x", "float32", [4, 5]);
      return () => builder.add("Slice", [x, ...lists.map((one) => builder.constant(int64Tensor(one)))]);
    };
    expect(refused([0], [1], [0], [0])).toThrow(/steps of node Slice/);
    expect(refused([0, 0], [1, 1], [0, -2], [1, 1])).toThrow(/axes of node Slice/);
    expect(refused([0], [1], [2])).toThrow(/axis of node Slice/);
    expect(refused([0], [1, 2])).toThrow(/input 2 of node Slice/);
    expect(refused([0, 0, 0], [1, 2, 3])).toThrow(/axis of node Slice/);
    const builder = networkBuilder("hostile");
    const [x, start] = [builder.input("x", "float32", [4]), builder.input("start", "int64", [1])];
    expect(() => builder.add("Slice", [x, start, builder.constant(int64Tensor([3]))])).toThrow(
      /input 1 of node Slice.*constant/,
    );
  });
});

describe("Concat", () => {
  for (const axis of [0, 1, 2, -1, -3])
    it(`along axis ${axis}`, () => {
      const shape = [2, 3, 4];
      const place = axis < 0 ? axis + 3 : axis;
      return checkOperator({
        inputs: { a: { shape }, b: { shape: shape.with(place, 1) }, c: { shape: shape.with(place, 5) } },
        build: (builder, { a, b, c }) => builder.add("Concat", [a, b, c, a], { axis: int(axis) }),
      });
    });

  it("with an empty part", () =>
    checkOperator({
      inputs: { a: { shape: [2, 3] }, b: { shape: [2, 0], isWanted: false } },
      build: (builder, { a, b }) => builder.add("Concat", [a, b], { axis: int(1) }),
    }));

  it("refuses parts that do not fit, and no or a bad axis", () => {
    const builder = networkBuilder("hostile");
    const a = builder.input("a", "float32", [2, 3]);
    const b = builder.input("b", "float32", [2, 4]);
    const c = builder.input("c", "int64", [2, 3]);
    expect(() => builder.add("Concat", [a, b], { axis: int(0) })).toThrow(/input 1 of node Concat/);
    expect(() => builder.add("Concat", [a, c], { axis: int(0) })).toThrow(/input 1 of node Concat/);
    expect(() => builder.add("Concat", [a, b])).toThrow(/attribute axis of node Concat/);
    expect(() => builder.add("Concat", [a, b], { axis: int(2) })).toThrow(/axis of node Concat/);
    expect(() => builder.add("Concat", [], { axis: int(0) })).toThrow(/input 0 of node Concat/);
  });
});

describe("Split", () => {
  it("into sizes that are given, of which the loss may leave some", async () => {
    for (const axis of [1, -2])
      await checkOperator({
        inputs: { x: { shape: [2, 6, 3] } },
        build: (builder, { x }) => {
          const sizes = builder.constant(int64Tensor([1, 3, 2]));
          const [first, , last] = builder.addMany("Split", [x, sizes], 3, { axis: int(axis) });
          return [first!, last!];
        },
      });
  });

  it("into equal parts, in the way of each operator set", async () => {
    for (const opset of [13, 18])
      await checkOperator({
        inputs: { x: { shape: [6, 3] } },
        build: (builder, { x }) =>
          builder.addMany("Split", [x], 3, opset < 18 ? {} : { num_outputs: int(3) }),
        opset,
      });
  });

  it("with a smaller part at the end", () =>
    checkOperator({
      inputs: { x: { shape: [7, 3] } },
      build: (builder, { x }) => builder.addMany("Split", [x], 3, { num_outputs: int(3) }),
    }));

  it("refuses sizes of another sum, negative ones, and parts that do not divide", () => {
    const refused = (sizes: readonly number[] | undefined, count: number, opset = 18) => {
      const builder = networkBuilder("hostile", { opset });
      const x = builder.input("x", "float32", [6]);
      const inputs = sizes === undefined ? [x] : [x, builder.constant(int64Tensor(sizes))];
      return () => builder.addMany("Split", inputs, count);
    };
    expect(refused([1, 2], 2)).toThrow(/parts of node Split/);
    expect(refused([7, -1], 2)).toThrow(/parts of node Split/);
    expect(refused([2, 2, 2], 2)).toThrow(/input 1 of node Split/);
    expect(refused(undefined, 4, 13)).toThrow(/parts of node Split/);
    expect(refused(undefined, 4)).not.toThrow();
    expect(refused(undefined, 5)).toThrow(/parts of node Split/);
  });
});

describe("Tile", () => {
  it("repeats each axis", () =>
    checkOperator({
      inputs: { x: { shape: [2, 3, 1] } },
      build: (builder, { x }) => builder.add("Tile", [x, builder.constant(int64Tensor([3, 1, 4]))]),
    }));

  it("of nothing does not walk along its axes", () => {
    const builder = networkBuilder("empty");
    const x = builder.constant(float32Tensor([1, 2], [2, 1]));
    const empty = builder.add("Tile", [x, builder.constant(int64Tensor([2 ** 28, 0]))]);
    expect(builder.constantOf(empty)).toMatchObject({ shape: [2 ** 29, 0] });
  });

  it("refuses absurd and negative repeats", () => {
    const refused = (repeats: readonly number[]) => {
      const builder = networkBuilder("hostile");
      const x = builder.input("x", "float32", [2, 3]);
      return () => builder.add("Tile", [x, builder.constant(int64Tensor(repeats))]);
    };
    expect(refused([2 ** 40, 2 ** 40])).toThrow(/shape of an output of node Tile/);
    expect(refused([2 ** 40, 0])).toThrow(/shape of an output of node Tile/);
    expect(refused([-1, 2])).toThrow(/repeats of node Tile/);
    expect(refused([2])).toThrow(/input 1 of node Tile/);
  });
});

describe("Pad", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = createRandom(seed);
    const mode = ["constant", "reflect", "edge", "wrap"][seed % 4]!;
    const shape = list(1 + random.integer(3), () => 1 + random.integer(4));
    const limit = (size: number) => (mode === "reflect" ? size - 1 : mode === "wrap" ? size : 3);
    const draw = (size: number) => random.integer(limit(size) + 1);
    const pads = [...shape.map(draw), ...shape.map(draw)];
    // Only the constant mode may cut, here one element of one end.
    if (mode === "constant" && shape[0]! > 1) pads[0] = -1;
    it(`of [${shape}] by [${pads}] in mode ${mode}, seed ${seed}`, () =>
      checkOperator({
        inputs: { x: { shape }, ...(mode === "constant" ? { fill: { shape: [] } } : {}) },
        build: (builder, { x, fill }) =>
          builder.add("Pad", [x, builder.constant(int64Tensor(pads)), fill], {
            mode: { kind: "string", value: mode },
          }),
        // The gradient to a constant that is nowhere is 0.
        isFlat: false,
        opset: mode === "wrap" ? 19 : 18,
        seed,
      }));
  }

  it("of some axes", () =>
    checkOperator({
      inputs: { x: { shape: [2, 3, 4] } },
      build: (builder, { x }) =>
        builder.add("Pad", [
          x,
          builder.constant(int64Tensor([1, 2, 0, 1])),
          undefined,
          builder.constant(int64Tensor([-1, 0])),
        ]),
    }));

  it("refuses pads that take more than there is, reflect what is not there, or fit no axis", () => {
    const refused = (pads: readonly number[], attributes: Record<string, Attribute> = {}) => {
      const builder = networkBuilder("hostile");
      const x = builder.input("x", "float32", [2, 3]);
      return () => builder.add("Pad", [x, builder.constant(int64Tensor(pads))], attributes);
    };
    const mode = (value: string): Record<string, Attribute> => ({ mode: { kind: "string", value } });
    expect(refused([-3, 0, 0, 0])).toThrow(/pads of node Pad/);
    expect(refused([-1, 0, -2, 0])).toThrow(/pads of node Pad/);
    expect(refused([2, 0, 0, 0], mode("reflect"))).toThrow(/pads of node Pad/);
    expect(refused([-1, 0, 0, 0], mode("edge"))).toThrow(/pads of node Pad/);
    expect(refused([1, 0, 0])).toThrow(/pads of node Pad/);
    expect(refused([2 ** 40, 2 ** 40, 0, 0])).toThrow(/pads of node Pad/);
    expect(refused([2 ** 30, 2 ** 30, 0, 0])).toThrow(/shape of an output of node Pad/);
    expect(refused([0, 0, 0, 0], mode("mirror"))).toThrow(/attribute mode of node Pad/);
    expect(refused([0, 0, 0, 0], { mode: ints([1]) })).toThrow(/attribute mode of node Pad/);
  });
});
