import { floatLanes } from "../../compiler/index.js";
import type { Context, Process } from "../../functions/index.js";
import { dataResourceIndices } from "../pusch/allocation.js";
import { GRANT_FIELDS } from "../pusch/grant-message.js";
import { slotsPerFrame } from "../pusch/numerology.js";
import { guardSamples } from "../synchronization/guard.js";
import type { insertion } from "./function.js";
import { prepareTransform } from "./prepared-transform.js";
import { accumulateKernel, scatterKernel } from "./resource-kernel.js";
import { takeGrant } from "./scheduling-grant.js";
import { checkSize } from "./sizes.js";
import { putSubcarriersKernel, subcarrierRuns } from "./subcarrier-kernel.js";
import { symbolTable } from "./symbol-table.js";

type InsertionContext = Context<
  typeof insertion.inputs,
  typeof insertion.outputs,
  typeof insertion.parameters,
  typeof insertion.state
>;

/**
 * Prepares insertion by an inverse fast Fourier transform for each port and symbol.
 * @throws NeuroranError DIMENSION_MISMATCH where sizes do not fit the configuration.
 */
export function prepareInsertion(context: InsertionContext): Process {
  const { dimensions, inputs, outputs, state, scratch, table, compile } = context;
  const { carrier, grant, allocation } = context.parameters.configuration;
  const { port: ports, sample, re: elements, symbol: symbols, carrierSubcarrier: width } = dimensions;
  checkSize("grantField", dimensions.grantField, GRANT_FIELDS);
  checkSize("re", elements, allocation.dataResourceElements);
  checkSize("symbol", symbols, allocation.slotSymbols);
  checkSize("carrierSubcarrier", width, allocation.gridSubcarriers);
  checkSize("subcarrier", dimensions.subcarrier, allocation.subcarriers);
  checkSize("dmrsSymbol", dimensions.dmrsSymbol, grant.dmrsSymbPos.length);
  const guard = guardSamples(carrier, sample);

  const size = carrier.fftSize;
  const timing = symbolTable(carrier);
  const transform = prepareTransform(
    context,
    { size, sign: 1, input: "planes", output: "interleaved" },
    "one",
  );
  const lanes = floatLanes(context.target);
  const putSubcarriers = compile(putSubcarriersKernel(lanes));
  const runs = subcarrierRuns(-width / 2, width, size);
  const mapData = compile(scatterKernel(elements, symbols * width));
  const addPilots = compile(accumulateKernel(2 * allocation.subcarriers, lanes));
  // Bins beside the carrier are never written and stay 0.
  const spectrum = scratch("spectrum", "float32", 2, size).offset;
  const scaled = Float32Array.from(timing.phases, (part) => part / Math.sqrt(size));
  const phases = table("phases", scaled).offset;
  const indices = table("indices", Int32Array.from(dataResourceIndices(allocation, grant))).offset;

  const message = inputs.grant.view;
  const schedulingGrant = state.schedulingGrant.view;
  const frameSlots = slotsPerFrame(carrier.subcarrierSpacing);
  const [grid, samples] = [outputs.grid, outputs.samples];
  const pilotBytes = 8 * allocation.subcarriers;
  return () => {
    const slot = takeGrant(message, schedulingGrant, frameSlots);
    grid.view.fill(0);
    samples.view.fill(0);
    for (let port = 0; port < ports; port++) {
      const portGrid = grid.offset + 8 * port * symbols * width;
      mapData(inputs.symbols.offset + 8 * port * elements, indices, portGrid);
      for (let ordinal = 0; ordinal < grant.dmrsSymbPos.length; ordinal++) {
        const pilots = inputs.pilots.offset + pilotBytes * (port * grant.dmrsSymbPos.length + ordinal);
        const at = grant.dmrsSymbPos[ordinal]! * width + allocation.firstSubcarrier;
        addPilots(pilots, portGrid + 8 * at);
      }
      for (let symbol = 0; symbol < symbols; symbol++) {
        const index = (slot % timing.slots) * timing.symbols + symbol;
        const start = port * sample + guard + timing.starts[index]!;
        const body = start + timing.prefixes[index]!;
        for (const { subcarrier, bin, length } of runs)
          putSubcarriers(
            portGrid + 8 * (symbol * width + subcarrier),
            phases + 8 * index,
            spectrum + 4 * bin,
            length,
            size,
          );
        transform(spectrum, samples.offset + 8 * body);
        samples.view.copyWithin(2 * start, 2 * (start + size), 2 * (body + size));
      }
    }
  };
}
