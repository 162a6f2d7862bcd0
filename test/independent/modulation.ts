import type { Complex } from "./complex.js";
import { multiply, scale, unit } from "./complex.js";

/** Modulation order Qm: 1 is π/2-BPSK. */
export type ModulationOrder = 1 | 2 | 4 | 6 | 8;

/** TS 38.211 5.1.1, 5.1.3–5.1.6: the symbol of Qm bits; for Qm = 1 that of an even symbol index. */
export function constellationPoint(bits: readonly number[]): Complex {
  const s = bits.map((bit) => 1 - 2 * bit);
  switch (bits.length) {
    case 1:
      return scale({ re: s[0]!, im: s[0]! }, 1 / Math.sqrt(2));
    case 2:
      return scale({ re: s[0]!, im: s[1]! }, 1 / Math.sqrt(2));
    case 4:
      return scale({ re: s[0]! * (2 - s[2]!), im: s[1]! * (2 - s[3]!) }, 1 / Math.sqrt(10));
    case 6:
      return scale(
        { re: s[0]! * (4 - s[2]! * (2 - s[4]!)), im: s[1]! * (4 - s[3]! * (2 - s[5]!)) },
        1 / Math.sqrt(42),
      );
    case 8:
      return scale(
        {
          re: s[0]! * (8 - s[2]! * (4 - s[4]! * (2 - s[6]!))),
          im: s[1]! * (8 - s[3]! * (4 - s[5]! * (2 - s[7]!))),
        },
        1 / Math.sqrt(170),
      );
    default:
      throw new Error(`no modulation of ${bits.length} bits`);
  }
}

/** TS 38.211 5.1: modulation of a multiple of Qm bits. */
export function modulate(bits: readonly number[], modulationOrder: ModulationOrder): Complex[] {
  const symbols: Complex[] = [];
  for (let i = 0; i * modulationOrder < bits.length; i++) {
    const point = constellationPoint(bits.slice(i * modulationOrder, (i + 1) * modulationOrder));
    symbols.push(modulationOrder === 1 ? multiply(unit((Math.PI / 2) * (i % 2)), point) : point);
  }
  return symbols;
}
