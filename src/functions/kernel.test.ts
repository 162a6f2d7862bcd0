import { describe, expect, it } from "vitest";
import { testTargets } from "../../test/targets.js";
import { arith, buffer, kernel, scf, vector } from "../compiler/index.js";
import { createArena } from "./arena.js";
import { dataflow } from "./dataflow.js";
import { defineFunction } from "./declaration.js";
import { createFlowInstance } from "./flow-instance.js";
import { int8 } from "./port.js";
import { runFunction } from "./run-function.js";

const lanes = 16;

/** out = a + b in whole vectors, so that it reads and stores up to the next multiple of the lanes. */
function addKernel(name: string, elements: number) {
  const capacity = Math.ceil(elements / lanes) * lanes;
  const declarations = { a: buffer("i8", capacity), b: buffer("i8", capacity), out: buffer("i8", capacity) };
  return kernel(name, declarations, ({ a, b, out }) => {
    scf.for(0, elements, lanes, (index) => {
      vector.store(arith.addi(vector.load(a, index, lanes), vector.load(b, index, lanes)), out, index);
    });
  });
}

const add = defineFunction({
  name: "add",
  inputs: { a: int8("element"), b: int8("element") },
  outputs: { sum: int8("element") },
});
add.implement("kernel", {
  kind: "model",
  prepare({ dimensions, inputs, outputs, compile, scratch }) {
    const { element } = dimensions;
    const run = compile(addKernel(`add_${element}`, element));
    // Whole vectors may be read past the end of a tensor, not written: what is stored goes to a padded scratch.
    const work = scratch("work", "int8", Math.ceil(element / lanes) * lanes);
    const [a, b] = [inputs.a.offset, inputs.b.offset];
    const used = work.view.subarray(0, element);
    return () => {
      run(a, b, work.offset);
      outputs.sum.view.set(used);
    };
  },
});
add.implement("overrunning kernel", {
  kind: "model",
  prepare({ dimensions, inputs, outputs, compile }) {
    const run = compile(addKernel(`add_${dimensions.element}`, dimensions.element));
    return () => {
      run(inputs.a.offset, inputs.b.offset, outputs.sum.offset);
    };
  },
});

function numbers(length: number, of: (index: number) => number): Int8Array {
  return Int8Array.from({ length }, (_, index) => of(index));
}

describe.each(testTargets)("a function with a compiled kernel on $name", (target) => {
  const run = (implementation: string, element: number) =>
    runFunction(add, implementation, {
      target,
      dimensions: { element },
      inputs: { a: numbers(element, (i) => i), b: numbers(element, (i) => -3 * i) },
    }).outputs.sum;

  it("runs on the tensors of the arena, reading past their ends", () => {
    for (const element of [1, 15, 16, 17, 64, 100]) {
      expect(run("kernel", element)).toEqual(numbers(element, (i) => -2 * i));
    }
  });

  it("is caught writing past the end", () => {
    expect(run("overrunning kernel", 32)).toEqual(numbers(32, (i) => -2 * i));
    expect(() => run("overrunning kernel", 33)).toThrow(
      /tensor add.sum of variant .* a write 0 bytes past its end/,
    );
  });

  it("compiles it once for all variants, and says for how long", () => {
    const flow = dataflow("twice", { inputs: { a: int8("element") } }, ({ a }) => ({
      sum: add({ a, b: add({ a, b: a }) }),
    }));
    const instance = createFlowInstance(flow, { arena: createArena({ bytes: 1 << 20 }), target });
    const variants = ["one", "two"].map((key) => instance.prepare({ key, dimensions: { element: 20 } }));
    for (const variant of variants) {
      variant.inputs.a.view.fill(5);
      variant.process();
      expect([...variant.outputs.sum.view]).toEqual(new Array(20).fill(15));
    }
    const [record, ...others] = instance.kernels();
    expect(others).toEqual([]);
    expect(record).toMatchObject({ name: "add_20", target: target.name });
    expect(record.compileMilliseconds).toBeGreaterThan(0);
  });
});
