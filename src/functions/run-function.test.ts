import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Kernel } from "../compiler/index.js";
import { defineFunction } from "./declaration.js";
import { complex64, float32, int8 } from "./port.js";
import { prepareFunction, runFunction } from "./run-function.js";

const gain = defineFunction({
  name: "gain",
  inputs: { samples: complex64("antenna", "sample") },
  outputs: { scaled: complex64("antenna", "sample"), signs: int8("sample") },
  parameters: { factor: z.number().positive().default(2) },
  state: { slots: { dtype: "int32", dimensions: [2], version: 1, initial: [7, 8] } },
});
gain.implement("plain", {
  kind: "model",
  prepare({ inputs, outputs, parameters, state, dimensions, table }) {
    const { view: samples } = inputs.samples;
    const { view: scaled } = outputs.scaled;
    const factors = table("factors", Float32Array.of(parameters.factor), 1, 1);
    return () => {
      for (let i = 0; i < samples.length; i++) scaled[i] = factors.view[0] * samples[i];
      for (let i = 0; i < dimensions.sample; i++) outputs.signs.view[i] = Math.sign(samples[2 * i]);
      state.slots.view[0]++;
    };
  },
});
for (const [name, place] of [
  ["writes past", 4],
  ["writes before", -1],
] as const) {
  gain.implement(name, {
    kind: "model",
    prepare({ outputs }) {
      const { view } = outputs.scaled;
      const memory = new Float32Array(view.buffer);
      return () => {
        memory[view.byteOffset / 4 + place] = 1;
      };
    },
  });
}
gain.implement("in place", {
  kind: "model",
  prepare:
    ({ inputs }) =>
    () => {
      inputs.samples.view[1] *= 2;
    },
});
gain.implement("compiles", {
  kind: "model",
  prepare: ({ compile }) => {
    compile({ name: "kernel_x" } as Kernel);
    return () => undefined;
  },
});

const dimensions = { antenna: 1, sample: 2 };
const inputs = { samples: Float32Array.of(1, 2, -3, 4) };

describe("runFunction", () => {
  it("runs an implementation on given inputs, parameters and state", () => {
    const first = runFunction(gain, "plain", { dimensions, inputs });
    expect([...first.outputs.scaled]).toEqual([2, 4, -6, 8]);
    expect([...first.outputs.signs]).toEqual([1, -1]);
    expect([...first.state.slots]).toEqual([8, 8]);
    const { state } = first;
    const second = runFunction(gain, "plain", { dimensions, inputs, state, parameters: { factor: 3 } });
    expect([...second.outputs.scaled]).toEqual([3, 6, -9, 12]);
    expect([...second.state.slots]).toEqual([9, 8]);
    expect(first.outputs.scaled.buffer).not.toBe(second.outputs.scaled.buffer);
  });

  it("takes inputs that are left out as zeros and refuses wrong ones", () => {
    expect([...runFunction(gain, "plain", { dimensions, inputs: {} }).outputs.scaled]).toEqual([0, 0, 0, 0]);
    const short = { samples: new Float32Array(3) };
    expect(() => runFunction(gain, "plain", { dimensions, inputs: short })).toThrow(
      /gain.inputs.samples.length: 3.*give 4 numbers for complex64\[1, 2\]/,
    );
    // @ts-expect-error no such input
    expect(() => runFunction(gain, "plain", { dimensions, inputs: { grid: inputs.samples } })).toThrow(
      /inputs.grid/,
    );
    const parameters = { factor: -1 };
    expect(() => runFunction(gain, "plain", { dimensions, inputs, parameters })).toThrow(
      /gain.factor: -1.*>0/,
    );
    expect(() => runFunction(gain, "best", { dimensions, inputs })).toThrow(
      /implementations.gain: "best".*plain/,
    );
  });

  it("names the tensor beside which an implementation writes, and an input that it changes", () => {
    expect(() => runFunction(gain, "writes past", { dimensions, inputs })).toThrow(
      /tensor gain.scaled of variant .* a write 0 bytes past its end/,
    );
    expect(() => runFunction(gain, "writes before", { dimensions, inputs })).toThrow(/overrun: a write/);
    expect(() => runFunction(gain, "in place", { dimensions, inputs })).toThrow(
      "gain as in place changed its input samples at 1",
    );
    expect(() => runFunction(gain, "compiles", { dimensions, inputs })).toThrow(
      /kernel_x.*no target was given/,
    );
  });

  it("leaves no memory taken: a thousand runs of a function with 1 MiB fit", () => {
    const large = defineFunction({ name: "large", inputs: {}, outputs: { out: float32("n") } });
    large.implement("plain", { kind: "model", prepare: () => () => undefined });
    for (let i = 0; i < 1000; i++) runFunction(large, "plain", { dimensions: { n: 1 << 18 }, inputs: {} });
  });
});

describe("prepareFunction", () => {
  it("runs again and again on the same tensors", () => {
    const prepared = prepareFunction(gain, "plain", { dimensions, parameters: { factor: 1 } });
    for (let slot = 1; slot <= 3; slot++) {
      prepared.inputs.samples.view[0] = slot;
      prepared.process();
      expect(prepared.outputs.scaled.view[0]).toBe(slot);
      expect(prepared.state.slots.view[0]).toBe(7 + slot);
    }
    prepared.release();
    expect(() => prepared.process()).toThrow(/given back/);
  });
});
