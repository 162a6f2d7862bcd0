import { describe, expect, it } from "vitest";
import { checkOperator, type OperatorCase } from "../../../test/neural/operator-check.js";
import { createRandom, type Random } from "../../system/index.js";
import { type Attribute, int, ints, string } from "../graph/graph.js";
import { float32Tensor } from "../graph/tensor.js";
import { networkBuilder } from "../network/builder.js";

/** One of the list, by chance. */
const pick = <T>(random: Random, list: readonly T[]): T => list[random.integer(list.length)]!;

const list = (count: number, make: () => number) => Array.from({ length: count }, make);

interface Drawn {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly bias: number;
  readonly attributes: Record<string, Attribute>;
}

/** A convolution of one to three spatial axes whose kernel fits. */
function drawConvolution(random: Random): Drawn {
  const rank = 1 + random.integer(3);
  const groups = pick(random, [1, 1, 2, 3]);
  const [from, to] = [1 + random.integer(3), 1 + random.integer(2)];
  const kernel = list(rank, () => 1 + random.integer(3));
  const padding = pick(random, ["pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID"]);
  // ONNX Runtime has no dilations with SAME.
  const dilations = list(rank, () => (padding.startsWith("SAME") ? 1 : 1 + random.integer(3)));
  const strides = list(rank, () => 1 + random.integer(3));
  const spatial = kernel.map(
    (size, axis) => (size - 1) * dilations[axis]! + 1 + random.integer(rank === 3 ? 2 : 4),
  );
  const attributes: Record<string, Attribute> = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    group: int(groups),
  };
  // Wider than the kernel reaches, too: then outputs see nothing but padding.
  if (padding === "pads") attributes.pads = ints(list(2 * rank, () => random.integer(4)));
  else attributes.auto_pad = string(padding);
  return {
    x: [1 + random.integer(2), groups * from, ...spatial],
    weight: [groups * to, from, ...kernel],
    bias: groups * to,
    attributes,
  };
}

function convolutionCase({ x, weight, bias, attributes }: Drawn, seed: number): OperatorCase {
  return {
    inputs: { x: { shape: x }, weight: { shape: weight }, bias: { shape: [bias] } },
    build: (builder, { x, weight, bias }) => builder.add("Conv", [x, weight, bias], attributes),
    opset: [13, 15, 18, 20][seed % 4]!,
    seed,
  };
}

describe("Conv", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const drawn = drawConvolution(createRandom(seed));
    it(`of ${JSON.stringify(drawn)}, seed ${seed}`, () => checkOperator(convolutionCase(drawn, seed)));
  }

  it("of few and many channels, depthwise and grouped, over enough positions for each form of the gradient", async () => {
    for (const [from, to, groups, kernel] of [
      [3, 2, 1, 3],
      [17, 2, 1, 3],
      [17, 3, 1, 1],
      [4, 4, 4, 3],
      [4, 8, 4, 2],
      [6, 4, 2, 2],
    ] as const)
      await checkOperator(
        convolutionCase(
          {
            x: from < 16 ? [2, from, 9, 8] : [2, from, 4, 3],
            weight: [to, from / groups, kernel, kernel],
            bias: to,
            attributes: { group: int(groups), dilations: ints([1, 2]), pads: ints([1, 1, 1, 1]) },
          },
          1,
        ),
      );
  });

  it("without a bias and attributes", () =>
    checkOperator({
      inputs: { x: { shape: [2, 3, 5, 4] }, weight: { shape: [2, 3, 2, 3] } },
      build: (builder, { x, weight }) => builder.add("Conv", [x, weight]),
    }));

  it("of an empty batch", () =>
    checkOperator({
      inputs: {
        x: { shape: [0, 3, 5, 4], isWanted: false },
        weight: { shape: [2, 3, 2, 3], isWanted: false },
      },
      build: (builder, { x, weight }) => builder.add("Conv", [x, weight]),
    }));
});

/** A transposed convolution of one or two spatial axes. */
function drawTransposed(random: Random): Drawn {
  const rank = 1 + random.integer(2);
  const groups = pick(random, [1, 1, 2, 3]);
  const [from, to] = [1 + random.integer(3), 1 + random.integer(3)];
  const kernel = list(rank, () => 1 + random.integer(4));
  const dilations = list(rank, () => 1 + random.integer(2));
  const strides = list(rank, () => 1 + random.integer(3));
  const spatial = list(rank, () => 2 + random.integer(3));
  const attributes: Record<string, Attribute> = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    group: int(groups),
  };
  const padding = pick(random, ["pads", "pads", "VALID", "shape"]);
  const reach = kernel.map((size, axis) => (size - 1) * dilations[axis]!);
  if (padding === "pads") {
    attributes.pads = ints([...reach, ...reach].map((size) => random.integer(Math.floor(size / 2) + 1)));
    // ONNX Runtime has none beyond the stride.
    attributes.output_padding = ints(strides.map((stride) => random.integer(stride)));
  } else if (padding === "shape")
    attributes.output_shape = ints(
      spatial.map((size, axis) => (size - 1) * strides[axis]! + reach[axis]! + 1 - random.integer(2)),
    );
  else attributes.auto_pad = string(padding);
  return {
    x: [1 + random.integer(2), groups * from, ...spatial],
    weight: [groups * from, to, ...kernel],
    bias: groups * to,
    attributes,
  };
}

