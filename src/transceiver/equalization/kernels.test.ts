import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import { createRandom } from "../../radio/index.js";
import { compactionKernel } from "./compaction-kernel.js";
import { type EqualizationMethod, equalizationKernel } from "./equalization-kernel.js";

const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
const floats = (offset: number, length: number) => new Float32Array(memory.buffer, offset, length);
const [GRID, CHANNEL, WEIGHTS, SYMBOLS, NOISE] = [4096, 65536, 196608, 262144, 393216];

describe.each(testTargets)("equalization kernel on $name", (target) => {
  const shapes: [EqualizationMethod, number, number, number][] = [
    ["mmse", 1, 1, 4],
    ["zero-forcing", 1, 4, 8],
    ["mmse", 2, 3, 16],
    ["zero-forcing", 4, 4, 4],
    ["mmse", 4, 8, 8],
    ["mmse-sic", 2, 2, 8],
    ["mmse-sic", 4, 3, 16],
    ["mmse-sic", 6, 9, 8],
  ];
  it.each(shapes)(
    "%s %i×%i gives the same with %i lanes and 4, for any count, and writes nothing beside",
    (method, layers, antennas, lanes) => {
      const stride = 60;
      const outputStride = 67;
      const random = createRandom(38_211_644);
      for (const view of [
        floats(GRID, 2 * antennas * stride + 32),
        floats(CHANNEL, 2 * layers * antennas * stride + 32),
      ])
        for (let k = 0; k < view.length; k++) view[k] = random.gaussian();
      floats(WEIGHTS, antennas).fill(3);
      const shape = {
        method,
        layers,
        antennas,
        granularity: 1,
        modulationOrder: 4 as const,
      };
      const [narrow, wide] = [4, lanes].map((width) =>
        target.compile(equalizationKernel({ ...shape, lanes: width }), memory),
      );
      for (const count of [0, 1, 3, 4, 6, 17, 60]) {
        const outputs = [narrow!, wide!].map((run) => {
          const [symbols, noise] = [
            floats(SYMBOLS, 2 * layers * outputStride + 32),
            floats(NOISE, layers * outputStride + 32),
          ];
          symbols.fill(77);
          noise.fill(77);
          run(GRID, CHANNEL, WEIGHTS, SYMBOLS, NOISE, count, stride, outputStride);
          return [symbols.slice(), noise.slice()] as const;
        });
        expect(outputs[1]).toEqual(outputs[0]);
        const [symbols, noise] = outputs[0]!;
        const written = (index: number) => index % outputStride < count && index < layers * outputStride;
        noise.forEach((value, index) => {
          expect(value === 77).toBe(!written(index));
        });
        for (let index = 0; index < layers * outputStride; index++)
          expect(symbols[2 * index] === 77 && symbols[2 * index + 1] === 77).toBe(!written(index));
      }
    },
  );
});

describe.each(testTargets)("compaction kernel on $name", (target) => {
  it.each([[[1, 3, 5, 7, 9, 11]], [[4, 5, 10, 11]], [[2, 3, 4, 5, 8, 9, 10, 11]]])(
    "takes subcarriers %j of each block, bits unchanged",
    (kept) => {
      const blocks = 5;
      const from = new Uint32Array(memory.buffer, GRID, 24 * blocks);
      for (let k = 0; k < from.length; k++) from[k] = (k * 0x9e3779b9) >>> 0;
      const to = new Uint32Array(memory.buffer, SYMBOLS, 2 * kept.length * blocks + 2).fill(5);
      target.compile(compactionKernel(kept), memory)(GRID, SYMBOLS, blocks);
      const wanted = Array.from({ length: blocks }, (_, block) =>
        kept.flatMap((k) => [from[2 * (12 * block + k)]!, from[2 * (12 * block + k) + 1]!]),
      ).flat();
      expect([...to]).toEqual([...wanted, 5, 5]);
    },
  );
});
