import type { Kernel } from "../compiler/index.js";
import { bodyShape } from "../neural/engines/jit/body.js";
import { planNetwork } from "../neural/engines/jit/rules.js";
import { createRandom } from "../system/index.js";
import { baseGraph } from "./coding/base-graph.js";
import { checkKernel, decideKernel, initializeKernel, iterateKernel } from "./coding/decoder-kernels.js";
import { decoderLayout } from "./coding/decoder-layout.js";
import { genericCheckKernel, genericIterateKernel } from "./coding/generic-decoder-kernels.js";
import {
  fixedToFloatKernel,
  floatToFixedKernel,
  quantizationKernel,
} from "./conversion/quantization-kernel.js";
import { planResampling } from "./conversion/resampling.js";
import { resamplingKernel } from "./conversion/resampling-kernel.js";
import { concatenationKernel } from "./crc/concatenation-kernel.js";
import { crcKernel } from "./crc/crc-kernel.js";
import { compactionKernel } from "./equalization/compaction-kernel.js";
import { equalizationKernel } from "./equalization/equalization-kernel.js";
import { subcarrierWeightKernel } from "./equalization/subcarrier-weight-kernel.js";
import { treeSearchKernel } from "./equalization/tree-search-kernel.js";
import { whiteningKernel } from "./equalization/whitening-kernel.js";
import { correlationKernel } from "./estimation/correlation-kernel.js";
import { delayRotationKernel } from "./estimation/delay-rotation-kernel.js";
import { despreadingKernel } from "./estimation/despreading-kernel.js";
import { frequencyFilterKernel, subspaceEnergyKernel } from "./estimation/frequency-filter-kernel.js";
import { filterMixtureKernel, wideFilterKernel } from "./estimation/learned-mmse/wide-filter-kernel.js";
import { lowPaprPilotsKernel } from "./estimation/low-papr-pilots-kernel.js";
import { pilotsKernel } from "./estimation/pilots-kernel.js";
import { residualCovarianceKernel, residualKernel } from "./estimation/residual-kernel.js";
import { timeInterpolationKernel } from "./estimation/time-interpolation-kernel.js";
import { anySizeTransformKernel } from "./extraction/any-size-transform-kernel.js";
import { fourierTransformKernel } from "./extraction/fourier-transform-kernel.js";
import { accumulateKernel, scatterKernel } from "./extraction/resource-kernel.js";
import { putSubcarriersKernel, takeSubcarriersKernel } from "./extraction/subcarrier-kernel.js";
import {
  combinationKernel,
  placementKernel,
  transpositionKernel,
} from "./interleaving/deinterleaving-kernel.js";
import { demappingKernel } from "./mapping/demapping-kernel.js";
import { LLR_SCALE } from "./mapping/llr-scale.js";
import { axisNetwork } from "./mapping/llrnet/axis-network.js";
import { llrnetKernel } from "./mapping/llrnet/llrnet-kernel.js";
import { llrnet } from "./mapping/llrnet/network.js";
import { scramblingKernel } from "./mapping/scrambling-kernel.js";
import { softBitsKernel } from "./mapping/soft-bits-kernel.js";
import { cyclicPrefixProductsKernel, cyclicPrefixSumKernel } from "./synchronization/cyclic-prefix-kernel.js";
import { interpolationKernel } from "./synchronization/interpolation-kernel.js";
import { rotationKernel } from "./synchronization/rotation-kernel.js";

/** Specializations that stand for every kernel of the transceiver, for tests that go over all of them. */
export function sampleKernels(): Kernel[] {
  return [
    ...conversionKernels(),
    ...synchronizationKernels(),
    ...extractionKernels(),
    ...estimationKernels(),
    ...equalizationKernels(),
    ...mappingKernels(),
    ...interleavingKernels(),
    ...codingKernels(),
    concatenationKernel(16),
    concatenationKernel(64),
    crcKernel({ crc: "crc24a", folds: [] }),
    crcKernel({ crc: "crc24b", folds: [16, 8] }),
    crcKernel({ crc: "crc24a", folds: [64, 16, 8] }),
  ];
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
  const forward = { sign: -1, input: "interleaved", output: "planes" } as const;
  const inverse = { sign: 1, input: "planes", output: "interleaved" } as const;
  return [
    fourierTransformKernel({ ...forward, size: 768, lanes: 4 }),
    fourierTransformKernel({ ...forward, size: 4096, lanes: 4 }),
    fourierTransformKernel({ ...inverse, size: 1920, lanes: 8 }),
    fourierTransformKernel({ ...inverse, size: 180, lanes: 4 }),
    fourierTransformKernel({ sign: -1, input: "interleaved", output: "interleaved", size: 300, lanes: 4 }),
    anySizeTransformKernel({ ...inverse, size: 192, lanes: 4 }),
    takeSubcarriersKernel(4),
    takeSubcarriersKernel(16),
    putSubcarriersKernel(8),
    scatterKernel(1000, 2016),
    accumulateKernel(150, 4),
  ];
}

