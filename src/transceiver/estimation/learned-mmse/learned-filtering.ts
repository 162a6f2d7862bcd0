import { floatLanes } from "../../../compiler/index.js";
import { bodyShape } from "../../../neural/engines/jit/body.js";
import { networkKernel, workspaceLength } from "../../../neural/engines/jit/network-kernel.js";
import { planNetwork } from "../../../neural/engines/jit/rules.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import type { PrepareFiltering } from "../channel-filter.js";
import { correlationKernel } from "../correlation-kernel.js";
import type { PreparedFilter } from "../filter-bank.js";
import { fillStatistics, STATISTIC_LAGS, STATISTICS } from "./pilot-statistics.js";
import {
  PRIOR_PROFILES,
  type PrototypePlace,
  prototypes,
  setPrototypePlace,
  WIDE_WINDOW_BLOCKS,
  wideFilterLength,
} from "./prototypes.js";
import { filterMixtureKernel, wideFilterKernel } from "./wide-filter-kernel.js";

/** Name of the network in `models/`. */
export const LEARNED_MMSE_NAME = "learned-mmse-nr";

/**
 * Filters in frequency by learned MMSE estimation: once a slot and code, a network weights the MMSE filters of a prior by the
 * statistics of the pilots of all antennas and positions, which share a covariance, and they are mixed to one filter a port.
 */
export function learnedFiltering(model: OnnxModel): PrepareFiltering {
  return (context, plan, offsets, pilots) => {
    const { antennas, blocks, codes, positions, pilotsPerBlock, pilotStride } = plan;
    const { compile, scratch, table } = context;
    const lanes = floatLanes(context.target);
    const length = wideFilterLength(pilotsPerBlock, blocks);
    const profiles = PRIOR_PROFILES.length;
    const mix = compile(filterMixtureKernel(2 * profiles, lanes));
    const correlate = compile(correlationKernel(lanes));
    const { plan: network, table: weightsOfNetwork } = planNetwork(model);
    const shape = { plan: network, body: bodyShape(context.target) };
    const infer = compile(networkKernel(shape));
    const statistics = scratch("statistics", "float32", STATISTICS);
    const profileWeights = scratch("profileWeights", "float32", profiles);
    const workspace = scratch("network workspace", "float32", workspaceLength(shape)).offset;
    const networkTable = table("network", weightsOfNetwork).offset;
    const mixture = scratch("mixture", "float32", 2 * profiles);
    const sum = scratch("lagSum", "float32", 2);
    const lagged = new Float64Array(STATISTIC_LAGS.length);
    const measures = { snr_db: 0, spread: 0, blocks, pilots: antennas * positions * plan.pilots };
    const place: PrototypePlace = { step: 0, share: 0 };

    const banks = codes.map((code, index) => {
      const geometry = {
        configType: plan.pilotPosition.dmrsConfigType,
        blocks,
        delta: plan.groups[code.group]!,
        bothPorts: code.layers.length === 2,
      };
      const ports = code.layers.map((layer) => {
        const { coefficients, errors } = prototypes({
          ...geometry,
          weight: plan.ports[layer]!.frequencyWeights[1],
        });
        return { offset: table(`prototypes${index} ${layer}`, coefficients).offset, errors };
      });
      const filters = scratch(`filters${index}`, "float32", ports.length, length).offset;
      const chosen: { -readonly [K in keyof PreparedFilter]: PreparedFilter[K] } = {
        offset: filters,
        error: 0,
      };
      return { ports, chosen };
    });

    const setStatistics = (code: number): void => {
      let [signal, noise] = [0, 0];
      for (let antenna = 0; antenna < antennas; antenna++) {
        signal += pilots.signals[antenna * codes.length + code]!;
        noise += pilots.noises[antenna * codes.length + code]!;
      }
      const perPort = signal / codes[code]!.layers.length;
      measures.snr_db = 10 * Math.log10(Math.max(perPort, 1e-30) / Math.max(noise, 1e-30));
      measures.spread = offsets.spread();
      for (let index = 0; index < STATISTIC_LAGS.length; index++) {
        const lag = STATISTIC_LAGS[index]! * pilotsPerBlock;
        lagged[index] = 0;
        if (STATISTIC_LAGS[index]! >= blocks) continue;
        for (let antenna = 0; antenna < antennas; antenna++)
          for (let position = 0; position < positions; position++) {
            const row = pilots.rowOf(antenna, code, position);
            correlate(row, row + 4 * lag, sum.offset, plan.pilots, pilotStride);
            lagged[index]! += sum.view[0]!;
          }
        lagged[index]! /= positions * (plan.pilots - lag) * Math.max(signal, 1e-30);
      }
      fillStatistics(statistics.view, 0, measures, lagged);
    };

    return {
      run: compile(wideFilterKernel(pilotsPerBlock, Math.min(WIDE_WINDOW_BLOCKS, blocks), lanes)),
      observe() {
        for (let code = 0; code < codes.length; code++) {
          setStatistics(code);
          infer(statistics.offset, profileWeights.offset, networkTable, workspace, 1);
          setPrototypePlace(place, measures.snr_db);
          const { ports, chosen } = banks[code]!;
          chosen.error = 0;
          for (let profile = 0; profile < profiles; profile++) {
            const weight = profileWeights.view[profile]!;
            mixture.view[profile] = (1 - place.share) * weight;
            mixture.view[profiles + profile] = place.share * weight;
            const at = place.step * profiles + profile;
            const errors = ports[0]!.errors;
            chosen.error += weight * ((1 - place.share) * errors[at]! + place.share * errors[at + profiles]!);
          }
          for (let port = 0; port < ports.length; port++)
            mix(
              ports[port]!.offset + 4 * place.step * profiles * length,
              mixture.offset,
              chosen.offset + 4 * port * length,
              length,
            );
        }
      },
      choose: (code) => banks[code]!.chosen,
      length: () => length,
    };
  };
}
