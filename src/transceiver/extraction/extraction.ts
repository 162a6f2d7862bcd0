import { floatLanes } from "../../compiler/index.js";
import type { Context, Process } from "../../functions/index.js";
import { GRANT_FIELDS } from "../pusch/grant-message.js";
import { slotsPerFrame } from "../pusch/numerology.js";
import { guardSamples } from "../synchronization/guard.js";
import type { extraction } from "./function.js";
import { prepareTransform } from "./prepared-transform.js";
import { takeGrant } from "./scheduling-grant.js";
import { checkSize } from "./sizes.js";
import { subcarrierRuns, takeSubcarriersKernel } from "./subcarrier-kernel.js";
import { symbolTable } from "./symbol-table.js";

type ExtractionContext = Context<
  typeof extraction.inputs,
  typeof extraction.outputs,
  typeof extraction.parameters,
  typeof extraction.state
>;

/**
 * Samples by which the transform's window begins before the body of a symbol: a quarter of the prefix. Channel
 * estimation aligns slots to the middle of the channel's delays, so that the first paths come before it.
 */
function windowAdvance(shortestPrefix: number): number {
  return Math.floor(shortestPrefix / 4);
}

/**
 * Prepares extraction by a fast Fourier transform for each antenna and symbol.
 * @throws NeuroranError DIMENSION_MISMATCH where sizes do not fit the configuration.
 */
export function prepareExtraction(context: ExtractionContext): Process {
  const { dimensions, inputs, outputs, state, scratch, table, compile } = context;
  const { carrier, grant, allocation } = context.parameters.configuration;
  const { antenna: antennas, sample, symbol: symbols, subcarrier: subcarriers, grantField } = dimensions;
  checkSize("grantField", grantField, GRANT_FIELDS);
  checkSize("symbol", symbols, grant.nrOfSymbols);
  checkSize("subcarrier", subcarriers, allocation.subcarriers);
  const guard = guardSamples(carrier, sample);

  const size = carrier.fftSize;
  const timing = symbolTable(carrier);
  const advance = windowAdvance(timing.shortestPrefix);
  const first = allocation.firstSubcarrier - allocation.gridSubcarriers / 2;
  const transform = prepareTransform(
    context,
    { size, sign: -1, input: "interleaved", output: "planes" },
    "one",
  );
  const takeSubcarriers = compile(takeSubcarriersKernel(floatLanes(context.target)));
  const runs = subcarrierRuns(first, subcarriers, size);
  const spectrum = scratch("spectrum", "float32", 2, size).offset;
  const slope = new Float32Array(2 * subcarriers);
  for (let k = 0; k < subcarriers; k++) {
    const angle = (2 * Math.PI * (((first + k) * advance) % size)) / size;
    slope[k] = Math.cos(angle) / Math.sqrt(size);
    slope[subcarriers + k] = Math.sin(angle) / Math.sqrt(size);
  }
  const factors = table("factors", slope).offset;
  // Conjugate: what up-conversion put on is taken off.
  const conjugates = Float32Array.from(timing.phases, (part, k) => (k & 1 ? -part : part));
  const phases = table("phases", conjugates).offset;

  const message = inputs.grant.view;
  const schedulingGrant = state.schedulingGrant.view;
  const pdu = outputs.pdu.view;
  const frameSlots = slotsPerFrame(carrier.subcarrierSpacing);
  const from = inputs.samples.offset;
  const to = outputs.grid.offset;
  return () => {
    const slot = takeGrant(message, schedulingGrant, frameSlots);
    pdu.set(schedulingGrant);
    const row = (slot % timing.slots) * timing.symbols + grant.startSymbolIndex;
    for (let symbol = 0; symbol < symbols; symbol++) {
      const symbolOfSubframe = row + symbol;
      const body = timing.starts[symbolOfSubframe]! + timing.prefixes[symbolOfSubframe]!;
      const window = guard + body - advance;
      for (let antenna = 0; antenna < antennas; antenna++) {
        transform(from + 8 * (antenna * sample + window), spectrum);
        const row = to + 8 * (antenna * symbols + symbol) * subcarriers;
        for (let index = 0; index < runs.length; index++) {
          const { subcarrier, bin, length } = runs[index]!;
          takeSubcarriers(
            spectrum + 4 * bin,
            factors + 4 * subcarrier,
            phases + 8 * symbolOfSubframe,
            row + 8 * subcarrier,
            length,
            size,
            subcarriers,
          );
        }
      }
    }
  };
}
