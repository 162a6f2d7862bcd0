/** PUSCH mapping type: A counts DM-RS symbols from the start of the slot, B from the start of the allocation. */
export type DmrsMappingType = "A" | "B";

/** 1: single-symbol DM-RS, 2: double-symbol DM-RS. */
export type DmrsLength = 1 | 2;

export type DmrsAdditionalPosition = 0 | 1 | 2 | 3;

/** The symbols after l0, for 0 to 3 additional positions; where a list is short, the table's cell is empty. */
type Row = readonly (readonly number[])[];

const NONE: Row = [];
const FIRST_ONLY: Row = [[], [], [], []];

/** TS 38.211 Table 6.4.1.1.3-3, mapping type A: single-symbol DM-RS by l_d. */
function singleA(duration: number): Row {
  if (duration < 4) return NONE;
  if (duration <= 7) return FIRST_ONLY;
  if (duration <= 9) return [[], [7], [7], [7]];
  if (duration <= 11) return [[], [9], [6, 9], [6, 9]];
  if (duration === 12) return [[], [9], [6, 9], [5, 8, 11]];
  return [[], [11], [7, 11], [5, 8, 11]];
}

/** TS 38.211 Table 6.4.1.1.3-3, mapping type B. */
function singleB(duration: number): Row {
  if (duration <= 4) return FIRST_ONLY;
  if (duration <= 7) return [[], [4], [4], [4]];
  if (duration <= 9) return [[], [6], [3, 6], [3, 6]];
  if (duration <= 11) return [[], [8], [4, 8], [3, 6, 9]];
  return [[], [10], [5, 10], [3, 6, 9]];
}

/** TS 38.211 Table 6.4.1.1.3-4, mapping type A: double-symbol DM-RS by l_d. */
function doubleA(duration: number): Row {
  if (duration < 4) return NONE;
  if (duration <= 9) return [[], []];
  if (duration <= 12) return [[], [8]];
  return [[], [10]];
}

/** TS 38.211 Table 6.4.1.1.3-4, mapping type B. */
function doubleB(duration: number): Row {
  if (duration < 5) return NONE;
  if (duration <= 7) return [[], []];
  if (duration <= 9) return [[], [5]];
  if (duration <= 11) return [[], [7]];
  return [[], [9]];
}

/** What the position of DM-RS symbols depends on, without frequency hopping. */
export interface DmrsPlacement {
  readonly mappingType: DmrsMappingType;
  readonly length: DmrsLength;
  readonly additionalPosition: DmrsAdditionalPosition;
  /** l0 of mapping type A (dmrs-TypeA-Position). */
  readonly typeAPosition: 2 | 3;
  readonly startSymbolIndex: number;
  readonly nrOfSymbols: number;
}

/**
 * OFDM symbols of the slot that carry DM-RS, ascending (TS 38.211 6.4.1.1.3).
 * @returns undefined where the standard has no such placement: an empty cell of the tables, three additional
 * positions with dmrs-TypeA-Position 3, or double-symbol DM-RS in l_d = 4 with dmrs-TypeA-Position 3.
 */
export function dmrsSymbolPositions(placement: DmrsPlacement): number[] | undefined {
  const { mappingType, length, additionalPosition, typeAPosition, startSymbolIndex, nrOfSymbols } = placement;
  const typeA = mappingType === "A";
  const duration = typeA ? startSymbolIndex + nrOfSymbols : nrOfSymbols;
  if (typeA && typeAPosition === 3 && (additionalPosition === 3 || (length === 2 && duration === 4)))
    return undefined;
  const row = length === 1 ? (typeA ? singleA : singleB)(duration) : (typeA ? doubleA : doubleB)(duration);
  const additional = row[additionalPosition];
  if (additional === undefined) return undefined;
  const origin = typeA ? 0 : startSymbolIndex;
  const first = typeA ? typeAPosition : 0;
  return [first, ...additional].flatMap((position) =>
    length === 1 ? [origin + position] : [origin + position, origin + position + 1],
  );
}
