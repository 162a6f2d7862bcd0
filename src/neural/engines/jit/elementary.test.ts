import { describe, expect, it } from "vitest";
import { availableTargets, buffer, kernel, openTarget, scf, vector } from "../../../compiler/index.js";
import { unaryFunctions } from "./elementary.js";
import type { UnaryFunction } from "./plan.js";

const COUNT = 4096;

/** Numbers from -`most` to `most`, denser towards 0. */
const spread = (most: number) =>
  Float32Array.from({ length: COUNT }, (_, k) => {
    const t = (2 * k + 1) / COUNT - 1;
    return most * t * Math.abs(t) ** 3;
  });

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const subjects: readonly (readonly [UnaryFunction, (x: number) => number, Float32Array])[] = [
  ["exp", Math.exp, spread(80)],
  ["log", Math.log, spread(1e6).map(Math.abs)],
  ["sigmoid", (x) => 1 / (1 + Math.exp(-x)), spread(80)],
  ["softplus", softplus, spread(80)],
  ["tanh", Math.tanh, spread(20)],
  ["sqrt", Math.sqrt, spread(1e6).map(Math.abs)],
  ["reciprocal", (x) => 1 / x, spread(1e6)],
  ["relu", (x) => Math.max(x, 0), spread(10)],
];

describe.each(availableTargets())("functions on %s", (name) => {
  const target = openTarget(name);
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
  const numbers = new Float32Array(memory.buffer, 0, COUNT);
  const compiled = (one: UnaryFunction) => {
    const made = kernel(`function_${one}`, { numbers: buffer("f32", COUNT) }, (given) => {
      scf.for(0, COUNT, 8, (index) => {
        vector.store(unaryFunctions[one](vector.load(given.numbers, index, 8)), given.numbers, index);
      });
    });
    return target.compile(made, memory);
  };

  it.each(subjects)("%s is exact to 1e-6", (one, exact, inputs) => {
    numbers.set(inputs);
    compiled(one)(0);
    let worst = 0;
    for (let k = 0; k < COUNT; k++) {
      const wanted = exact(inputs[k]!);
      worst = Math.max(worst, Math.abs(numbers[k]! - wanted) / Math.max(Math.abs(wanted), 1e-35));
    }
    expect(worst).toBeLessThan(1e-6);
  });

  it.each(subjects)("%s of what is no number is none", (one) => {
    numbers.fill(Number.NaN);
    compiled(one)(0);
    expect(numbers.every(Number.isNaN)).toBe(true);
  });

  it("functions that have limits reach them", () => {
    const at = (one: UnaryFunction, x: number) => {
      numbers.fill(x);
      compiled(one)(0);
      return numbers[0]!;
    };
    expect(at("tanh", Number.POSITIVE_INFINITY)).toBeCloseTo(1, 6);
    expect(at("tanh", -1e30)).toBeCloseTo(-1, 6);
    expect(at("sigmoid", 1e30)).toBe(1);
    expect(at("sigmoid", -1e30)).toBe(0);
    expect(at("softplus", 1e30)).toBe(Math.fround(1e30));
    expect(at("softplus", -1e30)).toBe(0);
  });
});
