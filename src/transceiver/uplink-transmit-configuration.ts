import type { Configuration } from "../functions/index.js";
import { BUILD_REPORT_FIELDS } from "./ciphering/transport-block.js";
import { conversionParameters } from "./conversion/function.js";
import { crcAttachmentParameters } from "./crc/function.js";
import { referenceSignalsParameters } from "./estimation/function.js";
import { extractionParameters } from "./extraction/function.js";
import { interleavingParameters } from "./interleaving/function.js";
import { mappingParameters } from "./mapping/function.js";
import { configurationKey } from "./pusch/configuration.js";
import { GRANT_FIELDS } from "./pusch/grant-message.js";
import type { PuschConfiguration } from "./pusch/index.js";
import { synchronizationParameters } from "./synchronization/function.js";
import { longestSlotSamples } from "./synchronization/guard.js";
import { OFFSET_FIELDS } from "./synchronization/offsets.js";
import type { UplinkSettings } from "./uplink-configuration.js";

/** The configuration of the flow `uplinkTransmit` for a PUSCH configuration, with `guard` samples around the slot. */
export function uplinkTransmitConfiguration(
  pusch: PuschConfiguration,
  guard: number,
  protection?: UplinkSettings["protection"],
): Configuration {
  const { allocation, codeBlocks, dmrs } = pusch;
  const sample = longestSlotSamples(pusch.carrier) + 2 * guard;
  const payloadBytes = pusch.transportBlockSize / 8;
  return {
    key: configurationKey(pusch),
    dimensions: {
      sample,
      converterSample: sample,
      symbol: allocation.slotSymbols,
      subcarrier: allocation.subcarriers,
      carrierSubcarrier: allocation.gridSubcarriers,
      dmrsSymbol: dmrs.symbols.length,
      port: pusch.antennaPorts,
      re: allocation.dataResourceElements,
      codewordBit: pusch.codewordBits,
      codeBlock: codeBlocks.count,
      circularBufferBit: codeBlocks.encodedBits,
      blockByte: codeBlocks.informationBits / 8,
      payloadByte: payloadBytes,
      bearerByte: payloadBytes,
      sdu: Math.ceil(payloadBytes / 3),
      grantField: GRANT_FIELDS,
      offsetField: OFFSET_FIELDS,
      buildReportField: BUILD_REPORT_FIELDS,
    },
    parameters: {
      ciphering: protection ?? {},
      crcAttachment: crcAttachmentParameters(pusch),
      interleaving: interleavingParameters(pusch),
      mapping: mappingParameters(pusch),
      referenceSignals: referenceSignalsParameters(pusch),
      insertion: extractionParameters(pusch),
      advance: synchronizationParameters(pusch),
      digitalToAnalog: conversionParameters(pusch),
    },
  };
}
