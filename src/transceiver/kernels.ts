import type { Kernel } from "../compiler/index.js";
import { fourierTransformKernel } from "./extraction/fourier-transform-kernel.js";
import { accumulateKernel, scatterKernel } from "./extraction/resource-kernel.js";
import { putSubcarriersKernel, takeSubcarriersKernel } from "./extraction/subcarrier-kernel.js";

/** Specializations that stand for every kernel of the transceiver, for tests that go over all of them. */
export function sampleKernels(): Kernel[] {
  return [...extractionKernels()];
}

function extractionKernels(): Kernel[] {
  const row = { first: -45, count: 84, size: 128, lanes: 4 };
  const forward = { sign: -1, input: "interleaved", output: "planes" } as const;
  const inverse = { sign: 1, input: "planes", output: "interleaved" } as const;
  return [
    fourierTransformKernel({ ...forward, size: 768, lanes: 4 }),
    fourierTransformKernel({ ...forward, size: 4096, lanes: 4 }),
    fourierTransformKernel({ ...inverse, size: 1920, lanes: 8 }),
    fourierTransformKernel({ ...inverse, size: 180, lanes: 4 }),
    takeSubcarriersKernel(row),
    putSubcarriersKernel(row),
    scatterKernel(1000, 2016),
    accumulateKernel(150, 4),
  ];
}
