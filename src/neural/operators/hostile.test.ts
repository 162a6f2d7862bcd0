import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { createRandom, type Random } from "../../system/index.js";
import { type Attribute, int, ints, type TensorType } from "../graph/graph.js";
import { type ElementType, elementCount, elementTypes, float32Tensor } from "../graph/tensor.js";
import { operators } from "./index.js";
import { inferNode } from "./inference.js";
import { numeric } from "./numeric.js";
import type { NumericTensor, TypedNode } from "./operator.js";

const pick = <T>(random: Random, list: readonly T[]): T => list[random.integer(list.length)]!;
const many = <T>(random: Random, most: number, make: () => T): T[] =>
  Array.from({ length: random.integer(most + 1) }, make);

/** Names of all attributes that the operators have. */
const attributeNames = [
  ..."auto_pad ceil_mode count_include_pad dilations group kernel_shape output_padding output_shape pads strides".split(
    " ",
  ),
  ..."storage_order axis axes keepdims noop_with_empty_axes select_last_index perm allowzero to value mode".split(
    " ",
  ),
  ..."reduction batch_dims blocksize upper start end num_outputs hidden_size direction layout clip".split(
    " ",
  ),
  ..."linear_before_reset activations transA transB alpha beta epsilon num_groups exclusive reverse".split(
    " ",
  ),
];

const sizes = [0, 1, 1, 2, 2, 3, 3, 4, 5, 2 ** 31, 2 ** 53];
const numbers = [
  0,
  1,
  1,
  1,
  2,
  2,
  3,
  4,
  -1,
  -1,
  -2,
  -3,
  7,
  2 ** 26,
  2 ** 31,
  -(2 ** 31),
  2 ** 53,
  2 ** 62,
  -(2 ** 63),
];
const strings =
  "SAME_UPPER VALID NOTSET reflect edge wrap constant add mul CRD DCR bidirectional reverse constructor".split(
    " ",
  );

function drawAttribute(random: Random): Attribute {
  const number = () => pick(random, numbers);
  switch (random.integer(8)) {
    case 0:
    case 1:
    case 2:
      return { kind: "int", value: number() };
    case 3:
    case 4:
      return { kind: "ints", value: many(random, 6, number) };
    case 5:
      return { kind: "string", value: pick(random, strings) };
    case 6:
      return { kind: "float", value: pick(random, [0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e30]) };
    default:
      return { kind: "tensor", value: float32Tensor(many(random, 2, number)) };
  }
}

/** Tensors of few kinds, so that often they fit each other, and sometimes of sizes that nobody has. */
function drawInput(random: Random): { type: TensorType; constant: NumericTensor | undefined } | undefined {
  if (random.next() < 0.1) return undefined;
  const elementType: ElementType = pick(random, [
    "float32",
    "float32",
    "float32",
    "int64",
    "int64",
    ...elementTypes,
  ]);
  const rank = random.integer(5);
  const huge = random.next() < 0.1;
  const shape = Array.from({ length: rank }, () => pick(random, huge ? sizes : sizes.slice(0, -2)));
  const isConstant = elementCount(shape) <= 4096 && random.next() < 0.8;
  const value = () =>
    elementType === "float32"
      ? pick(random, [0, 0.5, -1, 2, Number.NaN, Number.NEGATIVE_INFINITY])
      : pick(random, numbers);
  const constant = isConstant
    ? numeric(elementType, shape, Float64Array.from({ length: elementCount(shape) }, value))
    : undefined;
  return { type: { elementType, shape }, constant };
}

function drawNode(random: Random, operator: string): TypedNode {
  const inputs = many(random, 5, () => drawInput(random));
  const attributes: Record<string, Attribute> = {};
  const share = pick(random, [0, 0.02, 0.2]);
  for (const name of attributeNames) if (random.next() < share) attributes[name] = drawAttribute(random);
  return typedNode(operator, inputs, attributes, 1 + random.integer(3), 13 + random.integer(8));
}

function typedNode(
  operator: string,
  inputs: readonly ReturnType<typeof drawInput>[],
  attributes: Readonly<Record<string, Attribute>>,
  outputs: number,
  opset: number,
): TypedNode {
  return {
    node: {
      name: "hostile",
      operator,
      domain: "",
      inputs: inputs.map((input, at) => (input === undefined ? "" : `x${at}`)),
      outputs: Array.from({ length: outputs }, (_, at) => `y${at}`),
      attributes,
    },
    opset,
    inputTypes: inputs.map((input) => input?.type),
    constant: (index) => inputs[index]?.constant,
  };
}

