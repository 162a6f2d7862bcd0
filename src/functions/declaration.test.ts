import { describe, expect, it } from "vitest";
import { z } from "zod";
import { complex64, dataflow, defineFunction, feedback, float32, int8 } from "./index.js";

const gain = defineFunction({
  name: "gain",
  inputs: { samples: complex64("sample") },
  outputs: { scaled: complex64("sample") },
  parameters: { factor: "number", mode: z.enum(["plain", "loud"]).default("plain") },
});
const split = defineFunction({
  name: "split",
  inputs: { samples: complex64("sample") },
  outputs: { bits: int8("bit"), power: float32("sample") },
  state: { total: { dtype: "float64", dimensions: [1], version: 1 } },
});

describe("declared types", () => {
  it("reach an implementation and a builder", () => {
    split.implement("typed", {
      kind: "model",
      prepare({ inputs, outputs, state, dimensions, table }) {
        const samples: Float32Array = inputs.samples.view;
        const bits: Int8Array = outputs.bits.view;
        const total: Float64Array = state.total.view;
        const taps: Int16Array = table("taps", new Int16Array(3)).view;
        // @ts-expect-error no such dimension
        const unknown: number | undefined = dimensions.frequency;
        // @ts-expect-error no such input
        const missing: unknown = inputs.grid;
        return () => {
          bits[0] =
            samples[0]! + taps[0]! + dimensions.bit + (unknown ?? 0) + (missing === undefined ? 0 : 1);
          total[0]! += 1;
        };
      },
    });
    gain.implement("typed", {
      kind: "model",
      prepare({ parameters }) {
        const factor: number = parameters.factor;
        const mode: "plain" | "loud" = parameters.mode;
        // @ts-expect-error no such parameter
        const unknown: unknown = parameters.phase;
        return () => void [factor, mode, unknown];
      },
    });
    const flow = dataflow("typed", { inputs: { samples: complex64("sample") } }, ({ samples }) => {
      const once = gain({ samples }, { parameters: { factor: 2 } });
      const { bits, power } = split({ samples: once });
      const back = feedback("back", float32("sample"));
      back.from(power);
      return { bits };
    });
    expect(flow.outputs.bits.dtype).toBe("int8");
    expect(flow.graph.nodes.map((node) => node.name)).toEqual(["gain", "split"]);
    dataflow("wrong", { inputs: { power: float32("sample") } }, ({ power }) => {
      // @ts-expect-error float32 is not complex64
      expect(() => gain({ samples: power })).toThrow(/takes complex64\[sample\], not float32\[sample\]/);
      return {};
    });
  });
});
