import { crc } from "./crc/crc.js";
import { crcShape } from "./crc/crc-kernel.js";
import type { Carrier, PuschConfiguration } from "./pusch/index.js";
import { parseGrant, puschConfiguration } from "./pusch/index.js";

/** MCS of each modulation order (TS 38.214 Tables 5.1.3.1-1 and -2), and π/2-BPSK with transform precoding. */
const modulations = [
  { mcsTable: 1, mcsIndex: 9 },
  { mcsTable: 1, mcsIndex: 10 },
  { mcsTable: 1, mcsIndex: 17 },
  { mcsTable: 2, mcsIndex: 20 },
] as const;

/** MCS at whose rates transport blocks are cut into the smallest code blocks (TS 38.212 6.2.2). */
const lowRates = [0, 1, 2, 3].map((mcsIndex) => ({ mcsTable: 1, mcsIndex }));

/** Resource blocks up to which filters and the noise's subspace depend on their number, and one beyond. */
const narrowAllocations = [1, 2, 3, 4, 5, 6, 7];

/** Resource blocks whose transforms of transform precoding are joined across 2, 4, 8 and 16 lanes. */
const transformAllocations = [1, 4, 16, 64];

/** DM-RS ports of as many layers: in one CDM group as far as they go, and over the groups. */
function portsOf(layers: number, dmrsConfigType: 1 | 2, groups: number): number[][] {
  const together = Array.from({ length: layers }, (_, port) => port);
  const apart = Array.from({ length: layers }, (_, k) => 2 * (k % groups) + Math.floor(k / groups));
  const ports = 2 * groups;
  const single = layers === 1 ? [[1]] : [];
  return [together, ...(groups > 1 ? [apart.toSorted((a, b) => a - b)] : []), ...single].filter((one) =>
    one.every((port) => port < ports && port < (dmrsConfigType === 1 ? 4 : 6)),
  );
}

/** Widest vectors that a target has: all that narrower ones tell apart, they do. */
const WIDEST_VECTOR = 64;

/** Of all sizes that allocations of the carrier give transport blocks, one for each set of CRC kernels. */
function grantsOfSizes(carrier: Carrier, layers: number): PuschConfiguration[] {
  const grants = new Map<string, PuschConfiguration>();
  for (const nrOfLayers of new Set([1, layers])) {
    for (const modulation of [...lowRates, ...modulations]) {
      for (let rbSize = 1; rbSize <= carrier.carrierPrbs; rbSize++) {
        const grant = configurationOf(carrier, { rbStart: 0, rbSize, nrOfLayers, ...modulation });
        const kernels = crcKernelsOf(grant);
        if (!grants.has(kernels)) grants.set(kernels, grant);
      }
    }
  }
  return [...grants.values()];
}

/** What tells the CRC kernels of one transport block's size from those of another's. */
function crcKernelsOf({ transportBlockSize, codeBlocks }: PuschConfiguration): string {
  const shapes = [crcShape(crc(codeBlocks.transportBlockCrc), transportBlockSize / 8, WIDEST_VECTOR)];
  if (codeBlocks.crcLength > 0)
    shapes.push(crcShape(crc("crc24b"), codeBlocks.informationBits / 8, WIDEST_VECTOR));
  return JSON.stringify(shapes);
}

function configurationOf(carrier: Carrier, grant: Readonly<Record<string, unknown>>): PuschConfiguration {
  return puschConfiguration(carrier, parseGrant({ slot: 0, physCellId: 0, rnti: 1, ...grant }, carrier));
}

/**
 * Grants whose preparation compiles every kernel that a grant of the carrier may need, but for those of one size or one
 * code, in whose place others serve until they are compiled. A receiver that has prepared them never waits for a
 * compiler.
 * @param receiveAntennas as many layers are granted, four at most
 */
export function warmUpGrants(carrier: Carrier, receiveAntennas: number): PuschConfiguration[] {
  const whole = { rbStart: 0, rbSize: carrier.carrierPrbs, mcsTable: 1, mcsIndex: 0 };
  const layerCounts = Array.from({ length: Math.min(4, receiveAntennas) }, (_, k) => k + 1);
  const fits = (rbSize: number): boolean => rbSize <= carrier.carrierPrbs;
  const grants: Record<string, unknown>[] = [];
  for (const nrOfLayers of layerCounts) {
    for (const modulation of modulations) {
      grants.push(
        { ...whole, ...modulation, nrOfLayers },
        { ...whole, ...modulation, nrOfLayers, rbSize: 1 },
      );
    }
    for (const dmrsConfigType of [1, 2] as const) {
      for (let numDmrsCdmGrpsNoData = 1; numDmrsCdmGrpsNoData <= dmrsConfigType + 1; numDmrsCdmGrpsNoData++) {
        for (const dmrsPorts of portsOf(nrOfLayers, dmrsConfigType, numDmrsCdmGrpsNoData)) {
          for (const rbSize of narrowAllocations.filter(fits))
            grants.push({ ...whole, rbSize, nrOfLayers, dmrsConfigType, numDmrsCdmGrpsNoData, dmrsPorts });
        }
      }
    }
  }
  for (const dmrsConfigType of [1, 2]) {
    for (const [dmrsLength, positions] of [
      [1, 4],
      [2, 2],
    ] as const) {
      for (let dmrsAdditionalPosition = 0; dmrsAdditionalPosition < positions; dmrsAdditionalPosition++)
        grants.push({ ...whole, dmrsConfigType, dmrsLength, dmrsAdditionalPosition });
    }
  }
  for (const rbSize of transformAllocations.filter(fits)) {
    grants.push({ ...whole, rbSize, transformPrecoding: true });
    grants.push({ ...whole, rbSize, transformPrecoding: true, tpPi2BPSK: true });
  }
  return [
    ...grants.map((grant) => configurationOf(carrier, grant)),
    ...grantsOfSizes(carrier, layerCounts.length),
  ];
}
