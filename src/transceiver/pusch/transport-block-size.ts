/** TS 38.214 Table 5.1.3.2-1. */
const SIZES = [
  24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160, 168, 176, 184, 192, 208,
  224, 240, 256, 272, 288, 304, 320, 336, 352, 368, 384, 408, 432, 456, 480, 504, 528, 552, 576, 608, 640,
  672, 704, 736, 768, 808, 848, 888, 928, 984, 1032, 1064, 1128, 1160, 1192, 1224, 1256, 1288, 1320, 1352,
  1416, 1480, 1544, 1608, 1672, 1736, 1800, 1864, 1928, 2024, 2088, 2152, 2216, 2280, 2408, 2472, 2536, 2600,
  2664, 2728, 2792, 2856, 2976, 3104, 3240, 3368, 3496, 3624, 3752, 3824,
];

/** What a transport block size is computed from. */
export interface TransportBlockResources {
  /** n_PRB. */
  readonly prbs: number;
  /** OFDM symbols of the allocation, N_symb^sh. */
  readonly symbols: number;
  /** N_DMRS^PRB: resource elements of a PRB lost to DM-RS, those of CDM groups without data included. */
  readonly dmrsPerPrb: number;
  /** N_oh^PRB. */
  readonly overheadPerPrb: number;
  readonly modulationOrder: number;
  /** R, from 0 to 1. */
  readonly targetCodeRate: number;
  readonly layers: number;
  /** S of TS 38.214 5.1.3.2, which scales downlink paging and random access; 1 for PUSCH. */
  readonly scaling: number;
}

/** Transport block size in bits (TS 38.214 5.1.3.2 and 6.1.4.2). */
export function transportBlockSize(resources: TransportBlockResources): number {
  const { prbs, symbols, dmrsPerPrb, overheadPerPrb, modulationOrder, targetCodeRate, layers, scaling } =
    resources;
  const perPrb = Math.min(156, 12 * symbols - dmrsPerPrb - overheadPerPrb);
  return quantizedSize(scaling * perPrb * prbs * targetCodeRate * modulationOrder * layers, targetCodeRate);
}

/**
 * TBS_LBRM of TS 38.212 5.4.2.1 in bits: what the limited soft buffer is sized for.
 * @param bwpSize largest bandwidth part of the carrier, in PRBs.
 */
export function limitedBufferTransportBlockSize(
  bwpSize: number,
  layers: number,
  modulationOrder: number,
): number {
  const prbs = [32, 66, 107, 135, 162, 217].find((limit) => bwpSize <= limit) ?? 273;
  const rate = 948 / 1024;
  return quantizedSize(156 * prbs * rate * modulationOrder * layers, rate);
}

/** Steps 3 and 4 of TS 38.214 5.1.3.2: from N_info to a size. */
function quantizedSize(informationBits: number, targetCodeRate: number): number {
  if (informationBits <= 3824) {
    const step = 2 ** Math.max(3, floorLog2(informationBits) - 6);
    const quantized = Math.max(24, step * Math.floor(informationBits / step));
    return SIZES.find((size) => size >= quantized)!;
  }
  const step = 2 ** (floorLog2(informationBits - 24) - 5);
  const quantized = Math.max(3840, step * Math.floor((informationBits - 24) / step + 0.5));
  const blocks =
    targetCodeRate <= 1 / 4
      ? Math.ceil((quantized + 24) / 3816)
      : quantized > 8424
        ? Math.ceil((quantized + 24) / 8424)
        : 1;
  return 8 * blocks * Math.ceil((quantized + 24) / (8 * blocks)) - 24;
}

/** Exact, unlike the floor of Math.log2, next to powers of two; 0 below 2. */
function floorLog2(value: number): number {
  return 31 - Math.clz32(Math.max(1, value));
}
