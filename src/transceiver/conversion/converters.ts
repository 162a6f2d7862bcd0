import type { CompiledKernel, Kernel } from "../../compiler/index.js";
import { InputError } from "../../errors.js";
import type { Context, Process, Tensor } from "../../functions/index.js";
import type { analogToDigital, digitalToAnalog } from "./function.js";
import { quantizationKernel } from "./quantization-kernel.js";
import { planResampling, resamplingTables } from "./resampling.js";
import { resamplingKernel } from "./resampling-kernel.js";

const LANES = 4;

type AnalogToDigital = Context<
  typeof analogToDigital.inputs,
  typeof analogToDigital.outputs,
  typeof analogToDigital.parameters
>;
type DigitalToAnalog = Context<
  typeof digitalToAnalog.inputs,
  typeof digitalToAnalog.outputs,
  typeof digitalToAnalog.parameters
>;

/** What preparing a part needs of a function's context. */
interface PartContext {
  scratch(name: string, dtype: "float32", ...shape: number[]): Tensor<"float32">;
  table(name: string, values: Float32Array): Tensor;
  table(name: string, values: Int32Array): Tensor;
  compile(kernel: Kernel): CompiledKernel;
}

/** Works on one antenna's samples, from byte offset to byte offset. Allocates nothing. */
type Part = (from: number, to: number) => void;

/**
 * Prepares the conversion of rates; the input is copied between zeros first, since the filter reaches beyond it.
 * With equal rates it copies.
 */
function prepareResampling(
  context: PartContext,
  from: number,
  to: number,
  memoryOf: Tensor<"complex64">,
): Part {
  const memory = new Float32Array(memoryOf.view.buffer);
  if (from === to)
    return (source, target) => {
      memory.copyWithin(target / 4, source / 4, source / 4 + 2 * from);
    };
  const plan = planResampling(from, to, LANES);
  const { factors, starts } = resamplingTables(plan);
  const run = context.compile(resamplingKernel(plan, to, LANES));
  const padded = context.scratch("padded", "float32", plan.padded, 2);
  const factorTable = context.table("factors", factors).offset;
  const startTable = context.table("starts", starts).offset;
  return (source, target) => {
    memory.copyWithin(padded.offset / 4 + 2 * plan.lead, source / 4, source / 4 + 2 * from);
    run(padded.offset, factorTable, startTable, target);
  };
}

function checkRates(basebandRate: number, baseband: number, converter: number): void {
  const rate = (basebandRate * converter) / baseband;
  if (!(Number.isFinite(rate) && rate > 0))
    throw new InputError(
      "converterSample",
      converter,
      `${baseband} samples at baseband need some at the converter`,
    );
}

/** Prepares an A/D converter of `bits` bits, or none, and the way down or up to the baseband rate. */
export function prepareAnalogToDigital(context: AnalogToDigital, bits: number | undefined): Process {
  const { dimensions, inputs, outputs, scratch, compile, parameters } = context;
  const { antenna: antennas, converterSample, sample } = dimensions;
  checkRates(parameters.basebandSamplingFrequency, sample, converterSample);
  if (bits === undefined && converterSample === sample) {
    context.forward("samples", "analog");
    return () => {};
  }
  const resample = prepareResampling(context, converterSample, sample, inputs.analog);
  const [from, to] = [inputs.analog.offset, outputs.samples.offset];
  if (bits === undefined)
    return () => {
      for (let antenna = 0; antenna < antennas; antenna++)
        resample(from + 8 * antenna * converterSample, to + 8 * antenna * sample);
    };
  const quantize = compile(quantizationKernel(2 * converterSample, bits, LANES));
  const quantized = scratch("quantized", "float32", converterSample, 2).offset;
  return () => {
    for (let antenna = 0; antenna < antennas; antenna++) {
      quantize(from + 8 * antenna * converterSample, quantized);
      resample(quantized, to + 8 * antenna * sample);
    }
  };
}

/** Prepares the way from the baseband rate and a D/A converter of `bits` bits, or none. */
export function prepareDigitalToAnalog(context: DigitalToAnalog, bits: number | undefined): Process {
  const { dimensions, inputs, outputs, scratch, compile, parameters } = context;
  const { antenna: antennas, converterSample, sample } = dimensions;
  checkRates(parameters.basebandSamplingFrequency, sample, converterSample);
  if (bits === undefined && converterSample === sample) {
    context.forward("analog", "samples");
    return () => {};
  }
  const resample = prepareResampling(context, sample, converterSample, inputs.samples);
  const [from, to] = [inputs.samples.offset, outputs.analog.offset];
  if (bits === undefined)
    return () => {
      for (let antenna = 0; antenna < antennas; antenna++)
        resample(from + 8 * antenna * sample, to + 8 * antenna * converterSample);
    };
  const quantize = compile(quantizationKernel(2 * converterSample, bits, LANES));
  const exact = scratch("exact", "float32", converterSample, 2).offset;
  return () => {
    for (let antenna = 0; antenna < antennas; antenna++) {
      resample(from + 8 * antenna * sample, exact);
      quantize(exact, to + 8 * antenna * converterSample);
    }
  };
}
