import type { Complex } from "./complex.js";
import { scale } from "./complex.js";
import { dft } from "./dft.js";
import type { ModulationAndCoding } from "./tbs.js";

/** What a transmission with transform precoding has beyond one without. */
export interface TransformPrecoding {
  /** tp-pi2BPSK. */
  readonly pi2Bpsk: boolean;
  /** nPUSCH-Identity; physCellId where not configured. */
  readonly puschIdentity?: number | undefined;
  readonly hopping: "neither" | "group" | "sequence";
}

/** TS 38.211 6.3.1.4: whether so many PRBs are 2^a2 · 3^a3 · 5^a5. */
export function isTransformable(prbs: number): boolean {
  for (let two = 1; two <= prbs; two *= 2)
    for (let three = two; three <= prbs; three *= 3)
      for (let five = three; five <= prbs; five *= 5) if (five === prbs) return true;
  return false;
}

/** TS 38.211 6.3.1.4: y from x, sets of `size` symbols, one an OFDM symbol. */
export function transformPrecode(x: readonly Complex[], size: number): Complex[] {
  const sets = Array.from({ length: x.length / size }, (_, l) => x.slice(size * l, size * (l + 1)));
  return sets.flatMap((set) => dft(set).map((value) => scale(value, 1 / Math.sqrt(size))));
}

const qpsk: readonly (readonly [number, number])[] = [
  [2, 193],
  [2, 251],
  [2, 308],
  [2, 379],
  [2, 449],
  [2, 526],
  [2, 602],
  [2, 679],
];

/** TS 38.214 Table 6.1.4.1-1: rows Q_m, 1024 R; Q_m 0 stands for q, and 1024 R for that times q. */
const table1: readonly (readonly [number, number])[] = [
  ...([
    [0, 240],
    [0, 314],
  ] as const),
  ...qpsk,
  ...([
    [4, 340],
    [4, 378],
    [4, 434],
    [4, 490],
    [4, 553],
    [4, 616],
    [4, 658],
  ] as const),
  ...([
    [6, 466],
    [6, 517],
    [6, 567],
    [6, 616],
    [6, 666],
    [6, 719],
  ] as const),
  ...([
    [6, 772],
    [6, 822],
    [6, 873],
    [6, 910],
    [6, 948],
  ] as const),
];

/** TS 38.214 Table 6.1.4.1-2. */
const table2: readonly (readonly [number, number])[] = [
  ...([
    [0, 60],
    [0, 80],
    [0, 100],
    [0, 128],
    [0, 156],
    [0, 198],
  ] as const),
  ...([
    [2, 120],
    [2, 157],
  ] as const),
  ...qpsk,
  ...([
    [4, 378],
    [4, 434],
    [4, 490],
    [4, 553],
    [4, 616],
    [4, 658],
    [4, 699],
    [4, 772],
  ] as const),
  ...([
    [6, 567],
    [6, 616],
    [6, 666],
    [6, 772],
  ] as const),
];

/** TS 38.214 Tables 6.1.4.1-1 and -2 without the reserved indices. */
export function transformPrecodedMcsTable(table: 1 | 2, pi2Bpsk: boolean): ModulationAndCoding[] {
  const q = pi2Bpsk ? 1 : 2;
  return (table === 1 ? table1 : table2).map(([order, rate]) =>
    order === 0
      ? { modulationOrder: q, codeRate1024: rate / q }
      : { modulationOrder: order, codeRate1024: rate },
  );
}
