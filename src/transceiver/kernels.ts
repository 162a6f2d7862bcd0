import type { Kernel } from "../compiler/index.js";
import {
  fixedToFloatKernel,
  floatToFixedKernel,
  quantizationKernel,
} from "./conversion/quantization-kernel.js";
import { planResampling } from "./conversion/resampling.js";
import { resamplingKernel } from "./conversion/resampling-kernel.js";
import { fourierTransformKernel } from "./extraction/fourier-transform-kernel.js";
import { accumulateKernel, scatterKernel } from "./extraction/resource-kernel.js";
import { putSubcarriersKernel, takeSubcarriersKernel } from "./extraction/subcarrier-kernel.js";
import { cyclicPrefixProductsKernel, cyclicPrefixSumKernel } from "./synchronization/cyclic-prefix-kernel.js";
import { interpolationKernel } from "./synchronization/interpolation-kernel.js";
import { rotationKernel } from "./synchronization/rotation-kernel.js";

/** Specializations that stand for every kernel of the transceiver, for tests that go over all of them. */
export function sampleKernels(): Kernel[] {
  return [...conversionKernels(), ...synchronizationKernels(), ...extractionKernels()];
}

function conversionKernels(): Kernel[] {
  return [
    resamplingKernel(planResampling(1200, 900, 4), 900, 4),
    resamplingKernel(planResampling(1024, 2048, 8), 2048, 8),
    quantizationKernel(1001, 12, 4),
    fixedToFloatKernel(1001, 8),
    floatToFixedKernel(1001, 8),
  ];
}

function synchronizationKernels(): Kernel[] {
  const shape = { distance: 768, lanes: 4 };
  return [
    rotationKernel(11520, 4),
    cyclicPrefixProductsKernel({ ...shape, count: 114 }),
    cyclicPrefixSumKernel({ ...shape, count: 54 }),
    interpolationKernel(30, 11520, 4),
  ];
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
