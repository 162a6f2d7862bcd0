import type { Attempt } from "../../../functions/index.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import { openSlotNetwork } from "../../../neural/slot/index.js";
import type { PuschConfiguration } from "../../pusch/index.js";
import type { DetectionContext } from "../function.js";
import { attemptNetwork } from "../network-edge.js";
import {
  DEEPRX_ANTENNAS,
  DEEPRX_ORDERS,
  DEEPRX_SYMBOLS,
  type GridShape,
  isData,
  writeElements,
  writeGrid,
} from "./features.js";

/** The grid of a configuration as the network sees it; undefined for one that it was not made for. */
export function gridShapeOf(configuration: PuschConfiguration, antennas: number): GridShape | undefined {
  const { grant, allocation, dmrs, modulationOrder, layers } = configuration;
  const order = DEEPRX_ORDERS.find((one) => one === modulationOrder);
  const groups = dmrs.cdmGroupsWithoutData;
  const { delta } = dmrs.ports[0]!;
  if (
    antennas !== DEEPRX_ANTENNAS ||
    layers !== 1 ||
    order === undefined ||
    grant.nrOfSymbols !== DEEPRX_SYMBOLS ||
    grant.subcarrierSpacing === 60 ||
    grant.transformPrecoding ||
    dmrs.configType !== 1 ||
    dmrs.length !== 1 ||
    (groups !== 1 && groups !== 2) ||
    (delta !== 0 && delta !== 1)
  )
    return undefined;
  return {
    subcarriers: allocation.subcarriers,
    dmrsSymbols: dmrs.symbols,
    delta,
    cdmGroupsWithoutData: groups,
    modulationOrder: order,
  };
}

/** Where each bit of the codeword stands in the output `[bit][symbol][subcarrier]`. */
export function codewordPlaces(shape: GridShape): Int32Array {
  const { subcarriers, modulationOrder } = shape;
  const plane = DEEPRX_SYMBOLS * subcarriers;
  const places: number[] = [];
  for (let symbol = 0; symbol < DEEPRX_SYMBOLS; symbol++)
    for (let subcarrier = 0; subcarrier < subcarriers; subcarrier++) {
      if (!isData(shape, symbol, subcarrier)) continue;
      for (let bit = 0; bit < modulationOrder; bit++)
        places.push(bit * plane + symbol * subcarriers + subcarrier);
    }
  return Int32Array.from(places);
}

/**
 * Prepares detection by a DeepRx, run by ONNX Runtime in another thread. It has no answer for configurations that it was not made for:
 * other than one layer, two antennas, a whole slot, QPSK or 16-QAM, single-symbol DM-RS of type 1, 15 or 30 kHz.
 */
export function attemptDeeprx(model: OnnxModel, context: DetectionContext): Attempt {
  const { configuration } = context.parameters;
  const shape = configuration && gridShapeOf(configuration, context.dimensions.antenna);
  if (configuration === undefined || shape === undefined) return () => "unavailable";
  const network = openSlotNetwork(
    model,
    { engine: "onnxruntime", dimensions: { batch: 1, subcarrier: shape.subcarriers } },
    context,
  );
  const grid = network.inputs.grid!.data as Float32Array;
  const factor = new Float64Array(1);
  writeElements(shape, network.inputs.elements!.data as Float32Array);
  return attemptNetwork(context, configuration, network, {
    fill: (received, references) => writeGrid(shape, received, references, grid, factor),
    soft: network.outputs.llrs!.data as Float32Array,
    places: codewordPlaces(shape),
    factor: 1,
  });
}
