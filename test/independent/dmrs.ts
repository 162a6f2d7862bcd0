import type { Complex } from "./complex.js";
import { goldSequence } from "./gold.js";

/** What TS 38.211 6.4.1.1 needs to know of a grant; transform precoding and frequency hopping disabled. */
export interface DmrsConfiguration {
  readonly dmrsConfigType: 1 | 2;
  /** Symbols of a front-loaded DM-RS: 1 single, 2 double. */
  readonly dmrsLength: 1 | 2;
  readonly mappingType: "A" | "B";
  /** dmrs-TypeA-Position: l0 of mapping type A. */
  readonly dmrsTypeAPosition: 2 | 3;
  /** dmrs-AdditionalPosition: 0 to 3, for double symbols 0 to 1. */
  readonly dmrsAdditionalPosition: 0 | 1 | 2 | 3;
  readonly startSymbolIndex: number;
  readonly nrOfSymbols: number;
}

// Positions after l0, by the duration l_d = 4 … 14 and the additional position 0 … 3.
type PositionTable = readonly (readonly (readonly number[])[])[];

const none: readonly number[] = [];

/** Table 6.4.1.1.3-3, mapping type A. */
const singleA: PositionTable = [
  [none, none, none, none],
  [none, none, none, none],
  [none, none, none, none],
  [none, none, none, none],
  [none, [7], [7], [7]],
  [none, [7], [7], [7]],
  [none, [9], [6, 9], [6, 9]],
  [none, [9], [6, 9], [6, 9]],
  [none, [9], [6, 9], [5, 8, 11]],
  [none, [11], [7, 11], [5, 8, 11]],
  [none, [11], [7, 11], [5, 8, 11]],
];

/** Table 6.4.1.1.3-3, mapping type B. */
const singleB: PositionTable = [
  [none, none, none, none],
  [none, [4], [4], [4]],
  [none, [4], [4], [4]],
  [none, [4], [4], [4]],
  [none, [6], [3, 6], [3, 6]],
  [none, [6], [3, 6], [3, 6]],
  [none, [8], [4, 8], [3, 6, 9]],
  [none, [8], [4, 8], [3, 6, 9]],
  [none, [10], [5, 10], [3, 6, 9]],
  [none, [10], [5, 10], [3, 6, 9]],
  [none, [10], [5, 10], [3, 6, 9]],
];

/** Table 6.4.1.1.3-4, mapping type A. */
const doubleA: PositionTable = [
  [none, none],
  [none, none],
  [none, none],
  [none, none],
  [none, none],
  [none, none],
  [none, [8]],
  [none, [8]],
  [none, [8]],
  [none, [10]],
  [none, [10]],
];

/** Table 6.4.1.1.3-4, mapping type B; a duration of 4 has no entry. */
const doubleB: PositionTable = [
  [],
  [none, none],
  [none, none],
  [none, none],
  [none, [5]],
  [none, [5]],
  [none, [7]],
  [none, [7]],
  [none, [9]],
  [none, [9]],
  [none, [9]],
];

/**
 * TS 38.211 Tables 6.4.1.1.3-3 and -4: the positions l̄, relative to the start of the slot (mapping type A) or of
 * the PUSCH (B); undefined where the tables have no entry.
 */
export function dmrsPositions(configuration: DmrsConfiguration): number[] | undefined {
  const { dmrsLength, mappingType, dmrsAdditionalPosition, startSymbolIndex, nrOfSymbols } = configuration;
  const typeA = mappingType === "A";
  const duration = typeA ? startSymbolIndex + nrOfSymbols : nrOfSymbols;
  const first = typeA ? configuration.dmrsTypeAPosition : 0;
  if (duration < 4) {
    return typeA || dmrsLength === 2 ? undefined : [first];
  }
  const single = typeA ? singleA : singleB;
  const double = typeA ? doubleA : doubleB;
  const additional = (dmrsLength === 1 ? single : double)[duration - 4]?.[dmrsAdditionalPosition];
  return additional ? [first, ...additional] : undefined;
}

/** One OFDM symbol that carries DM-RS: its index in the slot and l' of 6.4.1.1.3. */
export interface DmrsSymbol {
  readonly symbol: number;
  readonly lPrime: 0 | 1;
}

/** The OFDM symbols with DM-RS of a grant, in order; throws where the tables have no entry. */
export function dmrsSymbols(configuration: DmrsConfiguration): DmrsSymbol[] {
  const positions = dmrsPositions(configuration);
  if (!positions) {
    throw new Error("Tables 6.4.1.1.3-3 and -4 have no entry for this grant");
  }
  const reference = configuration.mappingType === "A" ? 0 : configuration.startSymbolIndex;
  return positions.flatMap((position) => {
    const symbols: DmrsSymbol[] = [{ symbol: reference + position, lPrime: 0 }];
    if (configuration.dmrsLength === 2) {
      symbols.push({ symbol: reference + position + 1, lPrime: 1 });
    }
    return symbols;
  });
}