/** A value of a node's input: its type, its numbers where it is constant. */
type Input = readonly [shape: readonly number[], elementType?: ElementType, numbers?: readonly number[]];

/** Nodes that are valid: what a hostile file changes in one or two places. */
const valid: readonly (readonly [
  operator: string,
  inputs: readonly Input[],
  attributes?: Readonly<Record<string, Attribute>>,
])[] = [
  [
    "Conv",
    [[[1, 2, 4, 4], "float32", ones(32)], [[2, 1, 3, 3], "float32", ones(18)], [[2]]],
    { group: int(2) },
  ],
  ["Conv", [[[1, 2, 5]], [[2, 2, 3]]], { strides: ints([2]), dilations: ints([2]), pads: ints([1, 1]) }],
  [
    "ConvTranspose",
    [
      [[1, 2, 3, 3], "float32", ones(18)],
      [[2, 2, 3, 3], "float32", ones(36)],
    ],
  ],
  ["MaxPool", [[[1, 2, 4, 4], "float32", ones(32)]], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }],
  ["AveragePool", [[[1, 2, 4], "float32", ones(8)]], { kernel_shape: ints([2]), pads: ints([1, 1]) }],
  [
    "LSTM",
    [
      [[2, 1, 2], "float32", ones(4)],
      [[1, 8, 2], "float32", ones(16)],
      [[1, 8, 2], "float32", ones(16)],
    ],
  ],
  ["GRU", [[[2, 1, 2]], [[1, 6, 2]], [[1, 6, 2]], [[1, 12]]], { hidden_size: int(2) }],
  ["Slice", [[[4, 5], "float32", ones(20)], list(0, 1), list(3, 4), list(0, 1), list(1, 2)]],
  ["Pad", [[[2, 3], "float32", ones(6)], list(1, 0, 1, 2), [[], "float32", [1]]]],
  ["Tile", [[[2, 3], "float32", ones(6)], list(2, 1)]],
  [
    "Concat",
    [
      [[2, 3], "float32", ones(6)],
      [[2, 1], "float32", ones(2)],
    ],
    { axis: int(1) },
  ],
  ["Split", [[[6], "float32", ones(6)], list(1, 2, 3)]],
  ["Gather", [[[4, 2], "float32", ones(8)], list(0, 3)], { axis: int(0) }],
  [
    "GatherElements",
    [
      [[3, 2], "float32", ones(6)],
      [[1, 2], "int64", [0, 2]],
    ],
    { axis: int(0) },
  ],
  [
    "GatherND",
    [
      [[3, 2], "float32", ones(6)],
      [[2, 2], "int64", [0, 1, 2, 1]],
    ],
  ],
  [
    "ScatterElements",
    [
      [[3, 2], "float32", ones(6)],
      [[1, 2], "int64", [0, 2]],
      [[1, 2], "float32", ones(2)],
    ],
  ],
  [
    "ScatterND",
    [
      [[3, 2], "float32", ones(6)],
      [[1, 1], "int64", [2]],
      [[1, 2], "float32", ones(2)],
    ],
  ],
  ["OneHot", [list(1, 2), list(4), [[2], "float32", [0, 1]]]],
  ["Squeeze", [[[1, 3], "float32", ones(3)], list(0)]],
  ["Unsqueeze", [[[3], "float32", ones(3)], list(0)]],
  ["DepthToSpace", [[[1, 4, 1, 2], "float32", ones(8)]], { blocksize: int(2) }],
  ["SpaceToDepth", [[[1, 1, 2, 4], "float32", ones(8)]], { blocksize: int(2) }],
  [
    "Trilu",
    [
      [[2, 2], "float32", ones(4)],
      [[], "int64", [0]],
    ],
  ],
  ["ConstantOfShape", [list(2, 3)]],
  [
    "Range",
    [
      [[], "int64", [0]],
      [[], "int64", [6]],
      [[], "int64", [2]],
    ],
  ],
  ["Reshape", [[[2, 3], "float32", ones(6)], list(3, -1)]],
  ["Expand", [[[2, 1], "float32", ones(2)], list(2, 3)]],
  [
    "Where",
    [
      [[2], "bool", [0, 1]],
      [[2], "float32", ones(2)],
      [[2], "float32", ones(2)],
    ],
  ],
  ["Cast", [[[2], "float32", ones(2)]], { to: int(7) }],
  [
    "Gemm",
    [
      [[2, 3], "float32", ones(6)],
      [[3, 2], "float32", ones(6)],
      [[2], "float32", ones(2)],
    ],
  ],
  [
    "MatMul",
    [
      [[2, 3], "float32", ones(6)],
      [[3, 2], "float32", ones(6)],
    ],
  ],
  ["InstanceNormalization", [[[2, 3, 2], "float32", ones(12)], [[3]], [[3]]]],
  ["BatchNormalization", [[[2, 3, 2], "float32", ones(12)], [[3]], [[3]], [[3]], [[3]]]],
  ["GroupNormalization", [[[2, 4, 2], "float32", ones(16)], [[2]], [[2]]], { num_groups: int(2) }],
  [
    "LayerNormalization",
    [
      [[2, 3], "float32", ones(6)],
      [[3], "float32", ones(3)],
    ],
  ],
  [
    "SoftmaxCrossEntropyLoss",
    [
      [[2, 3], "float32", ones(6)],
      [[2], "int64", [0, 2]],
    ],
  ],
];