function estimationKernels(): Kernel[] {
  const lanes = [4, 16];
  return [
    ...lanes.flatMap((lanes) => [
      pilotsKernel(1, lanes),
      pilotsKernel(2, lanes),
      lowPaprPilotsKernel(lanes),
      correlationKernel(lanes),
      delayRotationKernel(lanes),
      despreadingKernel(1, 1, lanes),
      despreadingKernel(2, 2, lanes),
      frequencyFilterKernel(6, 3, lanes),
      timeInterpolationKernel(3, lanes),
    ]),
    frequencyFilterKernel(4, 1, 4),
    wideFilterKernel(6, 6, 4),
    wideFilterKernel(4, 2, 16),
    filterMixtureKernel(26, 8),
    subspaceEnergyKernel(6, 4, 20, 4),
    subspaceEnergyKernel(6, 4, 16, 16),
    residualKernel(1),
    residualKernel(2),
    residualCovarianceKernel(1),
    residualCovarianceKernel(8),
  ];
}

function equalizationKernels(): Kernel[] {
  const granularity = 12;
  return [
    equalizationKernel({ granularity, method: "mmse", layers: 1, antennas: 2, lanes: 8 }),
    equalizationKernel({ granularity, method: "mmse", layers: 4, antennas: 4 }),
    equalizationKernel({ granularity: 6, method: "zero-forcing", layers: 2, antennas: 2 }),
    subcarrierWeightKernel(true),
    subcarrierWeightKernel(false),
    equalizationKernel({ granularity, method: "mmse-sic", layers: 2, antennas: 2, modulationOrder: 6 }),
    equalizationKernel({
      granularity,
      method: "mmse-sic",
      layers: 4,
      antennas: 8,
      modulationOrder: 8,
      lanes: 16,
    }),
    // Beyond the sizes of PUSCH antennas and steps loop.
    equalizationKernel({ granularity, method: "mmse-sic", layers: 6, antennas: 9, modulationOrder: 2 }),
    treeSearchKernel({ layers: 1, antennas: 1, modulationOrder: 2, survivors: 4, lanes: 4 }),
    treeSearchKernel({ layers: 4, antennas: 4, modulationOrder: 8, survivors: 16, lanes: 16 }),
    whiteningKernel(1, 4),
    whiteningKernel(8, 16),
    compactionKernel([1, 3, 5, 7, 9, 11]),
  ];
}

function mappingKernels(): Kernel[] {
  const demapping = [
    { method: "max-log", modulationOrder: 1, layers: 3 },
    { method: "max-log", modulationOrder: 2, layers: 1 },
    { method: "max-log", modulationOrder: 8, layers: 2, lanes: 16 },
    { method: "scaled-max-log", modulationOrder: 6, layers: 4 },
    { method: "log-map", modulationOrder: 4, layers: 1 },
  ] as const;
  const { plan } = planNetwork(axisNetwork(llrnet(6, createRandom(1)), 6, LLR_SCALE));
  const network = { plan, modulationOrder: 6, layers: 2 } as const;
  return [
    ...demapping.map((shape) => demappingKernel(shape)),
    llrnetKernel({ ...network, lanes: 4, body: bodyShape({ name: "wasm", vectorBytes: 16 }) }),
    llrnetKernel({ ...network, lanes: 16, body: bodyShape({ name: "llvm", vectorBytes: 64 }) }),
    softBitsKernel(),
    scramblingKernel(4),
    scramblingKernel(16),
  ];
}

function interleavingKernels(): Kernel[] {
  const transpositions = ([2, 4, 6, 8] as const).map((rows) => transpositionKernel(rows, 16));
  return [...transpositions, transpositionKernel(8, 64), placementKernel(16), combinationKernel(16)];
}

function codingKernels(): Kernel[] {
  const layouts = [
    decoderLayout(baseGraph(1, 384)),
    decoderLayout(baseGraph(1, 208), 64),
    decoderLayout(baseGraph(2, 52)),
    decoderLayout(baseGraph(2, 7)),
  ];
  const specialized = layouts.flatMap((layout) => [iterateKernel(layout), checkKernel(layout)]);
  const forEveryCode = [16, 64].flatMap((lanes) => [
    initializeKernel(lanes),
    genericIterateKernel(lanes),
    genericCheckKernel(lanes),
    decideKernel(lanes),
  ]);
  return [...specialized, ...forEveryCode];
}
