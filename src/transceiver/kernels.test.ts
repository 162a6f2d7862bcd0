import { describe, expect, it } from "vitest";
import { buildFromOrigin } from "../compiler/origin.js";
import { printKernel } from "../compiler/text.js";
import { sampleKernels } from "./kernels.js";

describe("kernels of the transceiver", () => {
  it("can be built by another thread, from what can be copied to it", async () => {
    for (const kernel of sampleKernels()) {
      expect(kernel.origin, kernel.name).toBeDefined();
      const built = await buildFromOrigin(structuredClone(kernel.origin!), kernel.name);
      expect(printKernel(built) === printKernel(kernel), kernel.name).toBe(true);
    }
  });

  it("have names that differ where they do", () => {
    const texts = new Map<string, string>();
    for (const kernel of sampleKernels()) {
      const text = printKernel(kernel);
      expect(texts.get(kernel.name) ?? text, kernel.name).toBe(text);
      texts.set(kernel.name, text);
    }
  });
});
