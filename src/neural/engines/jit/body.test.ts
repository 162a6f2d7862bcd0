import { describe, expect, it } from "vitest";
import { normal, randomNetwork } from "../../../../test/neural/random-networks.js";
import { availableTargets, buffer, kernel, openTarget, vector } from "../../../compiler/index.js";
import { createRandom } from "../../../system/index.js";
import { interpret } from "../../interpreter/interpret.js";
import { bodyShape, buildNetwork, scratchLength } from "./body.js";
import { planNetwork } from "./rules.js";

const networks = [
  "dense relu dense",
  "wide softplus",
  "dense tanh convolution",
  "pictures softmax dense sigmoid",
];

describe.each(availableTargets())("a network inside another kernel on %s", (name) => {
  const target = openTarget(name);

  it.each(networks)("of %s takes no more scratch memory than it says (invariants 1, 2)", (layers) => {
    const random = createRandom(23);
    const model = randomNetwork(layers.split(" "), 3, random);
    const { plan, table } = planNetwork(model);
    const shape = bodyShape(target);
    const { lanes } = shape;
    const length = scratchLength(plan, shape);
    const outputs = plan.results.length;
    const outer = kernel(
      `inside_${layers.replaceAll(" ", "_")}`,
      {
        numbers: buffer("f32", 3 * lanes),
        results: buffer("f32", outputs * lanes),
        table: buffer("f32", table.length),
        scratch: buffer("f32", length),
      },
      ({ numbers, results, table: weights, scratch }) => {
        const inputs = [0, 1, 2].map((k) => vector.load(numbers, k * lanes, lanes));
        const made = buildNetwork(plan, shape, inputs, { table: weights, scratch });
        for (const [k, value] of made.entries()) vector.store(value, results, k * lanes);
      },
    );
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
    const run = target.compile(outer, memory);
    const numbers = new Float32Array(memory.buffer);
    numbers.fill(Number.NaN);
    const [inputsAt, resultsAt, tableAt, scratchAt] = [0, 1024, 65536, 131072];
    const x = normal(random, [lanes, 3]);
    x.data.forEach((one, k) => {
      numbers[inputsAt + (k % 3) * lanes + Math.floor(k / 3)] = one;
    });
    numbers.set(table, tableAt);
    numbers.fill(777, scratchAt + length);
    run(4 * inputsAt, 4 * resultsAt, 4 * tableAt, 4 * scratchAt);
    expect(numbers.subarray(scratchAt + length).every((one) => one === 777)).toBe(true);
    const { data } = interpret(model, { x }).y!;
    data.forEach((one, k) => {
      const [sample, output] = [Math.floor(k / outputs), k % outputs];
      expect(numbers[resultsAt + output * lanes + sample]).toBeCloseTo(one, 4);
    });
  });
});

it("refuses inputs of other lanes than the body's", () => {
  const { plan } = planNetwork(randomNetwork(["dense"], 1, createRandom(1)));
  const shape = { lanes: 8, rolledProducts: 1, tile: 4 };
  const wrong = kernel("wrong", { a: buffer("f32", 4), table: buffer("f32", 99) }, ({ a, table }) => {
    buildNetwork(plan, shape, [vector.load(a, 0, 4)], { table });
  });
  expect(() => wrong.body).toThrow(/inputs of 4 lanes for a body of 8/);
});
