import { NeuroranError } from "../../errors.js";
import { prepareTransform } from "../extraction/prepared-transform.js";
import type { EqualizationMethod } from "./equalization-kernel.js";
import type { EqualizationContext } from "./function.js";
import { subcarrierWeightKernel } from "./subcarrier-weight-kernel.js";

/**
 * Prepares the step behind equalization that undoes transform precoding (TS 38.211 6.3.1.4), in place of the outputs;
 * one that does nothing where there is none.
 *
 * A subcarrier k comes unbiased with noise variance v_k. Any method but zero forcing goes back to its MMSE estimate, of
 * gain μ_k = 1/(1 + v_k), so that a faded subcarrier does not drown the others' symbols. The inverse transform gives every
 * symbol the gain μ̄, the mean of μ_k; what differs between subcarriers is interference among the symbols. Since the
 * estimate's power is μ_k on each subcarrier, that and the noise have the variance μ̄ - μ̄² together; divided by the gain
 * the symbol is unbiased again, with variance (1 - μ̄)/μ̄. Zero forcing has all μ_k = 1 and the variance mean(v_k).
 * @throws NeuroranError DIMENSION_MISMATCH for more than one layer, or data beside DM-RS.
 */
export function prepareTransformDeprecoding(
  method: EqualizationMethod,
  context: EqualizationContext,
): () => void {
  const { dimensions, outputs, parameters, compile, scratch } = context;
  const { layer, re, subcarrier: size } = dimensions;
  if (!parameters.signalType.transformPrecoding) return () => {};
  if (layer !== 1 || re % size !== 0)
    throw new NeuroranError(
      "DIMENSION_MISMATCH",
      `equalization: with transform precoding layer is ${layer} and must be 1, re is ${re} and must be a multiple of ${size}`,
    );
  const weigh = compile(subcarrierWeightKernel(method !== "zero-forcing"));
  const transform = prepareTransform(
    context,
    { size, sign: 1, input: "planes", output: "interleaved" },
    "many",
  );
  const weighted = scratch("weighted", "float32", 2, size).offset;
  // Found once: a new number that is handed to native code would be allocated.
  const root = Math.sqrt(size);
  const symbols = outputs.symbols.offset;
  const noise = outputs.noise.offset;
  return () => {
    for (let first = 0; first < re; first += size) {
      weigh(symbols + 8 * first, noise + 4 * first, weighted, size, root);
      transform(weighted, symbols + 8 * first);
    }
  };
}
