import { describe, expect, it } from "vitest";
import { createRandom } from "../../system/index.js";
import { openSession } from "../engines/onnxruntime/session.js";
import { int64Tensor, type Tensor, tensor } from "../graph/tensor.js";
import { writeOnnx } from "../onnx/index.js";
import { optimizer } from "./optimizers.js";
import { parameterLayout } from "./parameters.js";
import type { OptimizerSpecification } from "./specification.js";
import { updateGraph, values } from "./training-graph.js";

const seed = 11;
/** Two tensors, of 4 and 3 elements; the second begins with zeros. */
const layout = {
  parameters: parameterLayout([
    { name: "a", shape: [2, 2] },
    { name: "b", shape: [3] },
  ]),
  statistics: parameterLayout([]),
};
const start = [0.5, -1.25, 2, 0.1, 0, 0, 0];
const rate = 0.02;
const steps = 20;

/** Gradients that differ by orders of magnitude, and of which some are zero. */
function gradients(): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: steps }, () =>
    start.map((_, index) => Math.fround(random.next() < 0.2 ? 0 : random.gaussian() * 10 ** (index - 3))),
  );
}

/** The parameters after each step by the graph, in ONNX Runtime. */
async function byGraph(specification: OptimizerSpecification, clipNorm?: number): Promise<number[][]> {
  const objective = { optimizer: specification, ...(clipNorm === undefined ? {} : { clipNorm }) };
  const session = await openSession(writeOnnx(updateGraph(layout, objective, 1)));
  const names = optimizer(specification).state;
  let parameters: Tensor = tensor("float32", [7], Float32Array.from(start));
  let state: Tensor[] = names.map(() => tensor("float32", [7]));
  const history: number[][] = [];
  for (const [index, gradient] of gradients().entries()) {
    const inputs: Record<string, Tensor> = {
      [values.parameters]: parameters,
      [values.gradientOf(0)]: tensor("float32", [7], Float32Array.from(gradient)),
      [values.learningRate]: tensor("float32", [], Float32Array.of(rate)),
      [values.step]: int64Tensor([index + 1], []),
    };
    names.forEach((name, at) => {
      inputs[values.state(name)] = state[at]!;
    });
    const given = Object.fromEntries(Object.keys(session.inputs).map((name) => [name, inputs[name]!]));
    const outputs = await session.run(given);
    parameters = outputs[values.newParameters]!;
    state = names.map((name) => outputs[values.newState(name)]!);
    history.push(Array.from(parameters.data as Float32Array));
  }
  await session.release();
  return history;
}

const norm = (vector: readonly number[]): number => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));

/** The parameters after each step in double precision, `direction` as the papers write it, a vector at a time. */
function byFormula(direction: (gradient: number[], parameters: number[], t: number) => number[]): number[][] {
  let parameters = start;
  return gradients().map((gradient, index) => {
    const along = direction(gradient, parameters, index + 1);
    parameters = parameters.map((value, at) => value - rate * along[at]!);
    return parameters;
  });
}

/** m̂ / (√v̂ + ε) of Kingma and Ba. */
function adamDirection(beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8) {
  let [m, v] = [start.map(() => 0), start.map(() => 0)];
  return (g: readonly number[], t: number): number[] => {
    m = m.map((value, i) => beta1 * value + (1 - beta1) * g[i]!);
    v = v.map((value, i) => beta2 * value + (1 - beta2) * g[i]! ** 2);
    return m.map((value, i) => value / (1 - beta1 ** t) / (Math.sqrt(v[i]! / (1 - beta2 ** t)) + epsilon));
  };
}

function expectClose(actual: readonly number[][], expected: readonly number[][]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((vector, step) => {
    vector.forEach((value, index) => {
      const want = expected[step]![index]!;
      expect(Math.abs(value - want), `step ${step}, element ${index}`).toBeLessThan(
        1e-5 * (1 + Math.abs(want)),
      );
    });
  });
}