describe("ConvTranspose", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const drawn = drawTransposed(createRandom(seed));
    it(`of ${JSON.stringify(drawn)}, seed ${seed}`, () =>
      checkOperator({
        inputs: { x: { shape: drawn.x }, weight: { shape: drawn.weight }, bias: { shape: [drawn.bias] } },
        build: (builder, { x, weight, bias }) =>
          builder.add("ConvTranspose", [x, weight, bias], drawn.attributes),
        seed,
      }));
  }

  it("padded to the size times the stride", async () => {
    for (const kind of ["SAME_UPPER", "SAME_LOWER"])
      for (const kernel of [2, 3, 4, 5])
        await checkOperator({
          inputs: { x: { shape: [1, 2, 4] }, weight: { shape: [2, 3, kernel] } },
          build: (builder, { x, weight }) =>
            builder.add("ConvTranspose", [x, weight], { auto_pad: string(kind), strides: ints([2]) }),
        });
  });
});

describe("convolutions refuse", () => {
  const refused = (
    operator: string,
    x: readonly number[],
    weight: readonly number[],
    attributes: Record<string, Attribute>,
    bias?: readonly number[],
  ) => {
    const builder = networkBuilder("hostile");
    const [image, kernel] = [builder.input("x", "float32", x), builder.input("w", "float32", weight)];
    const inputs = [image, kernel];
    if (bias !== undefined) inputs.push(builder.input("b", "float32", bias));
    return () => builder.add(operator, inputs, attributes);
  };

  for (const operator of ["Conv", "ConvTranspose"]) {
    const [x, weight] = [
      [1, 4, 8, 8],
      [4, 4, 3, 3],
    ];
    it.each<[string, Record<string, Attribute>]>([
      ["strides", { strides: ints([0, 1]) }],
      ["strides", { strides: ints([-1, 1]) }],
      ["strides", { strides: ints([1]) }],
      ["strides", { strides: int(1) }],
      ["dilations", { dilations: ints([0, 1]) }],
      ["dilations", { dilations: ints([1, 2 ** 53]) }],
      ["pads", { pads: ints([0, 0, 0]) }],
      ["pads", { pads: ints([-1, 0, 0, 0]) }],
      ["group", { group: int(0) }],
      ["group", { group: int(-1) }],
      ["group", { group: int(3) }],
      ["auto_pad", { auto_pad: string("SOME") }],
      ["kernel_shape", { kernel_shape: ints([3, 4]) }],
    ])(`${operator} with a bad %s: %j`, (name, attributes) => {
      expect(refused(operator, x, weight, attributes)).toThrow(new RegExp(`${name}.* of node ${operator}`));
    });

    it(`${operator} of ranks that do not fit`, () => {
      expect(refused(operator, [4, 8], [4, 4], {})).toThrow(/input 0 of node/);
      expect(refused(operator, x, [4, 4, 3], {})).toThrow(/input 1 of node/);
      expect(refused(operator, x, [5, 5, 3, 3], {})).toThrow(/input 1 of node/);
      expect(refused(operator, x, [4, 4, 0, 3], {})).toThrow(/kernel_shape of node/);
      expect(refused(operator, x, weight, {}, [3])).toThrow(/input 2 of node/);
      expect(refused(operator, x, weight, {}, [1, 4])).toThrow(/input 2 of node/);
    });
  }

  it("kernels larger than the padded input, and transposed ones that padding leaves nothing of", () => {
    expect(refused("Conv", [1, 4, 2, 8], [4, 4, 3, 3], {})).toThrow(/kernel of node Conv.*at most 2/);
    expect(refused("Conv", [1, 4, 8, 8], [4, 4, 3, 3], { dilations: ints([4, 1]) })).toThrow(
      /kernel of node/,
    );
    expect(refused("ConvTranspose", [1, 4, 2, 2], [4, 4, 3, 3], { pads: ints([2, 0, 2, 0]) })).toThrow(
      /pads of node/,
    );
    expect(refused("ConvTranspose", [1, 4, 2, 2], [4, 4, 3, 3], { output_padding: ints([1, 0]) })).toThrow(
      /output_padding of node/,
    );
  });

  it("results of more elements than a machine has", () => {
    const pads = ints(new Array(4).fill(2 ** 25));
    expect(refused("Conv", [1, 4, 8, 8], [4, 4, 3, 3], { pads })).toThrow(/shape of an output of node Conv/);
  });

  it("inputs of different types", () => {
    const builder = networkBuilder("hostile");
    const x = builder.input("x", "float64", [1, 1, 4]);
    expect(() => builder.add("Conv", [x, builder.constant(float32Tensor([1], [1, 1, 1]))])).toThrow(
      /input 1 of node/,
    );
  });
});
