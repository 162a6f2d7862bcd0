import type { Complex } from "./complex.js";
import { add, complex, multiply, scale, zero } from "./complex.js";

/** Precoding matrix `[antenna port][layer]`. */
export type PrecodingMatrix = Complex[][];

/** TS 38.211 6.3.1.3 and Table 7.3.1.3-1: x[layer][i] = d(layers·i + layer), for one codeword. */
export function mapToLayers(symbols: readonly Complex[], layers: number): Complex[][] {
  return Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: symbols.length / layers }, (_, i) => symbols[layers * i + layer]!),
  );
}

// A row of the tables is one antenna port, a character one layer; n is −1 and m is −j.
const letters: Record<string, Complex> = {
  "0": zero,
  "1": complex(1),
  n: complex(-1),
  j: complex(0, 1),
  m: complex(0, -1),
};

/** A matrix from its factor and its rows, separated by spaces. */
function matrix(factor: number, rows: string): PrecodingMatrix {
  return rows.split(" ").map((row) => [...row].map((letter) => scale(letters[letter]!, factor)));
}

function matrices(factor: number, rows: readonly string[]): PrecodingMatrix[] {
  return rows.map((text) => matrix(factor, text));
}

const half = 1 / 2;

/** Table 6.3.1.5-1: one layer, two antenna ports. */
const oneLayerTwoPorts = matrices(Math.SQRT1_2, ["1 0", "0 1", "1 1", "1 n", "1 j", "1 m"]);

/** Table 6.3.1.5-2: one layer, four antenna ports, transform precoding enabled. */
const oneLayerFourPortsTransformPrecoded = matrices(half, [
  ...["1 0 0 0", "0 1 0 0", "0 0 1 0", "0 0 0 1", "1 0 1 0", "1 0 n 0", "1 0 j 0", "1 0 m 0"],
  ...["0 1 0 1", "0 1 0 n", "0 1 0 j", "0 1 0 m", "1 1 1 n", "1 1 j j", "1 1 n 1", "1 1 m m"],
  ...["1 j 1 j", "1 j j 1", "1 j n m", "1 j m n", "1 n 1 1", "1 n j m", "1 n n n", "1 n m j"],
  ...["1 m 1 m", "1 m j n", "1 m n j", "1 m m 1"],
]);

/** Table 6.3.1.5-3: one layer, four antenna ports, transform precoding disabled. */
const oneLayerFourPorts = matrices(half, [
  ...["1 0 0 0", "0 1 0 0", "0 0 1 0", "0 0 0 1", "1 0 1 0", "1 0 n 0", "1 0 j 0", "1 0 m 0"],
  ...["0 1 0 1", "0 1 0 n", "0 1 0 j", "0 1 0 m", "1 1 1 1", "1 1 j j", "1 1 n n", "1 1 m m"],
  ...["1 j 1 j", "1 j j n", "1 j n m", "1 j m 1", "1 n 1 n", "1 n j m", "1 n n 1", "1 n m j"],
  ...["1 m 1 m", "1 m j 1", "1 m n j", "1 m m n"],
]);

/** Table 6.3.1.5-4: two layers, two antenna ports. */
const twoLayersTwoPorts = [matrix(Math.SQRT1_2, "10 01"), matrix(half, "11 1n"), matrix(half, "11 jm")];

/** Table 6.3.1.5-5: two layers, four antenna ports. */
const twoLayersFourPorts = [
  ...matrices(half, [
    ...["10 01 00 00", "10 00 01 00", "10 00 00 01", "00 10 01 00", "00 10 00 01", "00 00 10 01"],
    ...["10 01 10 0m", "10 01 10 0j", "10 01 m0 01", "10 01 m0 0n"],
    ...["10 01 n0 0m", "10 01 n0 0j", "10 01 j0 01", "10 01 j0 0n"],
  ]),
  ...matrices(half * Math.SQRT1_2, [
    ...["11 11 1n 1n", "11 11 jm jm", "11 jj 1n jm", "11 jj jm n1"],
    ...["11 nn 1n n1", "11 nn jm mj", "11 mm 1n mj", "11 mm jm 1n"],
  ]),
];

/** Table 6.3.1.5-6: three layers, four antenna ports. */
const threeLayersFourPorts = [
  ...matrices(half, ["100 010 001 000", "100 010 100 001", "100 010 n00 001"]),
  ...matrices(half / Math.sqrt(3), [
    ...["111 1n1 11n 1nn", "111 1n1 jjm jmm", "111 n1n 11n n11", "111 n1n jjm mjj"],
  ]),
];

/** Table 6.3.1.5-7: four layers, four antenna ports. */
const fourLayersFourPorts = [
  matrix(half, "1000 0100 0010 0001"),
  ...matrices(half * Math.SQRT1_2, ["1100 0011 1n00 001n", "1100 0011 jm00 00jm"]),
  ...matrices(1 / 4, ["1111 1n1n 11nn 1nn1", "1111 1n1n jjmm jmmj"]),
];

/**
 * TS 38.211 6.3.1.5: all precoding matrices of codebook-based transmission, by
 * TPMI. Empty for a pair of layers and ports that has no table; one layer on one port has W = 1.
 */
export function codebook(
  layers: number,
  antennaPorts: number,
  transformPrecoding = false,
): PrecodingMatrix[] {
  switch (`${layers} on ${antennaPorts}`) {
    case "1 on 1":
      return [matrix(1, "1")];
    case "1 on 2":
      return oneLayerTwoPorts;
    case "1 on 4":
      return transformPrecoding ? oneLayerFourPortsTransformPrecoded : oneLayerFourPorts;
    case "2 on 2":
      return twoLayersTwoPorts;
    case "2 on 4":
      return twoLayersFourPorts;
    case "3 on 4":
      return threeLayersFourPorts;
    case "4 on 4":
      return fourLayersFourPorts;
    default:
      return [];
  }
}

/** TS 38.211 6.3.1.5: W of non-codebook-based transmission, the identity. */
export function identity(layers: number): PrecodingMatrix {
  return Array.from({ length: layers }, (_, row) =>
    Array.from({ length: layers }, (_, column) => complex(row === column ? 1 : 0)),
  );
}

/** W · x for one resource element: `x` by layer, the result by antenna port. */
export function precode(w: PrecodingMatrix, x: readonly Complex[]): Complex[] {
  return w.map((row) => row.reduce((sum, weight, layer) => add(sum, multiply(weight, x[layer]!)), zero));
}
