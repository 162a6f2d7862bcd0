import { NeuroranError } from "../../errors.js";
import { type DmrsPort, dmrsPort, dmrsSubcarriersPerBlock } from "../pusch/dmrs-ports.js";
import { subcarrierStride } from "./delay-rotation-kernel.js";
import type { EstimationSignalType, PilotPosition } from "./function.js";
import { pilotStride } from "./pilots-kernel.js";

/** Layers whose DM-RS share subcarriers and the weights in time: they are despread together. */
export interface PilotCode {
  /** Index of the CDM group in `groups`. */
  readonly group: number;
  /** w_t(1). */
  readonly timeWeight: 1 | -1;
  /** The layers: one, or two with the two weights in frequency. */
  readonly layers: readonly number[];
}

/** Everything about pilots that the parameters and dimensions fix. */
export interface PilotPlan {
  readonly signalType: EstimationSignalType;
  readonly pilotPosition: PilotPosition;
  readonly antennas: number;
  readonly symbols: number;
  readonly subcarriers: number;
  readonly blocks: number;
  readonly pilotsPerBlock: 6 | 4;
  /** Pilots of a CDM group in one symbol. */
  readonly pilots: number;
  readonly pilotStride: number;
  readonly subcarrierStride: number;
  /** One a layer. */
  readonly ports: readonly DmrsPort[];
  /** Δ of each CDM group in use. */
  readonly groups: readonly number[];
  readonly codes: readonly PilotCode[];
  /** Positions in time: DM-RS symbols, or pairs of them. */
  readonly positions: number;
  /** β. */
  readonly amplitude: number;
}

/** @throws NeuroranError DIMENSION_MISMATCH where the grid is no whole number of resource blocks or lacks a DM-RS symbol. */
export function pilotPlan(
  parameters: { readonly signalType: EstimationSignalType; readonly pilotPosition: PilotPosition },
  dimensions: { readonly antenna: number; readonly symbol: number; readonly subcarrier: number },
): PilotPlan {
  const { signalType, pilotPosition } = parameters;
  const { dmrsConfigType, dmrsLength, dmrsSymbPos, dmrsPorts, numDmrsCdmGrpsNoData } = pilotPosition;
  const { antenna: antennas, symbol: symbols, subcarrier: subcarriers } = dimensions;
  if (subcarriers % 12 !== 0 || subcarriers === 0)
    throw new NeuroranError(
      "DIMENSION_MISMATCH",
      `estimation: subcarrier is ${subcarriers} and must be a multiple of 12`,
    );
  const [first, end] = [signalType.startSymbolIndex, signalType.startSymbolIndex + symbols];
  const outside = dmrsSymbPos.find((symbol) => symbol < first || symbol >= end);
  if (outside !== undefined || dmrsSymbPos.length % dmrsLength !== 0)
    throw new NeuroranError(
      "DIMENSION_MISMATCH",
      `estimation: DM-RS symbols ${dmrsSymbPos.join(", ")} of length ${dmrsLength} do not fit a grid of symbols ${first} to ${end - 1}`,
    );
  const ports = dmrsPorts.map((port) => dmrsPort(dmrsConfigType, port));
  const groups = [...new Set(ports.map((port) => port.delta))];
  const codes: { group: number; timeWeight: 1 | -1; layers: number[] }[] = [];
  ports.forEach((port, layer) => {
    const group = groups.indexOf(port.delta);
    const timeWeight = dmrsLength === 2 ? port.timeWeights[1] : 1;
    const same = codes.find((code) => code.group === group && code.timeWeight === timeWeight);
    if (same) same.layers.push(layer);
    else codes.push({ group, timeWeight, layers: [layer] });
  });
  const blocks = subcarriers / 12;
  const pilotsPerBlock = dmrsSubcarriersPerBlock(dmrsConfigType);
  const pilots = pilotsPerBlock * blocks;
  return {
    signalType,
    pilotPosition,
    antennas,
    symbols,
    subcarriers,
    blocks,
    pilotsPerBlock,
    pilots,
    pilotStride: pilotStride(pilots),
    subcarrierStride: subcarrierStride(blocks),
    ports,
    groups,
    codes,
    positions: dmrsSymbPos.length / dmrsLength,
    amplitude: Math.sqrt(numDmrsCdmGrpsNoData),
  };
}
