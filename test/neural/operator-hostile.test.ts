import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/errors.js";
import { type Attribute, float, floats, int, ints, string } from "../../src/neural/graph/graph.js";
import { type ElementType, elementCount, elementTypes } from "../../src/neural/graph/tensor.js";
import { operators } from "../../src/neural/operators/index.js";
import { inferNode } from "../../src/neural/operators/inference.js";
import { numeric } from "../../src/neural/operators/numeric.js";
import type { NumericTensor, TypedNode } from "../../src/neural/operators/operator.js";

const SEED = 9;
const RUNS = 400;

/** Values that are wrong for most inputs, and right often enough to be computed with. */
const elementType: fc.Arbitrary<ElementType> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<ElementType>("float32") },
  { weight: 3, arbitrary: fc.constant<ElementType>("int64") },
  { weight: 1, arbitrary: fc.constantFrom(...elementTypes) },
);
const shape = fc.array(fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.constant(0)), {
  maxLength: 5,
});
const number = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -3, max: 5 }) },
  fc.constantFrom(2 ** 31, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53) + 1),
);
const value: fc.Arbitrary<NumericTensor> = fc
  .tuple(elementType, shape, fc.array(number, { minLength: 1, maxLength: 8 }))
  .map(([type, sizes, numbers]) => {
    const data = Float64Array.from({ length: elementCount(sizes) }, (_, at) => numbers[at % numbers.length]!);
    return numeric(type, sizes, type === "bool" ? data.map((one) => (one === 0 ? 0 : 1)) : data);
  });

const integers = fc.array(number, { maxLength: 5 });
const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  { weight: 4, arbitrary: number.map(int) },
  { weight: 4, arbitrary: integers.map(ints) },
  fc.double({ min: -2, max: 2, noNaN: true }).map(float),
  fc.constantFrom("mean", "none", "NOTSET", "SAME_UPPER", "VALID", "reflect", "wrap", "nonsense").map(string),
  integers.map(floats),
);
const attributeNames = [
  ...["axis", "axes", "keepdims", "perm", "to", "value_ints", "kernel_shape", "strides", "dilations", "pads"],
  ...[
    "group",
    "auto_pad",
    "transA",
    "transB",
    "alpha",
    "epsilon",
    "num_groups",
    "training_mode",
    "reduction",
  ],
  ...["ignore_index", "mode", "blocksize", "batch_dims", "upper", "hidden_size", "direction", "layout"],
  ...["num_outputs", "output_shape", "output_padding", "allowzero", "noop_with_empty_axes", "start", "end"],
  ...["ceil_mode", "count_include_pad", "exclusive", "reverse", "select_last_index", "approximate"],
];

interface Drawn {
  readonly inputs: readonly (NumericTensor | undefined)[];
  readonly known: readonly boolean[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly outputs: number;
  readonly opset: number;
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  inputs: fc.array(fc.option(value, { nil: undefined, freq: 8 }), { maxLength: 6 }),
  known: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  attributes: fc.dictionary(fc.constantFrom(...attributeNames), attribute, { maxKeys: 4 }),
  outputs: fc.integer({ min: 1, max: 3 }),
  opset: fc.integer({ min: 13, max: 20 }),
});

function typedNode(operator: string, { inputs, known, attributes, outputs, opset }: Drawn): TypedNode {
  return {
    node: {
      name: "subject",
      operator,
      domain: "",
      inputs: inputs.map((one, index) => (one === undefined ? "" : `input${index}`)),
      outputs: Array.from({ length: outputs }, (_, index) => `output${index}`),
      attributes,
    },
    opset,
    inputTypes: inputs.map((one) => one && { elementType: one.elementType, shape: one.shape }),
    constant: (index) => (known[index] ? inputs[index] : undefined),
  };
}

const filledWith = (sizes: readonly number[], ...numbers: number[]): NumericTensor =>
  numeric(
    "float32",
    sizes,
    Float64Array.from({ length: elementCount(sizes) }, (_, at) => numbers[at % numbers.length] ?? at / 8),
  );
const real = (...sizes: number[]) => filledWith(sizes);
const whole = (sizes: readonly number[], ...numbers: number[]): NumericTensor => ({
  ...filledWith(sizes, ...numbers),
  elementType: "int64",
});
const list = (...numbers: number[]) => whole([numbers.length], ...numbers);
const bool = (...sizes: number[]): NumericTensor => ({ ...filledWith(sizes, 0, 1), elementType: "bool" });

type Sample = readonly [
  inputs: readonly (NumericTensor | undefined)[],
  attributes?: Readonly<Record<string, Attribute>>,
];

