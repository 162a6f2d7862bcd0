import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkOperator, evaluateGraph } from "../../../test/neural/operator-check.js";
import { InputError } from "../../errors.js";
import { elementTypeCodes } from "../graph/element-type-codes.js";
import { int, type ValueName } from "../graph/graph.js";
import { float32Tensor, int64Tensor } from "../graph/tensor.js";
import { type NetworkBuilder, networkBuilder } from "../network/builder.js";
import { numeric } from "../operators/numeric.js";
import { differentiate } from "./differentiate.js";

/** One of the operators on values of [3, 3], [3, 1] or [1, 3]; products are bent back, so that none grows. */
function bent(builder: NetworkBuilder, operator: string, one: ValueName, other: ValueName): ValueName {
  switch (operator) {
    case "Tanh":
    case "Sigmoid":
    case "Transpose":
      return builder.add(operator, [one]);
    case "ReduceMean":
      return builder.add(operator, [one, builder.constant(int64Tensor([1]))]);
    case "MatMul": {
      const square = builder.add("Add", [one, builder.constant(float32Tensor([1, 2, 3], [3, 1]))]);
      const wide = builder.add("Expand", [square, builder.constant(int64Tensor([3, 3]))]);
      const right = builder.add("Expand", [other, builder.constant(int64Tensor([3, 3]))]);
      return builder.add("Tanh", [builder.add("MatMul", [wide, right])]);
    }
    default:
      return builder.add("Tanh", [builder.add(operator, [one, other])]);
  }
}

describe("gradients of graphs", () => {
  it("sum over all ways from a value to the loss", () =>
    checkOperator({
      inputs: { x: { shape: [3, 3] }, y: { shape: [3, 3] } },
      build: (builder, { x, y }) => {
        const product = builder.add("MatMul", [x, y]);
        const bent = builder.add("Tanh", [builder.add("Add", [product, x!])]);
        return [builder.add("Mul", [bent, product]), builder.add("Mul", [x, x])];
      },
    }));

  it("are those of finite differences for graphs of any form", async () => {
    const step = fc.record({
      operator: fc.constantFrom(
        "Add",
        "Sub",
        "Mul",
        "MatMul",
        "Max",
        "Tanh",
        "Sigmoid",
        "Transpose",
        "ReduceMean",
      ),
      of: fc.tuple(fc.nat(), fc.nat()),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), fc.nat(1000), async (steps, seed) => {
        await checkOperator({
          inputs: { x: { shape: [3, 3] }, y: { shape: [3, 3] }, z: { shape: [3, 1] } },
          build: (builder, { x, y, z }) => {
            // All inputs act on the result, whatever is drawn.
            const values = [x!, y!, z!, builder.add("MatMul", [builder.add("Mul", [x, z]), y])];
            for (const { operator, of } of steps) {
              const [one, other] = of.map((index) => values[index % values.length]!) as [string, string];
              values.push(bent(builder, operator, one, other));
            }
            return [values.at(-1)!, values[3]!];
          },
          seed,
        });
      }),
      { seed: 11, numRuns: 40 },
    );
  });

  it("are 1 for the loss itself and known for values between", () => {
    const builder = networkBuilder("g");
    const x = builder.input("x", "float32", []);
    const square = builder.add("Mul", [x, x]);
    const loss = builder.add("Exp", [square]);
    const gradients = differentiate(builder, loss, [loss, square, x]);
    builder.output("to.loss", gradients[loss]!);
    builder.output("to.square", gradients[square]!);
    builder.output("to.x", gradients[x]!);
    const values = evaluateGraph(builder.graph(), { x: numeric("float32", [], Float64Array.of(0.5)) });
    expect(values["to.loss"]!.data[0]).toBe(1);
    expect(values["to.square"]!.data[0]).toBeCloseTo(Math.exp(0.25), 12);
    expect(values["to.x"]!.data[0]).toBeCloseTo(Math.exp(0.25), 12);
  });

  it("are zeros where the loss depends on nothing, or only by what is constant almost everywhere", () => {
    const builder = networkBuilder("g");
    const x = builder.input("x", "float32", [2, 3]);
    const other = builder.input("other", "float32", [4]);
    const counted = builder.add("Cast", [builder.add("Greater", [x, builder.constant(0)])], {
      to: int(elementTypeCodes.float32),
    });
    const loss = builder.add("ReduceSum", [builder.add("Add", [counted, builder.add("Sign", [x])])], {
      keepdims: int(0),
    });
    const gradients = differentiate(builder, loss, [x, other]);
    builder.output("to.x", gradients[x]!);
    builder.output("to.other", gradients[other]!);
    const values = evaluateGraph(builder.graph(), {
      x: numeric("float32", [2, 3]),
      other: numeric("float32", [4]),
    });
    expect([...values["to.x"]!.data]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(values["to.x"]!.shape).toEqual([2, 3]);
    expect([...values["to.other"]!.data]).toEqual([0, 0, 0, 0]);
  });

  it("leave alone what is not wanted", () => {
    const builder = networkBuilder("g");
    const x = builder.input("x", "float32", [2, 3]);
    const weight = builder.initializer("weight", float32Tensor([1, 2, 3], [3, 1]));
    const loss = builder.add("ReduceSum", [builder.add("MatMul", [x, weight])], { keepdims: int(0) });
    const before = builder.nodes().length;
    differentiate(builder, loss, [weight]);
    // The transposed weight is what only the gradient to x takes.
    const readers = builder.nodes().slice(before);
    expect(readers.flatMap(({ inputs }) => inputs)).not.toContain(weight);
    expect(readers.flatMap(({ inputs }) => inputs)).toContain(x);
  });

  it("are refused through an operator that has none, by node and operator", () => {
    const builder = networkBuilder("g");
    const x = builder.input("x", "float32", [2, 3]);
    const best = builder.add("ArgMax", [x]);
    const number = builder.add("Cast", [best], { to: int(elementTypeCodes.float32) });
    const loss = builder.add("ReduceSum", [number], { keepdims: int(0) });
    expect(() => differentiate(builder, loss, [x])).toThrow(InputError);
    expect(() => differentiate(builder, loss, [x])).toThrow(/node ArgMax: "ArgMax" .* no gradient/);
    // Nothing that is wanted acts through it: nothing to refuse.
    expect(() => differentiate(builder, loss, [number])).not.toThrow();
  });

  it("are refused of what is no single number, to integers, and while sizes are open", () => {
    const builder = networkBuilder("g");
    const x = builder.input("x", "float32", [2, 3]);
    const index = builder.input("index", "int64", []);
    const loss = builder.add("ReduceSum", [x], { keepdims: int(0) });
    expect(() => differentiate(builder, x, [x])).toThrow(/loss x/);
    expect(() => differentiate(builder, loss, [index])).toThrow(/value index/);
    builder.input("open", "float32", ["batch"]);
    expect(() => differentiate(builder, loss, [x])).toThrow(/dimension batch/);
    const bound = networkBuilder("g", { from: builder.graph(), dimensions: { batch: 5 } });
    expect(() => differentiate(bound, loss, [x])).not.toThrow();
  });
});
