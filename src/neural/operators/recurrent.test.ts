import { describe, expect, it } from "vitest";
import { checkOperator, type DrawnInput } from "../../../test/neural/operator-check.js";
import { type Attribute, float, int, string } from "../graph/graph.js";
import { networkBuilder } from "../network/builder.js";

const [steps, batch, inputs, hidden] = [3, 2, 2, 3];

/** Which optional inputs are given. */
interface Given {
  readonly bias?: boolean;
  readonly hidden?: boolean;
  readonly cell?: boolean;
}

const all: Given = { bias: true, hidden: true, cell: true };

function check(
  operator: "LSTM" | "GRU",
  direction: string,
  given: Given,
  outputs: readonly number[],
  attributes: Record<string, Attribute> = {},
  length = steps,
) {
  const [gates, count] = [operator === "LSTM" ? 4 : 3, direction === "bidirectional" ? 2 : 1];
  const shapes: Record<string, DrawnInput> = {
    x: { shape: [length, batch, inputs] },
    weight: { shape: [count, gates * hidden, inputs] },
    recurrent: { shape: [count, gates * hidden, hidden] },
  };
  if (given.bias) shapes.bias = { shape: [count, 2 * gates * hidden] };
  if (given.hidden) shapes.hidden = { shape: [count, batch, hidden] };
  if (given.cell && operator === "LSTM") shapes.cell = { shape: [count, batch, hidden] };
  return checkOperator({
    inputs: shapes,
    build: (builder, { x, weight, recurrent, bias, hidden: first, cell }) => {
      const made = builder.addMany(
        operator,
        [x, weight, recurrent, bias, undefined, first, cell],
        operator === "LSTM" ? 3 : 2,
        { hidden_size: int(hidden), direction: string(direction), ...attributes },
      );
      return outputs.map((output) => made[output]!);
    },
    opset: outputs.length === 1 ? 14 : 18,
  });
}

describe("LSTM", () => {
  for (const direction of ["forward", "reverse", "bidirectional"])
    it(`${direction}, of all inputs, to each output and to all`, async () => {
      for (const outputs of [[0], [1], [0, 1, 2]]) await check("LSTM", direction, all, outputs);
    });

  it("without biases and states", async () => {
    await check("LSTM", "forward", {}, [0]);
    await check("LSTM", "bidirectional", { bias: true }, [2]);
    await check("LSTM", "forward", { hidden: true }, [0, 2]);
  });

  it("of one step", () => check("LSTM", "bidirectional", all, [0, 1, 2], {}, 1));
});

describe("GRU", () => {
  for (const linear of [0, 1])
    for (const direction of ["forward", "reverse", "bidirectional"])
      it(`${direction}, linear_before_reset ${linear}, to each output and to both`, async () => {
        for (const outputs of [[0], [1], [0, 1]])
          await check("GRU", direction, all, outputs, { linear_before_reset: int(linear) });
      });

  it("without biases and states", async () => {
    for (const linear of [0, 1]) {
      await check("GRU", "forward", {}, [0], { linear_before_reset: int(linear) });
      await check("GRU", "bidirectional", { bias: true }, [1], { linear_before_reset: int(linear) });
    }
  });

  it("of one step", () => check("GRU", "reverse", all, [0, 1], {}, 1));
});

describe("recurrent layers refuse", () => {
  const shapes: Record<string, readonly number[]> = {
    x: [4, 2, 3],
    weight: [1, 20, 3],
    recurrent: [1, 20, 5],
    bias: [1, 40],
    hidden: [1, 2, 5],
  };
  const refused = (
    replaced: Record<string, readonly number[]>,
    attributes: Record<string, Attribute> = {},
    extra: readonly number[] = [],
  ) => {
    const builder = networkBuilder("hostile");
    const given = Object.entries({ ...shapes, ...replaced }).map(([name, shape]) =>
      builder.input(name, "float32", shape),
    );
    const inputs: (string | undefined)[] = [given[0], given[1], given[2], given[3], undefined, given[4]];
    for (const input of extra)
      inputs[input] = builder.input(`extra${input}`, input === 4 ? "int32" : "float32", [2]);
    return () => builder.addMany("LSTM", inputs, 3, attributes);
  };

  it("nothing that fits", () => {
    expect(refused({})).not.toThrow();
  });

  it("shapes that do not fit", () => {
    expect(refused({ x: [4, 3] })).toThrow(/input 0 of node LSTM/);
    expect(refused({ x: [0, 2, 3] })).toThrow(/input 0 of node LSTM/);
    expect(refused({ weight: [1, 15, 3] })).toThrow(/input 1 of node LSTM/);
    expect(refused({ weight: [2, 20, 3] })).toThrow(/input 1 of node LSTM/);
    expect(refused({ recurrent: [1, 20, 4] })).toThrow(/node LSTM/);
    expect(refused({ recurrent: [20] })).toThrow(/node LSTM/);
    expect(refused({ bias: [40] })).toThrow(/input 3 of node LSTM/);
    expect(refused({ hidden: [1, 3, 5] })).toThrow(/input 5 of node LSTM/);
  });

  it("attributes and inputs that are not supported, by name", () => {
    expect(refused({}, { hidden_size: int(0) })).toThrow(/hidden_size of node LSTM/);
    expect(refused({}, { hidden_size: int(6) })).toThrow(/input 1 of node LSTM/);
    expect(refused({}, { direction: string("sideways") })).toThrow(/direction of node LSTM/);
    expect(refused({}, { direction: string("toString") })).toThrow(/direction of node LSTM/);
    expect(refused({}, { clip: float(3) })).toThrow(/clip of node LSTM/);
    expect(refused({}, { layout: int(1) })).toThrow(/layout of node LSTM/);
    expect(refused({}, { input_forget: int(1) })).toThrow(/input_forget of node LSTM/);
    const activations = (...value: string[]): Record<string, Attribute> => ({
      activations: { kind: "strings", value },
    });
    expect(refused({}, activations("Relu", "Tanh", "Tanh"))).toThrow(/activations of node LSTM/);
    expect(refused({}, activations("Sigmoid"))).toThrow(/activations of node LSTM/);
    expect(refused({}, activations("Sigmoid", "Tanh", "Tanh"))).not.toThrow();
    expect(refused({}, {}, [4])).toThrow(/input 4 of node LSTM/);
    expect(refused({}, {}, [7])).toThrow(/input 7 of node LSTM/);
  });
});