/** A DM-RS antenna port: a row of Table 6.4.1.1.3-1 or -2. */
export interface DmrsPort {
  readonly cdmGroup: number;
  readonly delta: number;
  /** w_f(0), w_f(1). */
  readonly wf: readonly [number, number];
  /** w_t(0), w_t(1). */
  readonly wt: readonly [number, number];
}

/** TS 38.211 Table 6.4.1.1.3-1: configuration type 1, ports 0 to 7. */
const type1Ports: readonly DmrsPort[] = [
  { cdmGroup: 0, delta: 0, wf: [1, 1], wt: [1, 1] },
  { cdmGroup: 0, delta: 0, wf: [1, -1], wt: [1, 1] },
  { cdmGroup: 1, delta: 1, wf: [1, 1], wt: [1, 1] },
  { cdmGroup: 1, delta: 1, wf: [1, -1], wt: [1, 1] },
  { cdmGroup: 0, delta: 0, wf: [1, 1], wt: [1, -1] },
  { cdmGroup: 0, delta: 0, wf: [1, -1], wt: [1, -1] },
  { cdmGroup: 1, delta: 1, wf: [1, 1], wt: [1, -1] },
  { cdmGroup: 1, delta: 1, wf: [1, -1], wt: [1, -1] },
];

/** TS 38.211 Table 6.4.1.1.3-2: configuration type 2, ports 0 to 11. */
const type2Ports: readonly DmrsPort[] = [
  { cdmGroup: 0, delta: 0, wf: [1, 1], wt: [1, 1] },
  { cdmGroup: 0, delta: 0, wf: [1, -1], wt: [1, 1] },
  { cdmGroup: 1, delta: 2, wf: [1, 1], wt: [1, 1] },
  { cdmGroup: 1, delta: 2, wf: [1, -1], wt: [1, 1] },
  { cdmGroup: 2, delta: 4, wf: [1, 1], wt: [1, 1] },
  { cdmGroup: 2, delta: 4, wf: [1, -1], wt: [1, 1] },
  { cdmGroup: 0, delta: 0, wf: [1, 1], wt: [1, -1] },
  { cdmGroup: 0, delta: 0, wf: [1, -1], wt: [1, -1] },
  { cdmGroup: 1, delta: 2, wf: [1, 1], wt: [1, -1] },
  { cdmGroup: 1, delta: 2, wf: [1, -1], wt: [1, -1] },
  { cdmGroup: 2, delta: 4, wf: [1, 1], wt: [1, -1] },
  { cdmGroup: 2, delta: 4, wf: [1, -1], wt: [1, -1] },
];

/** The row of DM-RS port p (the 1000 of the antenna port number left out). */
export function dmrsPort(configType: 1 | 2, port: number): DmrsPort {
  const row = (configType === 1 ? type1Ports : type2Ports)[port];
  if (!row) {
    throw new Error(`configuration type ${configType} has no port ${port}`);
  }
  return row;
}

/** The subcarrier, counted from subcarrier 0 of common resource block 0, of pilot (n, k') of a port. */
export function dmrsSubcarrier(configType: 1 | 2, delta: number, n: number, kPrime: number): number {
  return configType === 1 ? 4 * n + 2 * kPrime + delta : 6 * n + kPrime + delta;
}

/** TS 38.211 6.4.1.1.1.1: c_init of one OFDM symbol, in Release 15 form (and 16 without low-PAPR DM-RS). */
export function dmrsInitialization(
  symbolsPerSlot: number,
  slot: number,
  symbol: number,
  scramblingId: number,
  scid: 0 | 1,
): number {
  const value =
    2n ** 17n * BigInt(symbolsPerSlot * slot + symbol + 1) * (2n * BigInt(scramblingId) + 1n) +
    2n * BigInt(scramblingId) +
    BigInt(scid);
  return Number(value % 2n ** 31n);
}

/** TS 38.211 6.4.1.1.1.1: r(0) … r(length − 1), counted from common resource block 0. */
export function dmrsSequence(initialization: number, length: number): Complex[] {
  const c = goldSequence(initialization, 2 * length);
  return Array.from({ length }, (_, n) => ({
    re: Math.SQRT1_2 * (1 - 2 * c[2 * n]!),
    im: Math.SQRT1_2 * (1 - 2 * c[2 * n + 1]!),
  }));
}

/**
 * TS 38.214 6.2.2 and Table 6.2.2-1: β_DMRS. The 0, −3 and −4.77 dB of the table are read as the power ratios
 * 1, 1/2 and 1/3 that they round.
 */
export function dmrsAmplitude(cdmGroupsWithoutData: number): number {
  return Math.sqrt(cdmGroupsWithoutData);
}

/** TS 38.211 Tables 6.4.1.1.3-1 and -2: the CDM group whose pilots may use subcarrier k. */
export function cdmGroupOf(configType: 1 | 2, subcarrier: number): number {
  return configType === 1 ? subcarrier % 2 : Math.floor((subcarrier % 6) / 2);
}