function ones(count: number): number[] {
  return new Array<number>(count).fill(1);
}

function list(...given: number[]): Input {
  return [[given.length], "int64", given];
}

/** A valid node of which some inputs and attributes are changed. */
function mutated(random: Random, [operator, inputs, attributes = {}]: (typeof valid)[number]): TypedNode {
  const given = inputs.map(([shape, elementType = "float32", numbers]) => ({
    type: { elementType, shape },
    constant: numbers && numeric(elementType, shape, Float64Array.from(numbers)),
  }));
  const drawn: ReturnType<typeof drawInput>[] = [...given];
  const changed: Record<string, Attribute> = { ...attributes };
  for (let count = random.integer(3); count > 0; count--) {
    const at = random.integer(drawn.length);
    const { type, constant } = drawn[at] ?? given[at]!;
    switch (random.integer(5)) {
      case 0:
        changed[pick(random, [...attributeNames, ...Object.keys(attributes)])] = drawAttribute(random);
        break;
      case 1:
        drawn[at] = drawInput(random);
        break;
      case 2: {
        const shape =
          type.shape.length === 0
            ? [2]
            : type.shape.with(random.integer(type.shape.length), pick(random, sizes));
        drawn[at] = { type: { ...type, shape }, constant: undefined };
        break;
      }
      case 3:
        if (Object.keys(changed).length > 0)
          changed[pick(random, Object.keys(changed))] = drawAttribute(random);
        break;
      default:
        if (constant !== undefined && constant.data.length > 0)
          drawn[at] = {
            type,
            constant: {
              ...constant,
              data: constant.data.with(random.integer(constant.data.length), pick(random, numbers)),
            },
          };
    }
  }
  return typedNode(operator, drawn, changed, pick(random, [1, 1, 2, 3]), pick(random, [13, 15, 18, 20]));
}

/** Infers the node, which must be refused with an InputError or give what it says; whether it was accepted. */
function infer(node: TypedNode, what: string): boolean {
  const start = performance.now();
  let isAccepted = true;
  try {
    const { types, constants } = inferNode(node);
    for (const { shape } of types)
      expect(
        shape.every((size) => Number.isInteger(size) && size >= 0),
        what,
      ).toBe(true);
    constants?.forEach((value, index) => {
      expect(value.elementType, what).toBe(types[index]!.elementType);
      expect([...value.shape], what).toEqual([...types[index]!.shape]);
      expect(value.data.length, what).toBe(elementCount(value.shape));
    });
  } catch (error) {
    if (!(error instanceof InputError)) throw new Error(what, { cause: error });
    expect(error.field).toMatch(/hostile/);
    isAccepted = false;
  }
  expect(performance.now() - start, `milliseconds of ${what}`).toBeLessThan(2000);
  return isAccepted;
}

describe("hostile nodes are refused with an InputError, or give values of the types that were inferred", () => {
  it.each([...operators.keys()])("%s of anything", (operator) => {
    for (let seed = 1; seed <= 200; seed++)
      infer(drawNode(createRandom(seed), operator), `${operator}, seed ${seed}`);
  });

  it.each(valid.map((form) => ({ form })))("$form.0 that is valid but for some places", ({ form }) => {
    let accepted = 0;
    const seeds = 400;
    for (let seed = 1; seed <= seeds; seed++)
      if (infer(mutated(createRandom(seed), form), `${form[0]}, seed ${seed}`)) accepted++;
    // Else nothing but the first check would be tried.
    expect(accepted).toBeGreaterThan(seeds / 10);
    expect(accepted).toBeLessThan(seeds);
  });
});
