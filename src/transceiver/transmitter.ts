import { baseGraph } from "./coding/base-graph.js";
import { prepareEncoder } from "./coding/encode.js";
import { segment } from "./coding/segment.js";
import { unpackBits } from "./crc/bits.js";
import { attachCrc, crc } from "./crc/crc.js";
import { prepareReferenceSignals } from "./estimation/reference-signals.js";
import { mapResources } from "./extraction/resource-map.js";
import { prepareRateMatch } from "./interleaving/rate-match.js";
import { layerMap } from "./mapping/layer-map.js";
import { prepareModulate } from "./mapping/modulate.js";
import { precode, precoder } from "./mapping/precode.js";
import { prepareScramble } from "./mapping/scramble.js";
import { dataResourceIndices } from "./pusch/allocation.js";
import type { PuschConfiguration } from "./pusch/configuration.js";

/**
 * Transmits one slot: from a transport block to the grid `[antenna port][OFDM symbol][subcarrier]`, interleaved.
 * Resource elements outside the allocation become 0. Allocates nothing.
 * @param configuration of the key that it was prepared for.
 * @param transportBlock packed bytes, first bit highest; `transportBlockSize` bits are read.
 */
export type Transmit = (
  configuration: PuschConfiguration,
  transportBlock: Uint8Array,
  grid: Float32Array,
) => void;

/** Prepares the PUSCH transmit chain of TS 38.212 6.2 and TS 38.211 6.3.1, plain, for all configurations of a key. */
export function prepareTransmitter(prepared: PuschConfiguration): Transmit {
  const { codeBlocks, codewordBits, modulationOrder, layers, antennaPorts, allocation } = prepared;
  const { transportBlockSize } = prepared;
  const perLayer = allocation.dataResourceElements;
  const gridElements = allocation.slotSymbols * allocation.gridSubcarriers;
  const transportBlockCrc = crc(codeBlocks.transportBlockCrc);
  const codeBlockCrc = crc("crc24b");
  const encode = prepareEncoder(baseGraph(codeBlocks.baseGraph, codeBlocks.liftingSize));
  const rateMatch = prepareRateMatch(prepared);
  const scramble = prepareScramble(codewordBits);
  const modulate = prepareModulate(modulationOrder, codewordBits);
  const weights = precoder(prepared);
  const insertReferenceSignals = prepareReferenceSignals(prepared);
  const indices = dataResourceIndices(allocation, prepared.grant);

  const bits = new Uint8Array(transportBlockSize + transportBlockCrc.length);
  const segmented = new Uint8Array(codeBlocks.count * codeBlocks.codeBlockSize);
  const encoded = new Uint8Array(codeBlocks.count * codeBlocks.encodedBits);
  const codeword = new Uint8Array(codewordBits);
  const symbols = new Float32Array(2 * perLayer * layers);
  const layered = new Float32Array(2 * perLayer * layers);
  const precoded = new Float32Array(2 * perLayer * antennaPorts);
  return (configuration, transportBlock, grid) => {
    unpackBits(transportBlock, bits, 0, transportBlockSize);
    attachCrc(transportBlockCrc, bits, 0, transportBlockSize);
    segment(codeBlocks, bits, segmented, codeBlockCrc);
    for (let block = 0; block < codeBlocks.count; block++)
      encode(segmented, block * codeBlocks.codeBlockSize, encoded, block * codeBlocks.encodedBits);
    rateMatch(encoded, codeword);
    scramble(configuration.scramblingInit, codeword);
    modulate(codeword, symbols);
    layerMap(symbols, layers, perLayer, layered);
    precode(weights, layered, layers, antennaPorts, perLayer, precoded);
    grid.fill(0);
    mapResources(precoded, indices, antennaPorts, gridElements, grid);
    insertReferenceSignals(configuration, grid);
  };
}
