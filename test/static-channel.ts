import {
  add,
  type Complex,
  conjugate,
  multiply,
  power,
  scale,
  subtract,
  unit,
  zero,
} from "./independent/complex.js";
import type { RandomGenerator } from "./independent/random-generator.js";

/** A channel that stands still: delays in seconds and gains of each path between each pair of antennas. */
export interface StaticChannel {
  readonly receiveAntennas: number;
  readonly transmitPorts: number;
  readonly delays: readonly number[];
  /** `[receive antenna][transmit port][path]`. */
  readonly gains: readonly (readonly (readonly Complex[])[])[];
}

/** Complex normal gains of power 1 in all paths together, delays uniform from 0 to `spread`; one path where it is 0. */
export function randomChannel(
  random: RandomGenerator,
  receiveAntennas: number,
  transmitPorts: number,
  spread: number,
): StaticChannel {
  const paths = spread > 0 ? 6 : 1;
  const delays = Array.from({ length: paths }, () => spread * random.uniform());
  const deviation = Math.sqrt(0.5 / paths);
  const gains = Array.from({ length: receiveAntennas }, () =>
    Array.from({ length: transmitPorts }, () =>
      Array.from({ length: paths }, () => ({
        re: deviation * random.normal(),
        im: deviation * random.normal(),
      })),
    ),
  );
  return { receiveAntennas, transmitPorts, delays, gains };
}

/** Response at a frequency in Hz, `[receive antenna][transmit port]`. */
export function response({ delays, gains }: StaticChannel, frequency: number): Complex[][] {
  const turns = delays.map((delay) => unit(-2 * Math.PI * frequency * delay));
  return gains.map((row) =>
    row.map((paths) => paths.reduce((sum, gain, path) => add(sum, multiply(gain, turns[path]!)), zero)),
  );
}

/** The least power that zero forcing leaves of a layer: response `[antenna][port]`, precoding `[port][layer]`. */
export function leastLayerPower(
  h: readonly (readonly Complex[])[],
  w: readonly (readonly Complex[])[],
): number {
  const layers = w[0]!.length;
  const columns = Array.from({ length: layers }, (_, layer) =>
    h.map((row) => row.reduce((sum, gain, port) => add(sum, multiply(gain, w[port]![layer]!)), zero)),
  );
  const powers = columns.map((column, own) => {
    const basis: Complex[][] = [];
    for (const vector of [...columns.filter((_, other) => other !== own), column]) {
      basis.push(basis.reduce((rest, unitVector) => withoutPart(rest, unitVector), vector));
    }
    return energy(basis.at(-1)!);
  });
  return Math.min(...powers);
}

/** A vector without its part along another one. */
function withoutPart(vector: Complex[], along: readonly Complex[]): Complex[] {
  const dot = vector.reduce((sum, value, k) => add(sum, multiply(conjugate(along[k]!), value)), zero);
  const part = scale(dot, 1 / Math.max(energy(along), Number.MIN_VALUE));
  return vector.map((value, k) => subtract(value, multiply(part, along[k]!)));
}

function energy(vector: readonly Complex[]): number {
  return vector.reduce((sum, value) => sum + power(value), 0);
}
