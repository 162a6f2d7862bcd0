import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, foreignNetworks, foreignSizes } from "../../../test/neural/foreign-networks.js";
import { InputError } from "../../errors.js";
import { createRandom, type Random } from "../../system/index.js";
import { float, type GraphNode, int, ints, type OnnxModel, onnxModel } from "../graph/graph.js";
import { float32Tensor, int64Tensor, type Tensor } from "../graph/tensor.js";
import { typeGraph } from "../graph/type-graph.js";
import { readOnnx, writeOnnx } from "./index.js";
import { longOf, modelType } from "./messages.js";

const seed = 73;

const node = (
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: GraphNode["attributes"] = {},
): GraphNode => ({ name: output, operator, domain: "", inputs, outputs: [output], attributes });

/** A small network of ours, with the operators that decide about shapes by constants. */
const own = writeOnnx(
  onnxModel({
    name: "own",
    inputs: [{ name: "x", type: { elementType: "float32", shape: ["batch", 6] } }],
    outputs: [{ name: "y", type: { elementType: "float32", shape: ["rows", 2] } }],
    initializers: new Map<string, Tensor>([
      ["weight", float32Tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [6, 2])],
      ["bias", float32Tensor([0.5, -0.5])],
      ["shape", int64Tensor([-1, 2])],
      ["axes", int64Tensor([0])],
    ]),
    nodes: [
      node("Gemm", ["x", "weight", "bias"], "product", { alpha: float(0.5), transB: int(0) }),
      node("Relu", ["product"], "positive"),
      node("Transpose", ["positive"], "turned", { perm: ints([1, 0]) }),
      node("Reshape", ["turned", "shape"], "shaped"),
      node("ReduceSum", ["shaped", "axes"], "sum", { keepdims: int(1) }),
      node("Add", ["shaped", "sum"], "y"),
    ],
  }),
);

/** Whether a file is read; one that is not, or has no types, is refused by an InputError, all in a bounded time. */
function isRead(bytes: Uint8Array): boolean {
  const started = process.cpuUsage();
  let model: OnnxModel | undefined;
  try {
    model = readOnnx(bytes);
    typeGraph(model, foreignSizes(model, 1));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.field).not.toBe("");
  }
  // The processor's time, as others may take the machine's.
  const { user, system } = process.cpuUsage(started);
  expect(user + system).toBeLessThan(5e6);
  return model !== undefined;
}

const mutation = fc.oneof(
  fc.record({ kind: fc.constant("flip"), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("set"), at: fc.nat(), byte: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff) }),
  fc.record({ kind: fc.constant("cut"), at: fc.nat() }),
  fc.record({ kind: fc.constant("drop"), at: fc.nat(), length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({
    kind: fc.constant("splice"),
    at: fc.nat(),
    from: fc.nat(),
    length: fc.integer({ min: 1, max: 256 }),
  }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutated(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  return mutations.reduce((before: Uint8Array, change) => {
    const after = Buffer.from(before);
    const at = change.at % Math.max(1, after.length);
    if ("bit" in change) after[at]! ^= 1 << change.bit;
    else if ("byte" in change) after[at] = change.byte;
    else if ("from" in change) {
      const from = change.from % Math.max(1, after.length);
      return Buffer.concat([
        after.subarray(0, at),
        after.subarray(from, from + change.length),
        after.subarray(at),
      ]);
    } else if ("length" in change)
      return Buffer.concat([after.subarray(0, at), after.subarray(at + change.length)]);
    else return after.subarray(0, at);
    return after;
  }, bytes);
}

const sizes = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  7n,
  64n,
  2n ** 20n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
const numbers = [0, -0, 1, -1, 0.5, 1e30, Number.NaN, Number.POSITIVE_INFINITY];

/** Changes one field of a message somewhere below it: what flips of bits seldom reach. */
function changeField(message: object, random: Random): void {
  const record = message as Record<string, unknown>;
  const keys = Object.keys(record);
  if (keys.length === 0) return;
  const key = keys[random.integer(keys.length)]!;
  const value = record[key];
  if (Array.isArray(value) && value.length > 0 && random.integer(6) > 0) {
    const at = random.integer(value.length);
    const element: unknown = value[at];
    const way = random.integer(10);
    if (way === 0) value.splice(at, 1);
    else if (way === 1) value.push(element);
    else if (way === 2) value.reverse();
    else if (isMessage(element)) changeField(element, random);
    else value[at] = otherValue(element, random);
    return;
  }
  if (isMessage(value) && random.integer(8) > 0) changeField(value, random);
  else if (random.integer(4) === 0) delete record[key];
  else if (!Array.isArray(value) && !isMessage(value)) record[key] = otherValue(value, random);
}

function isMessage(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !("low" in value)
  );
}

function otherValue(value: unknown, random: Random): unknown {
  if (typeof value === "string")
    return ["", "x", "y", "weight", "shape", "batch", "Reshape", "Concat", "Conv"][random.integer(9)];
  if (ArrayBuffer.isView(value)) return new Uint8Array(random.integer(40)).map(() => random.integer(256));
  if (typeof value === "object") return longOf(sizes[random.integer(sizes.length)]!);
  // Floating-point numbers, element types and attribute types.
  return random.integer(2) === 0 ? random.integer(20) : numbers[random.integer(numbers.length)];
}

const files = [
  { name: "own", isThere: true, read: () => own, runs: 1500 },
  ...foreignNetworks.map((network, at) => ({
    name: network.name,
    isThere: network.isThere,
    read: () => bytesOf(network),
    runs: [700, 400, 60, 60][at]!,
  })),
];

describe.each(files)("the file $name", ({ isThere, read, runs }) => {
  it.skipIf(!isThere)("is refused or read, whatever bytes of it are changed", () => {
    const bytes = read();
    const outcomes = new Set<boolean>();
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        outcomes.add(isRead(mutated(bytes, mutations)));
      }),
      { seed, numRuns: runs },
    );
    expect(outcomes.size).toBe(2);
  });

  it.skipIf(!isThere)("is refused or read, whatever fields of it are changed", () => {
    const decoded = modelType.decode(read());
    const outcomes = new Set<boolean>();
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 5 }), (changeSeed, changes) => {
        const random = createRandom(changeSeed);
        const message = modelType.toObject(decoded, { bytes: Uint8Array }) as object;
        for (let change = 0; change < changes; change++) changeField(message, random);
        outcomes.add(isRead(modelType.encode(message).finish()));
      }),
      { seed, numRuns: runs },
    );
    expect(outcomes.size).toBe(2);
  });
});
