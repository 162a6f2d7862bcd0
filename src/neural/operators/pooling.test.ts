import { describe, expect, it } from "vitest";
import { checkOperator } from "../../../test/neural/operator-check.js";
import { createRandom, type Random } from "../../system/index.js";
import { type Attribute, int, ints, string } from "../graph/graph.js";
import { networkBuilder } from "../network/builder.js";

const list = (count: number, make: (at: number) => number) =>
  Array.from({ length: count }, (_, at) => make(at));

/** A pooling of one to three spatial axes whose windows see at least one element. */
function drawPooling(random: Random, isDilated: boolean) {
  const rank = 1 + random.integer(3);
  const kernel = list(rank, () => 1 + random.integer(3));
  const padding = ["pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID"][random.integer(5)]!;
  const isPadded = padding === "pads";
  const dilations = list(rank, () => (isDilated && isPadded ? 1 + random.integer(2) : 1));
  const roundsUp = isPadded && random.next() < 0.4;
  // ONNX's own shape inference counts windows that begin behind the input, which its text and ONNX Runtime leave out.
  const stride = (axis: number) => 1 + random.integer(roundsUp ? kernel[axis]! : 3);
  const end = (axis: number) => (roundsUp ? 0 : random.integer(kernel[axis]!));
  const attributes: Record<string, Attribute> = {
    kernel_shape: ints(kernel),
    strides: ints(list(rank, stride)),
  };
  if (isDilated) attributes.dilations = ints(dilations);
  if (isPadded) attributes.pads = ints([...kernel.map((size) => random.integer(size)), ...list(rank, end)]);
  else attributes.auto_pad = string(padding);
  if (roundsUp) attributes.ceil_mode = int(1);
  const spatial = kernel.map((size, axis) => (size - 1) * dilations[axis]! + 1 + random.integer(4));
  return { shape: [1 + random.integer(2), 1 + random.integer(3), ...spatial], attributes };
}

describe("MaxPool", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const { shape, attributes } = drawPooling(createRandom(seed), true);
    it(`of [${shape}] with ${JSON.stringify(attributes)}, seed ${seed}`, () =>
      checkOperator({
        inputs: { x: { shape } },
        build: (builder, { x }) => builder.addMany("MaxPool", [x], 1 + (seed % 2), attributes),
        seed,
      }));
  }
});

describe("AveragePool", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const { shape, attributes } = drawPooling(createRandom(seed), false);
    if (seed % 2 === 0) attributes.count_include_pad = int(1);
    it(`of [${shape}] with ${JSON.stringify(attributes)}, seed ${seed}`, () =>
      checkOperator({
        inputs: { x: { shape } },
        build: (builder, { x }) => builder.add("AveragePool", [x], attributes),
        opset: 19,
        seed,
      }));
  }
});

it("rounding up, there are no windows that begin behind the input", () => {
  const builder = networkBuilder("pooling");
  const x = builder.input("x", "float32", [1, 1, 4]);
  const attributes = { kernel_shape: ints([2]), strides: ints([3]), pads: ints([1, 1]), ceil_mode: int(1) };
  for (const operator of ["MaxPool", "AveragePool"])
    expect(builder.typeOf(builder.add(operator, [x], attributes)).shape).toEqual([1, 1, 2]);
});

it("GlobalAveragePool", async () => {
  for (const shape of [
    [2, 3, 4],
    [2, 3, 4, 5],
  ])
    await checkOperator({
      inputs: { x: { shape } },
      build: (builder, { x }) => builder.add("GlobalAveragePool", [x]),
    });
});

describe("poolings refuse", () => {
  const refused = (operator: string, shape: readonly number[], attributes: Record<string, Attribute>) => {
    const builder = networkBuilder("hostile");
    const x = builder.input("x", "float32", shape);
    return () => builder.add(operator, [x], attributes);
  };

  it.each(["MaxPool", "AveragePool"])("%s of kernels, strides and pads without sense", (operator) => {
    const image = [1, 2, 4, 4];
    const kernel_shape = ints([2, 2]);
    expect(refused(operator, image, {})).toThrow(/kernel_shape of node/);
    expect(refused(operator, image, { kernel_shape: ints([0, 2]) })).toThrow(/kernel_shape of node/);
    expect(refused(operator, image, { kernel_shape: ints([2]) })).toThrow(/kernel_shape of node/);
    expect(refused(operator, image, { kernel_shape: ints([5, 5]) })).toThrow(/kernel of node/);
    const [huge, pads] = [2 ** 26, new Array<number>(4).fill(2 ** 26 - 1)];
    expect(refused(operator, image, { kernel_shape: ints([huge, huge]), pads: ints(pads) })).toThrow(
      /kernel_shape of node/,
    );
    expect(refused(operator, image, { kernel_shape, strides: ints([0, 1]) })).toThrow(/strides of node/);
    expect(refused(operator, image, { kernel_shape, pads: ints([2, 0, 0, 0]) })).toThrow(/pads of node/);
    expect(refused(operator, [4, 4], { kernel_shape })).toThrow(/input 0 of node/);
  });

  it("MaxPool in column-major order, and a global mean without axes", () => {
    const attributes = { kernel_shape: ints([2]), storage_order: int(1) };
    expect(refused("MaxPool", [1, 2, 4], attributes)).toThrow(/storage_order of node/);
    expect(refused("GlobalAveragePool", [2, 4], {})).toThrow(/input 0 of node/);
  });
});
