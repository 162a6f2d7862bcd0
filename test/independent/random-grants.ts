import type { DmrsConfiguration } from "./dmrs.js";
import { dmrsPort, dmrsPositions } from "./dmrs.js";
import { codebook } from "./layers-precoding.js";
import { symbolsPerSlot } from "./ofdm.js";
import type { RandomGenerator } from "./random-generator.js";
import { mcsTable } from "./tbs.js";
import type { IndependentGrant } from "./transmitter.js";
import { dimensions } from "./transmitter.js";

/** Layers, antenna ports and TPMI that belong together. */
type Transmission = Pick<IndependentGrant, "nrOfLayers" | "antennaPorts" | "tpmi">;

/** Every precoding matrix for 2 and 4 antenna ports. */
export const codebookTransmissions: readonly Transmission[] = [2, 4].flatMap((antennaPorts) =>
  [1, 2, 3, 4].flatMap((nrOfLayers) =>
    codebook(nrOfLayers, antennaPorts).map((_, tpmi) => ({ nrOfLayers, antennaPorts, tpmi })),
  ),
);

/** Every MCS that is not reserved, by table. */
export function allSchemes(): Pick<IndependentGrant, "mcsTable" | "mcsIndex">[] {
  return ([1, 2, 3] as const).flatMap((table) =>
    mcsTable(table).map((_, mcsIndex) => ({ mcsTable: table, mcsIndex })),
  );
}

/**
 * A valid random grant. Grants of consecutive indices go through every MCS, every redundancy version and, every
 * second, through every precoding matrix; all else is random. Allocations are small, a few of up to 100 PRBs; one in
 * eight is made to feel the limited buffer.
 */
export function randomGrant(random: RandomGenerator, index: number): IndependentGrant {
  for (;;) {
    const grant = candidate(random, index);
    if (isValid(grant)) {
      return grant;
    }
  }
}

/**
 * What the choices below do not ensure: DM-RS within the allocation and the tables (TS 38.211 6.4.1.1.3), enough
 * ports, room for data, and a code rate of at most 1.
 */
export function isValid(grant: IndependentGrant): boolean {
  if (!dmrsPositions(grant) || grant.dmrsPorts.length < grant.nrOfLayers) {
    return false;
  }
  const { dmrs, codedBits, transportBlockSize } = dimensions(grant);
  const last = grant.startSymbolIndex + grant.nrOfSymbols - 1;
  return dmrs.every(({ symbol }) => symbol <= last) && codedBits >= transportBlockSize + 24;
}

function candidate(random: RandomGenerator, index: number): IndependentGrant {
  const schemes = allSchemes();
  const limited = index % 8 === 5;
  const scheme = limited
    ? random.choose(schemes.filter(({ mcsTable, mcsIndex }) => mcsTable < 3 && mcsIndex > 24))
    : schemes[index % schemes.length]!;
  const transmission = chooseTransmission(random, index);
  const subcarrierSpacing = random.choose([15, 30, 60] as const);
  const cyclicPrefix = subcarrierSpacing === 60 && random.uniform() < 0.5 ? "extended" : "normal";
  const time = chooseTime(random, symbolsPerSlot(cyclicPrefix), limited);
  const pilots = choosePilots(random, time.dmrsLength, transmission.nrOfLayers);
  const frequency = chooseFrequency(random, limited);
  return {
    slot: random.integer(0, (10 * subcarrierSpacing) / 15 - 1),
    physCellId: random.integer(0, 1007),
    rnti: random.integer(1, 65519),
    subcarrierSpacing,
    cyclicPrefix,
    ...frequency,
    ...time,
    ...pilots,
    dmrsScramblingId: random.uniform() < 0.1 ? undefined : random.integer(0, 65535),
    scid: random.choose([0, 1] as const),
    dataScramblingId: random.uniform() < 0.1 ? undefined : random.integer(0, 1023),
    ...scheme,
    rvIndex: (limited ? random.integer(1, 3) : Math.floor(index / 2) % 4) as 0 | 1 | 2 | 3,
    ...transmission,
    ...(limited || random.uniform() < 0.2
      ? {
          limitedBuffer: {
            layers: limited ? transmission.nrOfLayers : random.integer(transmission.nrOfLayers, 4),
            modulationOrder: scheme.mcsTable === 2 ? 8 : random.choose([6, 8]),
            bandwidth: frequency.bwpSize,
          },
        }
      : {}),
  };
}

