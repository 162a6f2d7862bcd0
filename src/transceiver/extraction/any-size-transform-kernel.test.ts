import { describe, expect, it } from "vitest";
import { llvm, withoutLlvm } from "../../../test/compiler/llvm-target.js";
import { wasmTarget } from "../../compiler/index.js";
import { createRandom } from "../../radio/index.js";
import { anySizeTransformKernel } from "./any-size-transform-kernel.js";
import {
  type FourierTransform,
  planTable,
  transformTable,
  transformWorkLength,
} from "./fourier-transform.js";
import { fourierTransformKernel } from "./fourier-transform-kernel.js";

const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
const [FROM, WORK, TABLE, TO, PLAN] = [4096, 1 << 17, 1 << 18, 1 << 19, 64];

/** Sizes of transform precoding, 12 times a product of 2, 3 and 5, and of OFDM, with each radix first and last. */
const sizes = [
  4, 12, 24, 36, 60, 72, 96, 180, 192, 240, 300, 384, 540, 600, 768, 960, 1152, 1200, 1536, 3240, 3840,
];

// Where products and sums are fused, which are differs between the two kernels.
const targets = withoutLlvm ? [wasmTarget()] : [wasmTarget(), llvm];

describe.each(targets)("the transform of any size on $name", (target) => {
  const cases = [
    { sign: 1, input: "planes", output: "interleaved" },
    { sign: -1, input: "interleaved", output: "planes" },
  ] as const;

  it.each(cases)("gives what that of one size does, bit for bit ($sign, from $input)", (layout) => {
    const random = createRandom(38_211);
    for (const size of sizes) {
      const transform: FourierTransform = { ...layout, size, lanes: target.vectorBytes / 4 };
      const input = new Float32Array(memory.buffer, FROM, 2 * size);
      input.forEach((_, k) => {
        input[k] = random.gaussian();
      });
      const table = transformTable(transform);
      new Float32Array(memory.buffer, TABLE, table.length).set(table);
      new Int32Array(memory.buffer, PLAN, 1000).set(planTable(transform));
      const results = [fourierTransformKernel, anySizeTransformKernel].map((kernelOf) => {
        new Float32Array(memory.buffer, WORK, transformWorkLength(size) + 16).fill(7);
        const output = new Uint32Array(memory.buffer, TO, 2 * size + 16).fill(7);
        target.compile(kernelOf(transform), memory)(FROM, WORK, TABLE, TO, PLAN);
        const behind = new Float32Array(memory.buffer, WORK + 4 * transformWorkLength(size), 16);
        expect([...behind]).toEqual(new Array(16).fill(7));
        return [...output];
      });
      expect(results[1], `${size} points`).toEqual(results[0]);
      expect(results[0]!.slice(2 * size)).toEqual(new Array(16).fill(7));
    }
  });
});
