import type { Carrier, PuschConfiguration } from "../src/transceiver/pusch/index.js";
import { parseCarrier, parseGrant, puschConfiguration } from "../src/transceiver/pusch/index.js";
import type { RandomGenerator } from "./independent/random-generator.js";
import type { IndependentGrant } from "./independent/transmitter.js";

/** A carrier that holds the grant's bandwidth part, with up to 6 further PRBs on each side. */
export function carrierFor(grant: IndependentGrant, random: RandomGenerator): Carrier {
  const { bwpStart, bwpSize, subcarrierSpacing, cyclicPrefix } = grant;
  const below = random.integer(0, Math.min(6, bwpStart));
  const above = random.integer(0, Math.min(6, 275 - below - bwpSize));
  return parseCarrier({
    subcarrierSpacing,
    cyclicPrefix,
    offsetToCarrier: bwpStart - below,
    carrierPrbs: below + bwpSize + above,
  });
}

/** The product's configuration of a grant of the independent implementation. */
export function productConfiguration(grant: IndependentGrant, carrier: Carrier): PuschConfiguration {
  const { antennaPorts, mappingType, limitedBuffer, tpmi, dmrsScramblingId, dataScramblingId, ...rest } =
    grant;
  const { transformPrecoding, ...same } = rest;
  const parsed = parseGrant(
    {
      ...same,
      dmrsMappingType: mappingType,
      numberOfAntennaPorts: antennaPorts,
      ...(tpmi === undefined ? {} : { tpmi }),
      ...(dmrsScramblingId === undefined ? {} : { dmrsScramblingId }),
      ...(dataScramblingId === undefined ? {} : { dataScramblingId }),
      ...(transformPrecoding
        ? {
            transformPrecoding: true,
            tpPi2BPSK: transformPrecoding.pi2Bpsk,
            groupOrSequenceHopping: transformPrecoding.hopping,
            ...(transformPrecoding.puschIdentity === undefined
              ? {}
              : { puschIdentity: transformPrecoding.puschIdentity }),
          }
        : {}),
      ...(limitedBuffer
        ? {
            limitedBufferRateMatching: true,
            maxMimoLayers: limitedBuffer.layers,
            maxModulationOrder: limitedBuffer.modulationOrder,
          }
        : {}),
    },
    carrier,
  );
  return puschConfiguration(carrier, parsed);
}
