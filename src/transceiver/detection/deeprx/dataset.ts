import type { NamedTensors } from "../../../neural/engines/engine.js";
import { tensor } from "../../../neural/graph/tensor.js";
import type { Dataset } from "../../../neural/training/dataset.js";
import type { Random } from "../../../system/index.js";
import {
  DEEPRX_BITS,
  DEEPRX_SYMBOLS,
  ELEMENT_PLANES,
  GRID_PLANES,
  writeElements,
  writeGrid,
} from "./features.js";
import { prepareRandomSlots, type SlotDraws } from "./random-slot.js";

/** Slots that the compact DeepRx is trained on: the channels TDL-B, C and D. */
export const trainingDraws: SlotDraws = {
  profiles: ["TDL-B", "TDL-C", "TDL-D"],
  delaySpread_s: [10e-9, 300e-9],
  maximumDoppler_hz: [0, 500],
  snr_db: [-2, 30],
  subcarrierSpacings: [15, 15, 30],
  // One and two of them, now and then more, which is easier.
  dmrsSymbols: [[2], [2], [2], [3], [2, 11], [2, 11], [2, 11], [3, 11], [2, 7, 11], [2, 5, 8, 11]],
  cdmGroupsWithoutData: [1, 2, 2],
  modulationOrders: [2, 4, 4, 4],
  timing_s: 50e-9,
  frequency_hz: 20,
};

/** What `deeprxDataset` is told. */
export interface DeeprxDatasetParameters {
  /** Resource blocks of each slot. */
  readonly blocks: number;
  readonly draws: SlotDraws;
}

/**
 * Slots for training: the network's inputs "grid" and "elements" and the target "signs" `[bit][symbol][subcarrier]`, 1
 * where a bit is 0, -1 where it is 1, and 0 where there is none, and "channel", in the planes and the scale of "grid".
 */
export function deeprxDataset({ blocks, draws }: DeeprxDatasetParameters): Dataset {
  const subcarriers = 12 * blocks;
  const elements = DEEPRX_SYMBOLS * subcarriers;
  const draw = prepareRandomSlots(subcarriers, draws);
  const factor = new Float64Array(1);
  return {
    batch(random: Random, samples: number): NamedTensors {
      const shaped = (planes: number) => tensor("float32", [samples, planes, DEEPRX_SYMBOLS, subcarriers]);
      const [grid, masks, signs] = [shaped(GRID_PLANES), shaped(ELEMENT_PLANES), shaped(DEEPRX_BITS)];
      const channel = shaped(GRID_PLANES);
      for (let sample = 0; sample < samples; sample++) {
        const { shape, received, response, references, bits, dataElements } = draw(random);
        const from = (planes: number) => planes * elements * sample;
        writeElements(shape, masks.data.subarray(from(ELEMENT_PLANES)));
        writeGrid(shape, received, references, grid.data.subarray(from(GRID_PLANES)), factor);
        writePlanes(response, factor[0]!, channel.data.subarray(from(GRID_PLANES)));
        const order = shape.modulationOrder;
        const signsOf = signs.data.subarray(from(DEEPRX_BITS));
        for (let bit = 0; bit < bits.length; bit++)
          signsOf[(bit % order) * elements + dataElements[Math.floor(bit / order)]!] = 1 - 2 * bits[bit]!;
      }
      return { grid, elements: masks, signs, channel };
    },
  };
}

/** From `[antenna][symbol][subcarrier]`, complex64, to the planes of "grid", times a scale. */
function writePlanes(response: Float32Array, scale: number, out: Float32Array): void {
  const half = response.length / 2;
  for (let at = 0; at < half; at++) {
    out[at] = scale * response[2 * at]!;
    out[half + at] = scale * response[2 * at + 1]!;
  }
}
