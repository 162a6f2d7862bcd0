import { z } from "zod";
import { type Context, complex64, defineFunction, float32 } from "../../functions/index.js";
import type { PuschConfiguration } from "../pusch/configuration.js";
import type { ModulationOrder } from "../pusch/mcs.js";
import { prepareEqualization } from "./equalization.js";
import { attemptDetection } from "./real-valued/implementation.js";

/** Which resource elements of a slot carry data (TS 38.211 6.3.1.6), in a grant's names. */
export const signalType = z.strictObject({
  /** First OFDM symbol of the grid, within the slot. */
  startSymbolIndex: z.int().min(0).max(13),
  dmrsConfigType: z.union([z.literal(1), z.literal(2)]),
  /** OFDM symbols of the slot with DM-RS. */
  dmrsSymbPos: z.array(z.int().min(0).max(13)).readonly(),
  numDmrsCdmGrpsNoData: z.int().min(1).max(3),
  /** Each OFDM symbol of data was spread over its subcarriers by a transform (6.3.1.4). */
  transformPrecoding: z.boolean().default(false),
});

/** Q_m of all layers; of use to implementations that decide symbols, "mmse-sic". */
const modulationOrder = z
  .union([z.literal(1), z.literal(2), z.literal(4), z.literal(6), z.literal(8)])
  .optional();

/** The signal type as an implementation sees it. */
export type EqualizationSignalType = z.output<typeof signalType>;

const inputs = {
  grid: complex64("antenna", "symbol", "subcarrier"),
  channel: complex64("layer", "antenna", "symbol", "subcarrier"),
  noise: float32("antenna"),
};

const outputs = { symbols: complex64("layer", "re"), noise: float32("layer", "re") };

const parameters = { signalType, modulationOrder };

/** What implementations of {@link equalization} prepare themselves with. */
export type EqualizationContext = Context<typeof inputs, typeof outputs, typeof parameters>;

/**
 * Separates the layers of the data resource elements and undoes the channel.
 *
 * `grid` holds the granted resource elements, `channel` the response that a layer's power-1 symbols see in the same
 * scale, `noise` the variance of noise at each antenna. `symbols` gives the layers' symbols in the order of TS 38.211
 * 6.3.1.6, unbiased: transmitted symbol plus something uncorrelated whose variance is in the output `noise`. `re` is
 * the number of data resource elements of a layer. With transform precoding, which is for one layer and DM-RS symbols
 * without data, they are the symbols before it.
 *
 * "mmse" and "zero-forcing" are linear. "mmse-sic" detects layer after layer, in each resource element in the order of
 * post-equalization SINR, decides each to the nearest point of the constellation and takes it out of what the others
 * are estimated from; the noise that it gives includes what such decisions may have got wrong. It needs
 * `modulationOrder` where there are several layers; with one, all three are maximum ratio combining. The sizes are
 * those of PUSCH, 1 to 4 layers and up to 8 antennas; more of either work, slower per layer.
 *
 * "detnet" and "mmnet" are neural networks that detect four layers of QPSK over eight antennas (Samuel, Diskin, Wiesel
 * 2019; Khani, Alizadeh, Hoydis, Fleming 2020); other transmissions are refused.
 *
 * Degenerate inputs: an antenna whose noise variance is not a number, or infinite, is left out; one of variance 0
 * (or less) counts as one of `SMALLEST_NOISE` of the channel's mean power. Where the channel is zero or singular, or a
 * number is not finite, the symbol is 0 with `ERASURE_NOISE` (1e20); the output never holds NaN or infinity.
 */
export const equalization = defineFunction({
  name: "equalization",
  clause: "TS 38.211 6.3.1.4, 6.3.1.6",
  inputs,
  outputs,
  parameters,
  neural: { fallback: "mmse", attempt: attemptDetection },
});

for (const method of ["mmse", "zero-forcing", "mmse-sic"] as const)
  equalization.implement(method, {
    kind: "model",
    prepare: (context) => prepareEqualization(method, context),
  });

equalization.implement("detnet", { kind: "neural", model: "detnet-qpsk-4x8" });
equalization.implement("mmnet", { kind: "neural", model: "mmnet-qpsk-4x8" });

/** The function's parameters for a grant. */
export function equalizationParameters({ grant, modulationOrder }: PuschConfiguration): {
  signalType: EqualizationSignalType;
  modulationOrder: ModulationOrder;
} {
  const { startSymbolIndex, dmrsConfigType, dmrsSymbPos, numDmrsCdmGrpsNoData, transformPrecoding } = grant;
  return {
    signalType: {
      startSymbolIndex,
      dmrsConfigType,
      dmrsSymbPos,
      numDmrsCdmGrpsNoData,
      transformPrecoding,
    },
    modulationOrder,
  };
}
