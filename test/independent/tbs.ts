import { readText } from "./reference-data.js";

/** TS 38.214 Table 5.1.3.2-1: transport block sizes for N_info ≤ 3824. */
export const smallSizes: readonly number[] = [
  24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160, 168, 176, 184, 192, 208,
  224, 240, 256, 272, 288, 304, 320, 336, 352, 368, 384, 408, 432, 456, 480, 504, 528, 552, 576, 608, 640,
  672, 704, 736, 768, 808, 848, 888, 928, 984, 1032, 1064, 1128, 1160, 1192, 1224, 1256, 1288, 1320, 1352,
  1416, 1480, 1544, 1608, 1672, 1736, 1800, 1864, 1928, 2024, 2088, 2152, 2216, 2280, 2408, 2472, 2536, 2600,
  2664, 2728, 2792, 2856, 2976, 3104, 3240, 3368, 3496, 3624, 3752, 3824,
];

/** Modulation order and 1024 times the target code rate. */
export interface ModulationAndCoding {
  readonly modulationOrder: number;
  readonly codeRate1024: number;
}

/** TS 38.214 6.1.4.1: MCS tables 1 to 3 without the reserved indices, transform precoding disabled. */
export function mcsTable(table: 1 | 2 | 3): ModulationAndCoding[] {
  const { tables } = JSON.parse(readText("3gpp/mcs_tables.json")) as {
    tables: Record<string, Record<string, number[]>>;
  };
  return Object.entries(tables[table]!).flatMap(([order, rates]) =>
    rates.map((codeRate1024) => ({ modulationOrder: Number(order), codeRate1024 })),
  );
}

/** TS 38.214 6.1.4.2 step 1: N_RE for PUSCH. */
export function resourceElements(
  symbols: number,
  dmrsElementsPerPrb: number,
  overheadPerPrb: number,
  prbs: number,
): number {
  return Math.min(156, 12 * symbols - dmrsElementsPerPrb - overheadPerPrb) * prbs;
}

export interface TransportBlockSizeInput extends ModulationAndCoding {
  readonly resourceElements: number;
  readonly layers: number;
  /** Scaling of N_info (downlink only): 1, 1/2 or 1/4. */
  readonly scaling?: number;
}

/** TS 38.214 5.1.3.2 steps 2 to 4, by reference of 6.1.4.2: transport block size in bits. */
export function transportBlockSize(input: TransportBlockSizeInput): number {
  const { modulationOrder, codeRate1024, layers } = input;
  const information =
    ((input.scaling ?? 1) * input.resourceElements * codeRate1024 * modulationOrder * layers) / 1024;
  if (information <= 3824) {
    const n = Math.max(3, floorLog2(information) - 6);
    const quantized = Math.max(24, 2 ** n * Math.floor(information / 2 ** n));
    return smallSizes.find((size) => size >= quantized)!;
  }
  const n = floorLog2(information - 24) - 5;
  const quantized = Math.max(3840, 2 ** n * Math.round((information - 24) / 2 ** n));
  if (codeRate1024 <= 256) {
    const count = Math.ceil((quantized + 24) / 3816);
    return 8 * count * Math.ceil((quantized + 24) / (8 * count)) - 24;
  }
  if (quantized > 8424) {
    const count = Math.ceil((quantized + 24) / 8424);
    return 8 * count * Math.ceil((quantized + 24) / (8 * count)) - 24;
  }
  return 8 * Math.ceil((quantized + 24) / 8) - 24;
}

function floorLog2(value: number): number {
  let exponent = 0;
  while (2 ** (exponent + 1) <= value) {
    exponent++;
  }
  return exponent;
}
