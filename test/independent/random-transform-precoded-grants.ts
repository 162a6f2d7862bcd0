import { dmrsPort } from "./dmrs.js";
import { symbolsPerSlot } from "./ofdm.js";
import type { RandomGenerator } from "./random-generator.js";
import { chooseTime, isValid } from "./random-grants.js";
import { mcsTable } from "./tbs.js";
import { isTransformable, transformPrecodedMcsTable } from "./transform-precoding.js";
import type { IndependentGrant } from "./transmitter.js";

type Scheme = Pick<IndependentGrant, "mcsTable" | "mcsIndex"> & { readonly pi2Bpsk: boolean };

/** Every MCS that is not reserved, by table and with or without tp-pi2BPSK. */
export function transformPrecodedSchemes(): Scheme[] {
  return ([1, 2, 3] as const).flatMap((table) =>
    [true, false].flatMap((pi2Bpsk) => {
      const rows = table === 2 ? mcsTable(2) : transformPrecodedMcsTable(table === 1 ? 1 : 2, pi2Bpsk);
      return rows.map((_, mcsIndex) => ({ mcsTable: table, mcsIndex, pi2Bpsk }));
    }),
  );
}

/** One layer on one port, and every precoding matrix for 2 and 4 antenna ports. */
export const singleLayerTransmissions: readonly Pick<IndependentGrant, "antennaPorts" | "tpmi">[] = [
  { antennaPorts: 1 },
  ...Array.from({ length: 6 }, (_, tpmi) => ({ antennaPorts: 2, tpmi })),
  ...Array.from({ length: 28 }, (_, tpmi) => ({ antennaPorts: 4, tpmi })),
];

/**
 * A valid random grant with transform precoding. Grants of consecutive indices go through every MCS, every precoding
 * matrix and every redundancy version; all else is random.
 */
export function randomTransformPrecodedGrant(random: RandomGenerator, index: number): IndependentGrant {
  for (;;) {
    const grant = candidate(random, index);
    if (isValid(grant)) return grant;
  }
}

function candidate(random: RandomGenerator, index: number): IndependentGrant {
  const schemes = transformPrecodedSchemes();
  const { pi2Bpsk, ...scheme } = schemes[index % schemes.length]!;
  const subcarrierSpacing = random.choose([15, 30, 60] as const);
  const cyclicPrefix = subcarrierSpacing === 60 && random.uniform() < 0.5 ? "extended" : "normal";
  const time = chooseTime(random, symbolsPerSlot(cyclicPrefix), false);
  const largest = random.uniform() < 0.1 ? 100 : 16;
  let rbSize = random.integer(1, largest);
  while (!isTransformable(rbSize)) rbSize--;
  const rbStart = random.integer(0, 12);
  const bwpSize = rbStart + rbSize + random.integer(0, 12);
  const ports = Array.from({ length: 4 * time.dmrsLength }, (_, port) => port);
  return {
    slot: random.integer(0, (10 * subcarrierSpacing) / 15 - 1),
    physCellId: random.integer(0, 1007),
    rnti: random.integer(1, 65519),
    subcarrierSpacing,
    cyclicPrefix,
    bwpStart: random.integer(0, 275 - bwpSize),
    bwpSize,
    rbStart,
    rbSize,
    ...time,
    dmrsConfigType: 1,
    dmrsPorts: [random.choose(ports.filter((port) => dmrsPort(1, port).cdmGroup < 2))],
    numDmrsCdmGrpsNoData: 2,
    scid: random.choose([0, 1] as const),
    dataScramblingId: random.uniform() < 0.1 ? undefined : random.integer(0, 1023),
    ...scheme,
    rvIndex: random.choose([0, 0, 1, 2, 3] as const),
    nrOfLayers: 1,
    ...singleLayerTransmissions[index % singleLayerTransmissions.length]!,
    transformPrecoding: {
      pi2Bpsk,
      puschIdentity: random.uniform() < 0.2 ? undefined : random.integer(0, 1007),
      hopping: random.choose(["neither", "group", "sequence"] as const),
    },
  };
}
