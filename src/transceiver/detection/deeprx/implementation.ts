import type { Attempt } from "../../../functions/index.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import { openSlotNetwork } from "../../../neural/slot/index.js";
import { LLR_SCALE } from "../../mapping/llr-scale.js";
import { keepModulationScheme, modulationSchemeIndex } from "../../mapping/modulation-scheme.js";
import { prepareSoftBits } from "../../mapping/soft-bits.js";
import { grantFieldIndex } from "../../pusch/grant-message.js";
import type { PuschConfiguration } from "../../pusch/index.js";
import type { DetectionContext } from "../function.js";
import { prepareOffsetsAndQuality } from "../offsets-and-quality.js";
import { prepareReferences } from "../references.js";
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
  const { dimensions, parameters, inputs, outputs, state } = context;
  const { configuration } = parameters;
  const shape = configuration && gridShapeOf(configuration, dimensions.antenna);
  if (configuration === undefined || shape === undefined) return () => "unavailable";
  const network = openSlotNetwork(
    model,
    { engine: "onnxruntime", dimensions: { batch: 1, subcarrier: shape.subcarriers } },
    context,
  );
  const grid = network.inputs.grid!.data as Float32Array;
  writeElements(shape, network.inputs.elements!.data as Float32Array);
  const logits = network.outputs.llrs!.data as Float32Array;
  const places = codewordPlaces(shape);
  const references = prepareReferences(configuration);
  const softBits = prepareSoftBits(context, outputs.llrs, places.length);
  const soft = softBits.soft.view;
  const track = prepareOffsetsAndQuality(context, configuration);
  const [grant, llrs, scheme] = [inputs.grant.view, outputs.llrs.view, state.modulationScheme.view];
  const received = inputs.grid.view;
  return (answerBy) => {
    keepModulationScheme(grant, scheme);
    track();
    const isExpected = scheme[modulationSchemeIndex.modulationOrder] === shape.modulationOrder;
    const usable = isExpected && grant[grantFieldIndex.valid] === 1;
    if (!usable || writeGrid(shape, received, references(grant), grid) === 0) {
      llrs.fill(0);
      return "done";
    }
    const outcome = network.run(answerBy);
    if (outcome !== "done") return outcome;
    for (let bit = 0; bit < places.length; bit++) soft[bit] = LLR_SCALE * logits[places[bit]!]!;
    softBits.write(scheme[modulationSchemeIndex.scramblingInit]!);
    return "done";
  };
}
