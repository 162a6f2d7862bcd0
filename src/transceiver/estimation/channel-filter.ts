import { type CompiledKernel, floatLanes } from "../../compiler/index.js";
import { correlationKernel } from "./correlation-kernel.js";
import { despreadingKernel } from "./despreading-kernel.js";
import type { EstimationMethod } from "./estimation.js";
import { type PreparedFilter, prepareFilterBank } from "./filter-bank.js";
import { frequencyFilterKernel, subspaceEnergyKernel, WINDOW_BLOCKS } from "./frequency-filter-kernel.js";
import type { EstimationContext } from "./function.js";
import { qualityFieldIndex } from "./function.js";
import { noiseSubspace } from "./noise-subspace.js";
import type { Offsets } from "./offsets.js";
import type { Pilots } from "./pilots.js";
import type { PilotCode, PilotPlan } from "./plan.js";
import { timeInterpolationKernel } from "./time-interpolation-kernel.js";
import { linearWeights, prepareWienerWeights } from "./time-weights.js";

/** The despread pilots of a slot and their powers. */
export interface DespreadPilots {
  /** Byte offset of a row: real parts, then imaginary ones a `pilotStride` further. */
  rowOf(antenna: number, code: number, position: number): number;
  /** Power of all ports of a code at a pilot, `[antenna][code]`. */
  readonly signals: Float64Array;
  /** Variance of the noise at a pilot, likewise. */
  readonly noises: Float64Array;
}

/** How the filters from pilots to subcarriers are found. */
export interface FrequencyFiltering {
  /** Of the arguments of `frequencyFilterKernel`. */
  readonly run: CompiledKernel;
  /** Looks at a slot's pilots, before filters are asked for. */
  observe(): void;
  /**
   * @param ratio `[0]`: the signal to noise ratio at a despread pilot, of one port, linear.
   */
  choose(code: number, ratio: Float64Array): PreparedFilter;
  /** Numbers between the filters of a code's ports. */
  length(code: number): number;
}

/** Prepares {@link FrequencyFiltering}. */
export type PrepareFiltering = (
  context: EstimationContext,
  plan: PilotPlan,
  offsets: Offsets,
  pilots: DespreadPilots,
) => FrequencyFiltering;

/** Filters from a bank that is computed in advance. */
export function bankFiltering(method: EstimationMethod): PrepareFiltering {
  return (context, plan, offsets) => {
    const lanes = floatLanes(context.target);
    const windowBlocks = Math.min(WINDOW_BLOCKS, plan.blocks);
    const banks = plan.codes.map((code, index) => prepareFilterBank(method, context, plan, code, index));
    return {
      run: context.compile(frequencyFilterKernel(plan.pilotsPerBlock, windowBlocks, lanes)),
      observe() {},
      choose: (code, ratio) => banks[code]!.choose(ratio, offsets.spread()),
      length: (code) => banks[code]!.length,
    };
  };
}

/**
 * Prepares the second half of estimation: despreading, noise, filters. What it returns writes the channel, the noise
 * and, into the quality, the signal to noise ratio (linear) of all layers over all antennas; it allocates nothing.
 */