function chooseTransmission(random: RandomGenerator, index: number): Transmission {
  if (index % 2 === 0) {
    return codebookTransmissions[(index / 2) % codebookTransmissions.length]!;
  }
  const nrOfLayers = random.integer(1, 4);
  return { nrOfLayers, antennaPorts: nrOfLayers };
}

type Frequency = Pick<IndependentGrant, "bwpStart" | "bwpSize" | "rbStart" | "rbSize">;

function chooseFrequency(random: RandomGenerator, limited: boolean): Frequency {
  const large = random.uniform() < 0.03;
  const rbSize = limited ? random.integer(28, 32) : random.integer(1, large ? 100 : 16);
  const rbStart = limited ? 32 - rbSize : random.integer(0, 12);
  const bwpSize = limited ? 32 : rbStart + rbSize + random.integer(0, 12);
  return { bwpStart: random.integer(0, 275 - bwpSize), bwpSize, rbStart, rbSize };
}

type Time = Omit<DmrsConfiguration, "dmrsConfigType">;

/** TS 38.214 Table 6.1.2.1-1 for start and length, TS 38.211 6.4.1.1.3 for the DM-RS positions that go together. */
export function chooseTime(random: RandomGenerator, symbols: number, full: boolean): Time {
  const dmrsLength = random.choose([1, 1, 2] as const);
  const dmrsAdditionalPosition = random.integer(0, dmrsLength === 1 ? 3 : 1) as 0 | 1 | 2 | 3;
  const mappingType = full ? "A" : random.choose(["A", "B"] as const);
  if (mappingType === "A") {
    const nrOfSymbols = full ? symbols : random.integer(4, symbols);
    return {
      mappingType,
      dmrsLength,
      dmrsAdditionalPosition,
      // pos3 exists with dmrs-TypeA-Position 2 only.
      dmrsTypeAPosition: dmrsAdditionalPosition === 3 ? 2 : random.choose([2, 3] as const),
      startSymbolIndex: 0,
      nrOfSymbols,
    };
  }
  const nrOfSymbols = random.integer(1, symbols);
  return {
    mappingType,
    dmrsLength,
    dmrsAdditionalPosition,
    dmrsTypeAPosition: random.choose([2, 3] as const),
    startSymbolIndex: random.integer(0, symbols - nrOfSymbols),
    nrOfSymbols,
  };
}

type Pilots = Pick<IndependentGrant, "dmrsLength" | "dmrsConfigType" | "dmrsPorts" | "numDmrsCdmGrpsNoData">;

/** Ports in ascending order out of the CDM groups without data; too few where these have not enough. */
function choosePilots(random: RandomGenerator, dmrsLength: 1 | 2, layers: number): Pilots {
  const dmrsConfigType = random.choose([1, 2] as const);
  const numDmrsCdmGrpsNoData = random.integer(1, dmrsConfigType === 1 ? 2 : 3);
  const portCount = (dmrsConfigType === 1 ? 4 : 6) * dmrsLength;
  const ports = Array.from({ length: portCount }, (_, port) => port).filter(
    (port) => dmrsPort(dmrsConfigType, port).cdmGroup < numDmrsCdmGrpsNoData,
  );
  while (ports.length > layers) {
    ports.splice(random.integer(0, ports.length - 1), 1);
  }
  return { dmrsLength, dmrsConfigType, dmrsPorts: ports, numDmrsCdmGrpsNoData };
}
