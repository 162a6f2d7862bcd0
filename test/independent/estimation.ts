import type { Complex } from "./complex.js";
import { add, divide, scale, zero } from "./complex.js";
import type { DmrsSymbol } from "./dmrs.js";
import { dmrsAmplitude } from "./dmrs.js";
import type { DmrsTransmission, Pilot } from "./resource-mapping.js";
import { pilots } from "./resource-mapping.js";

/** Least squares at one pilot: y / (β·w·r); other ports of the same CDM group are still in it. */
export interface PilotEstimate extends Pilot {
  readonly channel: Complex;
}

/** The channel of one port over the pilots of one CDM code, despread. */
export interface DespreadEstimate {
  /** First OFDM symbol of the code and its first and last subcarrier in the bandwidth part. */
  readonly symbol: number;
  readonly firstSubcarrier: number;
  readonly lastSubcarrier: number;
  readonly channel: Complex;
}

/** TS 38.211 6.4.1.1.3 undone: least squares at each pilot of a DM-RS port of one antenna's `[symbol][subcarrier]`. */
export function leastSquares(
  received: readonly (readonly Complex[])[],
  transmission: DmrsTransmission,
  dmrs: readonly DmrsSymbol[],
  port: number,
): PilotEstimate[] {
  const amplitude = dmrsAmplitude(transmission.numDmrsCdmGrpsNoData);
  return pilots(transmission, dmrs, port).map((pilot) => ({
    ...pilot,
    channel: divide(received[pilot.symbol]![pilot.subcarrier]!, scale(pilot.value, amplitude)),
  }));
}

/**
 * Least squares with CDM despreading: the mean of the pilots k' = 0, 1 (and l' = 0, 1 of double symbols), over which
 * the ports of a CDM group cancel when the channel stays. In order of symbol, then subcarrier.
 */
export function despread(
  received: readonly (readonly Complex[])[],
  transmission: DmrsTransmission,
  dmrs: readonly DmrsSymbol[],
  port: number,
): DespreadEstimate[] {
  const estimates = leastSquares(received, transmission, dmrs, port);
  return estimates
    .filter(({ kPrime, lPrime }) => kPrime === 0 && lPrime === 0)
    .map((first) => {
      const group = estimates.filter(
        (other) => other.n === first.n && other.symbol - other.lPrime === first.symbol,
      );
      const sum = group.reduce((total, { channel }) => add(total, channel), zero);
      return {
        symbol: first.symbol,
        firstSubcarrier: first.subcarrier,
        lastSubcarrier: Math.max(...group.map(({ subcarrier }) => subcarrier)),
        channel: scale(sum, 1 / group.length),
      };
    });
}
