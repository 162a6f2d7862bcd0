import { InputError } from "../../errors.js";
import type { PuschGrantInput } from "./grant.js";

const FIELDS = [
  "tpPi2BPSK",
  "puschIdentity",
  "groupOrSequenceHopping",
  "dmrsUplinkTransformPrecoding",
] as const;

/**
 * The fields of a grant about transform precoding, with defaults; without it `transformPrecoding: false` alone.
 * @throws InputError for a field that goes with transform precoding only and, with it, for what TS 38.211 6.3.1.4
 * and 6.4.1.1.3 and TS 38.214 6.2.2 do not have.
 */
export function resolveTransformPrecoding(given: PuschGrantInput) {
  if (given.transformPrecoding !== true) {
    const alone = FIELDS.find((field) => given[field] !== undefined);
    if (alone !== undefined)
      throw new InputError(alone, given[alone], "leave it out, or give transformPrecoding true");
    return { transformPrecoding: false } as const;
  }
  const { rbSize, nrOfLayers = 1, dmrsConfigType = 1, numDmrsCdmGrpsNoData = 2 } = given;
  if (!isTransformable(rbSize)) {
    let lower = rbSize - 1;
    while (!isTransformable(lower)) lower--;
    throw new InputError(
      "rbSize",
      rbSize,
      `transformPrecoding needs a number of the prime factors 2, 3 and 5, such as ${lower}`,
    );
  }
  if (nrOfLayers !== 1)
    throw new InputError("nrOfLayers", nrOfLayers, "with transformPrecoding there is one layer; give 1");
  if (dmrsConfigType !== 1)
    throw new InputError("dmrsConfigType", dmrsConfigType, "with transformPrecoding it is 1");
  if (numDmrsCdmGrpsNoData !== 2)
    throw new InputError("numDmrsCdmGrpsNoData", numDmrsCdmGrpsNoData, "with transformPrecoding it is 2");
  if (given.dmrsUplinkTransformPrecoding === true)
    throw new InputError(
      "dmrsUplinkTransformPrecoding",
      true,
      "low-PAPR sequences of type 2 are not supported; give false, with which those of type 1 are used",
    );
  return {
    transformPrecoding: true,
    tpPi2BPSK: given.tpPi2BPSK ?? false,
    puschIdentity: given.puschIdentity ?? given.physCellId,
    groupOrSequenceHopping: given.groupOrSequenceHopping ?? "neither",
    dmrsUplinkTransformPrecoding: false,
  } as const;
}

/** Whether a number of PRBs is 2^a·3^b·5^c. */
function isTransformable(prbs: number): boolean {
  let rest = prbs;
  for (const factor of [2, 3, 5]) while (rest % factor === 0) rest /= factor;
  return rest === 1;
}

/**
 * Modulation order of the lowest indices of the MCS tables with transform precoding, q of TS 38.214 6.1.4.1; undefined
 * without transform precoding.
 */
export function transformPrecodedOrder(
  grant: Pick<PuschGrantInput, "transformPrecoding" | "tpPi2BPSK">,
): 1 | 2 | undefined {
  if (grant.transformPrecoding !== true) return undefined;
  return grant.tpPi2BPSK === true ? 1 : 2;
}