/** Nodes that are right, to be made wrong in one thing: chance alone would hardly make them. */
const samples: Readonly<Record<string, Sample>> = {
  And: [[bool(2, 3), bool(3)]],
  Or: [[bool(2, 3), bool(3)]],
  Xor: [[bool(2, 3), bool(3)]],
  Not: [[bool(2, 3)]],
  Where: [[bool(2, 1), real(2, 3), real(3)]],
  Cast: [[real(3)], { to: int(7) }],
  Constant: [[], { value_ints: ints([1, 2]) }],
  AveragePool: [[real(1, 2, 5, 4)], { kernel_shape: ints([2, 3]), pads: ints([0, 1, 0, 1]) }],
  MaxPool: [[real(1, 2, 5, 4)], { kernel_shape: ints([2, 3]), strides: ints([2, 1]) }],
  BatchNormalization: [[real(2, 3, 4), real(3), real(3), real(3), real(3)]],
  LayerNormalization: [[real(2, 3), real(3), real(3)]],
  InstanceNormalization: [[real(2, 3, 4), real(3), real(3)]],
  GroupNormalization: [[real(2, 4, 3), real(2), real(2)], { num_groups: int(2) }],
  Concat: [[real(2, 3), real(2, 1)], { axis: int(1) }],
  Conv: [
    [real(1, 4, 5, 5), real(4, 2, 3, 3), real(4)],
    { group: int(2), pads: ints([1, 1, 1, 1]), strides: ints([2, 1]) },
  ],
  ConvTranspose: [[real(1, 4, 3, 3), real(4, 2, 2, 2), real(4)], { group: int(2), strides: ints([2, 2]) }],
  DepthToSpace: [[real(1, 8, 2, 3)], { blocksize: int(2) }],
  SpaceToDepth: [[real(1, 2, 4, 6)], { blocksize: int(2) }],
  LSTM: [[real(3, 2, 4), real(1, 20, 4), real(1, 20, 5), real(1, 40)], { hidden_size: int(5) }],
  GRU: [[real(3, 2, 4), real(1, 15, 4), real(1, 15, 5), real(1, 30)], { hidden_size: int(5) }],
  MatMul: [[real(2, 3), real(3, 4)]],
  Gemm: [[real(3, 2), real(3, 4), real(4)], { transA: int(1) }],
  OneHot: [[list(0, 2, 1), whole([], 3), real(2)]],
  Gather: [[real(3, 2), list(0, 2)]],
  GatherElements: [[real(3, 2), whole([2, 2], 0, 1, 2, 0)]],
  GatherND: [[real(3, 2), whole([2, 1], 0, 2)]],
  ScatterElements: [[real(3, 2), whole([1, 2], 0, 2), real(1, 2)]],
  ScatterND: [[real(3, 2), whole([2, 1], 0, 2), real(2, 2)]],
  Slice: [[real(4, 5), list(1, 4), list(4, 0), list(0, 1), list(2, -1)]],
  Pad: [[real(2, 3), list(1, 0, 0, 2)]],
  Tile: [[real(2, 3), list(2, 1)]],
  Range: [[whole([], 0), whole([], 6), whole([], 2)]],
  Reshape: [[real(2, 6), list(3, -1)]],
  CumSum: [[real(2, 3), whole([], 1)]],
  PRelu: [[real(2, 3), real(3)]],
  SoftmaxCrossEntropyLoss: [[real(2, 3, 2), whole([2, 2], 0, 2, 1), real(3)]],
};

/** A sample as it is, or with an input or an attribute in the place of another. */
function changed(name: string): fc.Arbitrary<Drawn> {
  const [inputs, attributes = {}] = samples[name]!;
  const known = Array.from({ length: 6 }, () => true);
  const keys = [...Object.keys(attributes), ...attributeNames];
  const change = fc.oneof(
    fc.constant({ inputs, attributes }),
    fc
      .tuple(fc.nat(Math.max(0, inputs.length - 1)), fc.option(value, { nil: undefined }))
      .map(([at, other]) => ({ inputs: inputs.length === 0 ? [other] : inputs.with(at, other), attributes })),
    fc
      .tuple(fc.constantFrom(...keys), attribute)
      .map(([key, other]) => ({ inputs, attributes: { ...attributes, [key]: other } })),
  );
  const opset = fc.integer({ min: 13, max: 20 });
  return fc
    .tuple(change, opset, fc.integer({ min: 1, max: 3 }))
    .map(([node, version, outputs]) => ({ ...node, known, opset: version, outputs }));
}

/** What `make` gives, or undefined where it refuses. Anything but an InputError is a defect. */
function orRefused<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

describe("nodes of hostile files", () => {
  for (const [name, operator] of operators)
    it(`${name} is refused, or has the values that its types promise`, () => {
      let computed = 0;
      const nodes = samples[name] === undefined ? drawn : fc.oneof(drawn, changed(name));
      fc.assert(
        fc.property(nodes, (given) => {
          const typed = typedNode(name, given);
          const types = orRefused(() => inferNode(typed))?.types;
          if (types === undefined || types.some(({ shape }) => elementCount(shape) > 2 ** 16)) return;
          for (const { shape } of types)
            expect(shape.every((size) => Number.isInteger(size) && size >= 0)).toBe(true);
          const values = orRefused(() => operator.evaluate(typed, given.inputs));
          if (values === undefined) return;
          computed++;
          values.forEach((one, index) => {
            expect({ elementType: one.elementType, shape: one.shape }).toEqual({
              elementType: types[index]!.elementType,
              shape: types[index]!.shape,
            });
            expect(one.data.length).toBe(elementCount(one.shape));
          });
        }),
        { seed: SEED, numRuns: RUNS },
      );
      // Else nothing was held to anything.
      expect(computed).toBeGreaterThan(RUNS / 20);
    });
});
