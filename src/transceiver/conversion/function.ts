import { z } from "zod";
import { complex64, defineFunction, int16 } from "../../functions/index.js";
import type { PuschConfiguration } from "../pusch/configuration.js";
import { prepareAnalogToDigital, prepareDigitalToAnalog } from "./converters.js";
import { prepareFixedToFloat, prepareFloatToFixed } from "./fixed-point.js";

/** Samples per second at baseband; the converter's rate is this times its samples over those at baseband. */
const basebandSamplingFrequency = z.number().positive();

/** Parameters of {@link analogToDigital} and {@link digitalToAnalog} for a configuration. */
export function conversionParameters({ carrier }: PuschConfiguration): { basebandSamplingFrequency: number } {
  return { basebandSamplingFrequency: carrier.sampleRate };
}

/**
 * Samples a signal: `analog` at the converter's rate, quantized by the implementation's converter and brought to the
 * baseband rate. Both tensors take the same time; their numbers of samples give the ratio of the rates, which must be
 * one of small whole numbers. The filter between the rates passes up to 0.82 of half the lower rate within ±1e-4 and
 * stops below -80 dB from 1.18 on; its delay is made up for, and outside of the tensor the signal counts as 0.
 * Converters of n bits round to steps of 2^(1-n), clip at full scale, amplitude 1 of each component, and give 0 for
 * what is not a number; "float" does none of that.
 */
export const analogToDigital = defineFunction({
  name: "analogToDigital",
  inputs: { analog: complex64("antenna", "converterSample") },
  outputs: { samples: complex64("antenna", "sample") },
  parameters: { basebandSamplingFrequency },
});

/** The reverse of {@link analogToDigital}: first the rate, then the quantization. */
export const digitalToAnalog = defineFunction({
  name: "digitalToAnalog",
  inputs: { samples: complex64("antenna", "sample") },
  outputs: { analog: complex64("antenna", "converterSample") },
  parameters: { basebandSamplingFrequency },
});

for (const bits of [undefined, 16, 14, 12, 10, 8]) {
  const name = bits === undefined ? "float" : `${bits}-bit`;
  analogToDigital.implement(name, {
    kind: "model",
    prepare: (context) => prepareAnalogToDigital(context, bits),
  });
  digitalToAnalog.implement(name, {
    kind: "model",
    prepare: (context) => prepareDigitalToAnalog(context, bits),
  });
}

/** Samples of 16 bits, real and imaginary part in turn, as numbers: full scale 2^15 becomes amplitude 1. */
export const fixedToFloat = defineFunction({
  name: "fixedToFloat",
  inputs: { fixed: int16("antenna", "converterSample", "part") },
  outputs: { analog: complex64("antenna", "converterSample") },
});

fixedToFloat.implement("vector", { kind: "model", prepare: prepareFixedToFloat });

/**
 * Numbers as samples of 16 bits, rounded to the nearest (ties to even), clipped at full scale; 0 for what is not a
 * number.
 */
export const floatToFixed = defineFunction({
  name: "floatToFixed",
  inputs: { analog: complex64("antenna", "converterSample") },
  outputs: { fixed: int16("antenna", "converterSample", "part") },
});

floatToFixed.implement("vector", { kind: "model", prepare: prepareFloatToFixed });
