import { z } from "zod";
import {
  type Context,
  complex64,
  defineFunction,
  float32,
  int8,
  int32,
  uint8,
} from "../../functions/index.js";
import type { PuschConfiguration } from "../pusch/configuration.js";
import { prepareDemapping } from "./demapping.js";
import { demappingMethods } from "./demapping-kernel.js";
import { prepareLlrnet } from "./llrnet/implementation.js";
import { prepareMapping } from "./mapping.js";
import { modulationScheme } from "./modulation-scheme.js";
import { attemptDemapper } from "./neural-demapper.js";

/** M_sc of transform precoding, in subcarriers: 2^a·3^b·5^c resource blocks; 0 where it is disabled. */
const transformSize = z.int().min(0).max(3240).multipleOf(12).default(0);

/**
 * Scrambling, modulation, layer mapping, transform precoding and precoding of a codeword. `bits` holds one bit a byte, `symbols` the data
 * of each antenna port in mapping order, mean power 1 before precoding. `grant` is a grant message. Symbols are 0
 * before the first grant, and where the sizes do not fit the modulation order and TPMI in force. Transform precoding is
 * for one layer.
 */
export const mapping = defineFunction({
  name: "mapping",
  clause: "TS 38.211 5.1, 6.3.1.1 to 6.3.1.5",
  inputs: { bits: uint8("codewordBit"), grant: int32("grantField") },
  outputs: { symbols: complex64("port", "re") },
  parameters: { transformSize },
  state: { modulationScheme },
});

mapping.implement("plain", { kind: "model", prepare: prepareMapping });

/** The parameters of {@link mapping} for a configuration. */
export function mappingParameters({ grant, allocation }: PuschConfiguration): { transformSize: number } {
  return { transformSize: grant.transformPrecoding ? allocation.subcarriers : 0 };
}

const inputs = {
  symbols: complex64("layer", "re"),
  noise: float32("layer", "re"),
  grant: int32("grantField"),
};

const outputs = { llrs: int8("codewordBit") };

const state = { modulationScheme };

/** What implementations of {@link demapping} are prepared with. */
export type DemappingContext = Context<typeof inputs, typeof outputs, Record<never, never>, typeof state>;

/**
 * Layer demapping, demapping and descrambling. `symbols` holds unbiased data symbols of each layer in mapping order,
 * `noise` the variance of their noise and interference. `llrs` gets the soft bits of the codeword: log P(0)/P(1)
 * times LLR_SCALE, rounded to the nearest, halves to even, and limited to ±127. An amplitude that is not finite gives
 * 0 for the bits of its axis, a variance that is negative or not finite 0 for all bits of the symbol; variances below
 * 1e-12 count as that. `grant` is a grant message. Soft bits are 0 before the first grant, and where the sizes do
 * not fit the modulation order in force.
 *
 * "max-log" takes the nearest points only, "scaled-max-log" corrects its mean, "log-map" sums over all points; for
 * π/2-BPSK and QPSK all three are the same and exact. "llrnet" is a small neural network for each constellation, trained to
 * come close to "log-map". Other models stand for it as `neural-demapper.ts` says, with "log-map" behind them.
 */
export const demapping = defineFunction({
  name: "demapping",
  clause: "TS 38.211 5.1, 6.3.1.1 to 6.3.1.3",
  inputs,
  outputs,
  state,
  neural: { fallback: "log-map", attempt: attemptDemapper },
});

for (const method of demappingMethods)
  demapping.implement(method, {
    kind: "model",
    prepare: (context) => prepareDemapping(method, context),
  });

demapping.implement("llrnet", { kind: "neural", prepare: (context) => prepareLlrnet(context) });
