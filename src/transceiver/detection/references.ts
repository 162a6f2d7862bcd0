import { grantFieldIndex } from "../pusch/grant-message.js";
import { dmrsWeight, type PuschConfiguration, prepareDmrsSequence } from "../pusch/index.js";

/** The DM-RS of the first layer as it is sent, complex64 `[DM-RS symbol][pilot]`, amplitude included; overwritten by the next call. */
export type References = (grant: Int32Array) => Float32Array;

/** Prepares {@link References} for a configuration and all with its key. Allocates nothing when it runs. */
export function prepareReferences({ dmrs }: PuschConfiguration): References {
  const { pilots, symbols, amplitude } = dmrs;
  const port = dmrs.ports[0]!;
  const writeSequence = prepareDmrsSequence(dmrs);
  const references = new Float32Array(2 * symbols.length * pilots);
  const rows = symbols.map((_, ordinal) =>
    references.subarray(2 * ordinal * pilots, 2 * (ordinal + 1) * pilots),
  );
  return (grant) => {
    for (let ordinal = 0; ordinal < rows.length; ordinal++) {
      const row = rows[ordinal]!;
      writeSequence(grant[grantFieldIndex.dmrsInits + ordinal]!, row);
      for (let pilot = 0; pilot < pilots; pilot++) {
        const weight = amplitude * dmrsWeight(dmrs, port, ordinal, pilot);
        row[2 * pilot]! *= weight;
        row[2 * pilot + 1]! *= weight;
      }
    }
    return references;
  };
}