describe("the update graph", () => {
  it("is gradient descent", async () => {
    expectClose(
      await byGraph({ kind: "sgd" }),
      byFormula((g) => g),
    );
    expectClose(
      await byGraph({ kind: "sgd", weightDecay: 0.1 }),
      byFormula((g, p) => g.map((value, i) => value + 0.1 * p[i]!)),
    );
  });

  it("is gradient descent with momentum, and Nesterov's", async () => {
    for (const nesterov of [false, true]) {
      let velocity = start.map(() => 0);
      const formula = byFormula((g) => {
        velocity = velocity.map((v, i) => 0.8 * v + g[i]!);
        return nesterov ? g.map((value, i) => value + 0.8 * velocity[i]!) : velocity;
      });
      expectClose(await byGraph({ kind: "sgd", momentum: 0.8, nesterov }), formula);
    }
  });

  it("is Adam", async () => {
    const direction = adamDirection();
    expectClose(
      await byGraph({ kind: "adam" }),
      byFormula((g, _, t) => direction(g, t)),
    );
    const other = adamDirection(0.5, 0.9, 1e-3);
    expectClose(
      await byGraph({ kind: "adam", beta1: 0.5, beta2: 0.9, epsilon: 1e-3, weightDecay: 0.1 }),
      byFormula((g, p, t) =>
        other(
          g.map((value, i) => value + 0.1 * p[i]!),
          t,
        ),
      ),
    );
  });

  it("moves every parameter by the learning rate at Adam's first step, to seven digits", async () => {
    // m̂ / √v̂ is the gradient's sign there, whatever its size: what a bias correction in float32 would miss.
    const [first] = await byGraph({ kind: "adam", epsilon: 1e-12 });
    const [gradient] = gradients();
    first!.forEach((value, index) => {
      const want = start[index]! - rate * Math.sign(gradient![index]!);
      expect(Math.abs(value - want)).toBeLessThan(2e-7 * (1 + Math.abs(want)));
    });
  });

  it("is AdamW", async () => {
    const direction = adamDirection();
    expectClose(
      await byGraph({ kind: "adamw", weightDecay: 0.1 }),
      byFormula((g, p, t) => direction(g, t).map((value, i) => value + 0.1 * p[i]!)),
    );
  });

  it("is LAMB", async () => {
    const direction = adamDirection(0.9, 0.999, 1e-6);
    const formula = byFormula((g, p, t) => {
      const along = direction(g, t).map((value, i) => value + 0.1 * p[i]!);
      return [along.slice(0, 4), along.slice(4)].flatMap((part, layer) => {
        const weights = layer === 0 ? p.slice(0, 4) : p.slice(4);
        const ratio = norm(weights) > 0 && norm(part) > 0 ? norm(weights) / norm(part) : 1;
        return part.map((value) => ratio * value);
      });
    });
    expectClose(await byGraph({ kind: "lamb", weightDecay: 0.1 }), formula);
  });

  it("clips gradients by their norm over all parameters", async () => {
    const formula = byFormula((g) => g.map((value) => value * Math.min(1, 2 / norm(g))));
    const norms = gradients().map(norm);
    // Some gradients are clipped, and some are not.
    expect(Math.min(...norms)).toBeLessThan(2000);
    expect(Math.max(...norms)).toBeGreaterThan(2);
    expectClose(await byGraph({ kind: "sgd" }, 2), formula);
    expectClose(
      await byGraph({ kind: "sgd" }, 500),
      byFormula((g) => g.map((value) => value * Math.min(1, 500 / norm(g)))),
    );
  });

  it("averages shards", async () => {
    const session = await openSession(writeOnnx(updateGraph(layout, { optimizer: { kind: "sgd" } }, 3)));
    const inputs: Record<string, Tensor> = {
      [values.parameters]: tensor("float32", [7], Float32Array.from(start)),
      [values.learningRate]: tensor("float32", [], Float32Array.of(1)),
    };
    const shards = gradients().slice(0, 3);
    shards.forEach((gradient, shard) => {
      inputs[values.gradientOf(shard)] = tensor("float32", [7], Float32Array.from(gradient));
    });
    const given = Object.fromEntries(
      Object.keys(session.inputs).map((name) => [name, inputs[name] ?? int64Tensor([1], [])]),
    );
    const updated = (await session.run(given))[values.newParameters]!.data as Float32Array;
    updated.forEach((value, i) => {
      const mean = (shards[0]![i]! + shards[1]![i]! + shards[2]![i]!) / 3;
      expect(value).toBeCloseTo(start[i]! - mean, 3);
    });
  });
});

describe("an optimizer", () => {
  it("is refused for numbers that make no sense", () => {
    expect(() => optimizer({ kind: "adam", beta1: 1 })).toThrow(/beta1/);
    expect(() => optimizer({ kind: "lamb", beta2: -0.1 })).toThrow(/beta2/);
    expect(() => optimizer({ kind: "adam", epsilon: 0 })).toThrow(/epsilon/);
    expect(() => optimizer({ kind: "adamw", weightDecay: Number.NaN })).toThrow(/weightDecay/);
    expect(() => optimizer({ kind: "sgd", momentum: 1 })).toThrow(/momentum/);
    expect(() => optimizer({ kind: "sgd", nesterov: true })).toThrow(/nesterov/);
    expect(() => updateGraph(layout, { optimizer: { kind: "sgd" }, clipNorm: 0 }, 1)).toThrow(/clipNorm/);
  });
});