export function prepareChannelFilter(
  method: EstimationMethod,
  context: EstimationContext,
  plan: PilotPlan,
  pilots: Pilots,
  offsets: Offsets,
  prepareFiltering: PrepareFiltering = bankFiltering(method),
): () => void {
  const { antennas, codes, positions, pilotStride, subcarrierStride, symbols, subcarriers, blocks } = plan;
  const { dmrsConfigType, dmrsLength, dmrsSymbPos } = plan.pilotPosition;
  const { startSymbolIndex } = plan.signalType;
  const { compile, scratch, table, outputs } = context;
  const lanes = floatLanes(context.target);
  const despread = compile(despreadingKernel(dmrsConfigType, dmrsLength, lanes));
  const correlate = compile(correlationKernel(lanes));
  const interpolate = compile(timeInterpolationKernel(positions, lanes));

  const rows = scratch("despread", "float32", antennas, codes.length, positions, 2, pilotStride).offset;
  const rowOf = (antenna: number, code: number, position: number) =>
    rows + 8 * pilotStride * ((antenna * codes.length + code) * positions + position);
  const filtered = scratch("filtered", "float32", positions, 2, subcarrierStride).offset;
  const factors = scratch("factors", "float32", 2, dmrsLength, 2);
  const energySum = scratch("energy", "float32", 2);
  const weights = scratch("timeWeights", "float32", symbols, positions);
  const turns = scratch("turns", "float32", 2 * symbols);
  const subspaces = codes.map((code, index) => prepareSubspace(code, index));

  function prepareSubspace(code: PilotCode, index: number) {
    const ports = code.layers.map((layer) => plan.ports[layer]!);
    const subspace = noiseSubspace(dmrsConfigType, blocks, ports, lanes);
    const { windowBlocks, vectors, rank, basis } = subspace;
    const energy = compile(
      subspaceEnergyKernel(plan.pilotsPerBlock, windowBlocks, vectors, Math.min(lanes, vectors)),
    );
    const offset = table(`noiseSubspace${index}`, basis).offset;
    return { energy, offset, dimensions: rank * Math.ceil(blocks / windowBlocks) };
  }

  const gridSymbols = Float64Array.from({ length: symbols }, (_, k) => startSymbolIndex + k);
  const centres = Float64Array.from(
    { length: positions },
    (_, k) => dmrsSymbPos[k * dmrsLength]! + (dmrsLength - 1) / 2,
  );
  const wiener = method === "lmmse" ? prepareWienerWeights(centres, gridSymbols, weights.view) : undefined;
  if (!wiener) linearWeights(centres, gridSymbols, weights.view);

  /** Correlation and error that the time weights are found from. */
  const statistics = new Float64Array(2);
  /** Signal to noise ratio that a filter is chosen by. */
  const ratio = new Float64Array(1);

  /** Signal power (all ports of a code) and noise variance of a despread pilot, by antenna and code. */
  const signals = new Float64Array(antennas * codes.length);
  const noises = new Float64Array(antennas * codes.length);
  const filtering = prepareFiltering(context, plan, offsets, { rowOf, signals, noises });
  // Sums of both, in arrays because nothing is allocated to write there.
  const [totalSignal, totalNoise] = [new Float64Array(1), new Float64Array(1)];
  const [noise, quality] = [outputs.noise.view, outputs.quality.view];
  const channel = outputs.channel.offset;
  // From a despread pilot's noise to that of a resource element.
  const noiseScale = plan.amplitude * plan.amplitude * dmrsLength;

  const despreadAll = () => {
    for (let code = 0; code < codes.length; code++) {
      const { group, timeWeight } = codes[code]!;
      const rotation = offsets.rotation + 4 * plan.groups[group]!;
      for (let position = 0; position < positions; position++) {
        const ordinal = position * dmrsLength;
        for (let part = 0; part < dmrsLength; part++) {
          const phase = -offsets.phases[dmrsSymbPos[ordinal + part]!]!;
          const weight = (part === 1 ? timeWeight : 1) / dmrsLength;
          factors.view[2 * part] = weight * Math.cos(phase);
          factors.view[2 * part + 1] = weight * Math.sin(phase);
        }
        for (let antenna = 0; antenna < antennas; antenna++) {
          const first = pilots.row(antenna, group, ordinal);
          const second = pilots.row(antenna, group, ordinal + dmrsLength - 1);
          despread(
            first,
            second,
            factors.offset,
            rotation,
            rowOf(antenna, code, position),
            plan.pilots,
            pilotStride,
            subcarrierStride,
          );
        }
      }
    }
  };

  const measure = () => {
    let signal = 0;
    let variances = 0;
    for (let antenna = 0; antenna < antennas; antenna++) {
      let noiseEnergy = 0;
      let dimensions = 0;
      for (let code = 0; code < codes.length; code++) {
        const subspace = subspaces[code]!;
        let energy = 0;
        for (let position = 0; position < positions; position++) {
          const row = rowOf(antenna, code, position);
          subspace.energy(row, subspace.offset, energySum.offset, blocks, pilotStride);
          noiseEnergy += energySum.view[0]!;
          correlate(row, row, energySum.offset, plan.pilots, pilotStride);
          energy += energySum.view[0]!;
        }
        dimensions += positions * subspace.dimensions;
        signals[antenna * codes.length + code] = energy / (positions * plan.pilots);
      }
      const variance = noiseEnergy / dimensions;
      noise[antenna] = variance * noiseScale;
      for (let code = 0; code < codes.length; code++) {
        const index = antenna * codes.length + code;
        noises[index] = variance;
        signals[index] = Math.max(0, signals[index]! - variance);
        signal += signals[index]!;
        variances += variance;
      }
    }
    totalSignal[0] = signal;
    totalNoise[0] = variances;
  };

  /** Correlation of the channel between neighbouring positions: noise is in the energy, not in the correlation. */
  const findTimeCorrelation = () => {
    const perPilot = (totalNoise[0]! / codes.length) * plan.groups.length * dmrsLength;
    const noiseEnergy = perPilot * plan.pilots * dmrsLength * (positions - 1);
    const energy = Math.max(offsets.energy() - noiseEnergy, 0);
    statistics[0] = energy > offsets.correlatedEnergy() ? offsets.correlatedEnergy() / energy : 1;
  };

  return () => {
    despreadAll();
    measure();
    for (let symbol = 0; symbol < symbols; symbol++) {
      const phase = offsets.phases[startSymbolIndex + symbol]!;
      turns.view[2 * symbol] = Math.cos(phase);
      turns.view[2 * symbol + 1] = Math.sin(phase);
    }
    const noiseOfElements = (totalNoise[0]! / codes.length) * noiseScale;
    const snr = totalSignal[0]! / Math.max(noiseOfElements, Number.MIN_VALUE);
    quality[qualityFieldIndex.snr] = Math.min(snr, 1e12);
    filtering.observe();
    if (wiener) {
      const perPort = totalSignal[0]! / (plan.ports.length / codes.length);
      ratio[0] = perPort / Math.max(totalNoise[0]!, Number.MIN_VALUE);
      findTimeCorrelation();
      statistics[1] = filtering.choose(0, ratio).error;
      wiener(statistics);
    }
    for (let antenna = 0; antenna < antennas; antenna++)
      for (let code = 0; code < codes.length; code++) {
        const { layers } = codes[code]!;
        const index = antenna * codes.length + code;
        ratio[0] = signals[index]! / layers.length / Math.max(noises[index]!, Number.MIN_VALUE);
        const chosen = filtering.choose(code, ratio);
        for (let port = 0; port < layers.length; port++) {
          for (let position = 0; position < positions; position++)
            filtering.run(
              rowOf(antenna, code, position),
              chosen.offset + 4 * port * filtering.length(code),
              offsets.rotation,
              filtered + 8 * subcarrierStride * position,
              blocks,
              pilotStride,
              subcarrierStride,
            );
          const at = channel + 8 * (layers[port]! * antennas + antenna) * symbols * subcarriers;
          interpolate(filtered, weights.offset, turns.offset, at, symbols, blocks, subcarrierStride);
        }
      }
  };
}
