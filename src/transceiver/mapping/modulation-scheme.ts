import type { State } from "../../functions/index.js";
import { grantFieldIndex } from "../pusch/grant-message.js";

/** Where each field of the modulation scheme stands; zeros before the first grant. */
export const modulationSchemeIndex = Object.freeze({
  /** Q_m. */
  modulationOrder: 0,
  /** c_init of data scrambling. */
  scramblingInit: 1,
  /** TPMI of codebook-based transmission, -1 without. */
  tpmi: 2,
});

/** The state that mapping and demapping keep: how codewords under the grant in force are modulated. */
export const modulationScheme = {
  dtype: "int32",
  dimensions: [Object.keys(modulationSchemeIndex).length],
  version: 1,
} as const satisfies State;

/** Takes the modulation scheme out of a grant message; one that is not valid leaves it. Allocates nothing. */
export function keepModulationScheme(grant: Int32Array, scheme: Int32Array): void {
  if (grant[grantFieldIndex.valid] === 0) return;
  scheme[modulationSchemeIndex.modulationOrder] = grant[grantFieldIndex.modulationOrder]!;
  scheme[modulationSchemeIndex.scramblingInit] = grant[grantFieldIndex.scramblingInit]!;
  scheme[modulationSchemeIndex.tpmi] = grant[grantFieldIndex.tpmi]!;
}
