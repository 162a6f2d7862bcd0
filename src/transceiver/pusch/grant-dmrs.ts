import { InputError } from "../../errors.js";
import { dmrsCdmGroup, dmrsPortCount } from "./dmrs-ports.js";
import { type DmrsLength, dmrsSymbolPositions } from "./dmrs-positions.js";
import type { PuschGrantInput } from "./grant.js";

export const DMRS_SYMBOLS = "give a list of symbol indices of the slot, ascending";

/** The fields of a grant about its DM-RS symbols and ports, checked, with defaults. @throws InputError */
export function resolveDmrs(given: PuschGrantInput, start: number, count: number, nrOfLayers: number) {
  const dmrsConfigType = given.dmrsConfigType ?? 1;
  const dmrsMappingType = given.dmrsMappingType ?? (start === 0 ? "A" : "B");
  if (dmrsMappingType === "A" && start !== 0)
    throw new InputError(
      "dmrsMappingType",
      "A",
      "mapping type A starts at symbol 0; give B or startSymbolIndex 0",
    );
  const dmrsTypeAPosition = given.dmrsTypeAPosition ?? 2;
  const dmrsLength = given.dmrsLength ?? (isPairs(given.dmrsSymbPos ?? []) ? 2 : 1);
  const placed =
    given.dmrsSymbPos && given.dmrsAdditionalPosition === undefined
      ? undefined
      : dmrsSymbolPositions({
          mappingType: dmrsMappingType,
          length: dmrsLength,
          additionalPosition: given.dmrsAdditionalPosition ?? defaultAdditionalPosition(dmrsLength),
          typeAPosition: dmrsTypeAPosition,
          startSymbolIndex: start,
          nrOfSymbols: count,
        });
  const dmrsSymbPos = given.dmrsSymbPos ?? placed;
  if (dmrsSymbPos === undefined)
    throw new InputError(
      "dmrsAdditionalPosition",
      given.dmrsAdditionalPosition,
      `TS 38.211 6.4.1.1.3 has no such positions for mapping type ${dmrsMappingType}, ${count} symbols, dmrsLength ${dmrsLength} and dmrsTypeAPosition ${dmrsTypeAPosition}`,
    );
  if (given.dmrsAdditionalPosition !== undefined && String(placed) !== String(dmrsSymbPos))
    throw new InputError(
      "dmrsSymbPos",
      dmrsSymbPos,
      `dmrsAdditionalPosition gives ${placed ?? "none"}; leave one out`,
    );
  checkSymbols(dmrsSymbPos, dmrsLength, start, count);

  const dmrsPorts = given.dmrsPorts ?? Array.from({ length: nrOfLayers }, (_, layer) => layer);
  if (dmrsPorts.length !== nrOfLayers || new Set(dmrsPorts).size !== nrOfLayers)
    throw new InputError("dmrsPorts", dmrsPorts, `give ${nrOfLayers} different ports, one a layer`);
  const ports = dmrsPortCount(dmrsConfigType, dmrsLength);
  if (dmrsPorts.some((port) => port >= ports))
    throw new InputError(
      "dmrsPorts",
      dmrsPorts,
      `DM-RS type ${dmrsConfigType} with dmrsLength ${dmrsLength} has ports 0 to ${ports - 1}`,
    );
  const numDmrsCdmGrpsNoData =
    given.numDmrsCdmGrpsNoData ?? (count <= 2 && given.transformPrecoding !== true ? 1 : 2);
  const groups = dmrsConfigType === 1 ? 2 : 3;
  const lowest = 1 + Math.max(...dmrsPorts.map((port) => dmrsCdmGroup(dmrsConfigType, port)));
  if (numDmrsCdmGrpsNoData < lowest || numDmrsCdmGrpsNoData > groups)
    throw new InputError(
      "numDmrsCdmGrpsNoData",
      numDmrsCdmGrpsNoData,
      `give ${lowest} to ${groups}: DM-RS type ${dmrsConfigType} has ${groups} groups and the ports lie in the first ${lowest}`,
    );
  return {
    dmrsConfigType,
    dmrsMappingType,
    dmrsTypeAPosition,
    dmrsLength,
    dmrsSymbPos: Object.freeze([...dmrsSymbPos]),
    dmrsPorts: Object.freeze([...dmrsPorts]),
    numDmrsCdmGrpsNoData,
  } as const;
}

/** RRC gives dmrs-AdditionalPosition pos2 where it is absent; double-symbol DM-RS has no more than pos1. */
function defaultAdditionalPosition(length: DmrsLength): 1 | 2 {
  return length === 2 ? 1 : 2;
}

function isPairs(symbols: readonly number[]): boolean {
  return (
    symbols.length >= 2 &&
    symbols.length % 2 === 0 &&
    symbols.every((symbol, index) => index % 2 === 0 || symbol === symbols[index - 1]! + 1)
  );
}

function checkSymbols(symbols: readonly number[], length: DmrsLength, start: number, count: number): void {
  if (symbols.some((symbol, index) => index > 0 && symbol <= symbols[index - 1]!))
    throw new InputError("dmrsSymbPos", symbols, DMRS_SYMBOLS);
  if (symbols.some((symbol) => symbol < start || symbol >= start + count))
    throw new InputError(
      "dmrsSymbPos",
      symbols,
      `DM-RS must lie inside the allocation, symbols ${start} to ${start + count - 1}`,
    );
  if (length === 2 && !isPairs(symbols))
    throw new InputError("dmrsSymbPos", symbols, "with dmrsLength 2 give pairs of neighbouring symbols");
}
