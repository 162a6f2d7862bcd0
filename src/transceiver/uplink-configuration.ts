import type { Configuration } from "../functions/index.js";
import { PARSE_REPORT_FIELDS } from "./ciphering/transport-block.js";
import { HARQ_PROCESSES, softBitCapacity } from "./coding/soft-buffers.js";
import { conversionParameters } from "./conversion/function.js";
import { CRC_FIELDS } from "./crc/check.js";
import { crcCheckParameters } from "./crc/function.js";
import { detectionParameters } from "./detection/function.js";
import { equalizationParameters } from "./equalization/function.js";
import { estimationParameters, QUALITY_FIELDS } from "./estimation/function.js";
import { interferenceGroups } from "./estimation/interference.js";
import { extractionParameters } from "./extraction/function.js";
import { deinterleavingParameters } from "./interleaving/function.js";
import { configurationKey } from "./pusch/configuration.js";
import { GRANT_FIELDS } from "./pusch/grant-message.js";
import type { Carrier, PuschConfiguration } from "./pusch/index.js";
import { synchronizationParameters } from "./synchronization/function.js";
import { longestSlotSamples } from "./synchronization/guard.js";
import { OFFSET_FIELDS } from "./synchronization/offsets.js";

/** What the receive chain is set up with beside the grant. */
export interface UplinkSettings {
  readonly receiveAntennas: number;
  /** Samples at baseband before and behind a slot in the flow's input. */
  readonly guard: number;
  /** Samples of the flow's input for each at baseband; 1 unless given. */
  readonly converterRatio?: number | undefined;
  /** Of the LDPC decoder; 8 unless given. */
  readonly maximumIterations?: number | undefined;
  /** What protects the bearer: parameters `key` and `encryptionScheme` of deciphering; nothing unless given. */
  readonly protection?: { readonly key: unknown; readonly encryptionScheme: unknown } | undefined;
}

/**
 * Sizes of the state dimensions of the flows `uplink` and `uplinkFromGrid`: room for every transport block of the
 * carrier with as many layers as there are receive antennas, at most four, and for the HARQ processes of some users.
 */
export function uplinkStateDimensions(
  carrier: Carrier,
  receiveAntennas: number,
  users = 1,
): { harqProcess: number; softBit: number } {
  const harqProcess = HARQ_PROCESSES * users;
  return { harqProcess, softBit: softBitCapacity(carrier.carrierPrbs, Math.min(4, receiveAntennas)) };
}

/** The configuration of the flow `uplink` for a PUSCH configuration; with `samples` false, of `uplinkFromGrid`. */
export function uplinkConfiguration(
  pusch: PuschConfiguration,
  settings: UplinkSettings,
  samples = true,
): Configuration {
  const { allocation, codeBlocks, grant } = pusch;
  const { receiveAntennas, guard, converterRatio = 1, maximumIterations, protection } = settings;
  const sample = longestSlotSamples(pusch.carrier) + 2 * guard;
  const payloadBytes = pusch.transportBlockSize / 8;
  return {
    key: `${configurationKey(pusch)};${receiveAntennas}`,
    dimensions: {
      antenna: receiveAntennas,
      ...(samples ? { sample, converterSample: Math.round(sample * converterRatio) } : {}),
      symbol: grant.nrOfSymbols,
      subcarrier: allocation.subcarriers,
      layer: pusch.layers,
      re: allocation.dataResourceElements,
      codewordBit: pusch.codewordBits,
      codeBlock: codeBlocks.count,
      circularBufferBit: codeBlocks.encodedBits,
      blockByte: codeBlocks.informationBits / 8,
      payloadByte: payloadBytes,
      bearerByte: payloadBytes,
      // A MAC SDU takes at least a subheader of two bytes and one byte.
      sdu: Math.ceil(payloadBytes / 3),
      interferenceGroup: interferenceGroups(allocation.subcarriers),
      grantField: GRANT_FIELDS,
      offsetField: OFFSET_FIELDS,
      qualityField: QUALITY_FIELDS,
      crcField: CRC_FIELDS,
      parseReportField: PARSE_REPORT_FIELDS,
    },
    parameters: {
      ...(samples
        ? {
            analogToDigital: conversionParameters(pusch),
            synchronization: synchronizationParameters(pusch),
            extraction: extractionParameters(pusch),
          }
        : {}),
      detection: detectionParameters(pusch),
      estimation: estimationParameters(pusch),
      interference: estimationParameters(pusch),
      equalization: equalizationParameters(pusch),
      jointDemapping: { signalType: equalizationParameters(pusch).signalType },
      deinterleaving: deinterleavingParameters(pusch),
      decoding: { lastPosition: lastPosition(pusch), ...(maximumIterations ? { maximumIterations } : {}) },
      crcCheck: crcCheckParameters(pusch),
      deciphering: protection ?? {},
    },
  };
}

/** Highest position of the circular buffer that the redundancy version reaches in any code block. */
function lastPosition({ rateMatching, codeBlocks }: PuschConfiguration): number {
  const { start, circularBufferSize, fillerStart, fillerEnd, outputBits } = rateMatching;
  const fillers = fillerEnd - fillerStart;
  const end = start + Math.max(...outputBits);
  // Filler bits are passed over; where the bits go round the buffer, all of it is reached.
  const withFillers = start < fillerEnd && end > fillerStart ? end + fillers : end;
  return Math.min(withFillers, circularBufferSize, codeBlocks.encodedBits) - 1;
}
