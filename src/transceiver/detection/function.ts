import { z } from "zod";
import {
  type Context,
  complex64,
  dataflow,
  defineFunction,
  float32,
  int8,
  int32,
} from "../../functions/index.js";
import { equalization } from "../equalization/function.js";
import { jointDemapping } from "../equalization/joint-demapping.js";
import { whitening } from "../equalization/whitening.js";
import { estimation } from "../estimation/function.js";
import { interference } from "../estimation/interference.js";
import { demapping } from "../mapping/function.js";
import { modulationScheme } from "../mapping/modulation-scheme.js";
import type { PuschConfiguration } from "../pusch/index.js";
import { attemptModel } from "./neural-receivers.js";

const inputs = {
  grid: complex64("antenna", "symbol", "subcarrier"),
  grant: int32("grantField"),
  applied: float32("offsetField"),
};

const outputs = {
  llrs: int8("codewordBit"),
  tracking: float32("offsetField"),
  quality: float32("qualityField"),
};

const parameters = {
  /** What a neural receiver is prepared for, any configuration with the grant's `configurationKey`; of no use to the others. */
  configuration: z
    .custom<PuschConfiguration>((value) => typeof value === "object" && value !== null && "carrier" in value)
    .optional(),
};

const state = { modulationScheme };

/** What implementations of {@link detection} are prepared with. */
export type DetectionContext = Context<typeof inputs, typeof outputs, typeof parameters, typeof state>;

/**
 * From the granted resource elements to soft bits: estimation, equalization and demapping as one function, so that
 * one implementation, a neural receiver say, may stand for all three. The ports are those of the three blocks; the
 * state is demapping's.
 *
 * "blocks" takes them one after the other. "irc" rejects interference: it estimates the covariance of noise and
 * interference across antennas and makes them white before equalization, whichever implementation of it is chosen
 * ("mmse", "mmse-sic"); the other implementations neither compute nor pay for that covariance. "k-best" takes soft bits
 * from a tree search over the symbols of all layers.
 *
 * "deeprx" is a neural network that takes the grid and the DM-RS and gives soft bits (`deeprx/`). It, and models of others
 * that have one of the shapes in `neural-receivers.ts`, are attempts: "blocks" computes the slots for which they have no answer in
 * time, and those of configurations that they were not made for.
 */
export const detection = defineFunction({
  name: "detection",
  clause: "TS 38.211 5.1, 6.3.1, 6.4.1.1",
  inputs,
  outputs,
  parameters,
  state,
  neural: { fallback: "blocks", attempt: attemptModel },
});

detection.implement("blocks", {
  kind: "model",
  flow: dataflow("detection", { inputs }, ({ grid, grant, applied }) => {
    const { channel, noise, tracking, quality } = estimation({ grid, grant, applied });
    const equalized = equalization({ grid, channel, noise });
    const llrs = demapping({ symbols: equalized.symbols, noise: equalized.noise, grant });
    return { llrs, tracking, quality };
  }),
});

detection.implement("irc", {
  kind: "model",
  flow: dataflow("detectionIrc", { inputs }, ({ grid, grant, applied }) => {
    const { channel, noise, tracking, quality } = estimation({ grid, grant, applied });
    const covariance = interference({ grid, channel, noise, grant });
    const { symbols, noise: remaining } = equalization(whitening({ grid, channel, covariance }));
    return { llrs: demapping({ symbols, noise: remaining, grant }), tracking, quality };
  }),
});

detection.implement("k-best", {
  kind: "model",
  flow: dataflow("detectionKBest", { inputs }, ({ grid, grant, applied }) => {
    const { channel, noise, tracking, quality } = estimation({ grid, grant, applied });
    return { llrs: jointDemapping({ grid, channel, noise, grant }), tracking, quality };
  }),
});

detection.implement("deeprx", { kind: "neural", model: "deeprx" });

/** The parameters of {@link detection} for a configuration. */
export function detectionParameters(configuration: PuschConfiguration): {
  configuration: PuschConfiguration;
} {
  return { configuration };
}
