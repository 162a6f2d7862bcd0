import { wasmTarget } from "../src/compiler/index.js";
import { createArena, createFlowInstance } from "../src/functions/index.js";
import { type PuschConfiguration, writeGrantMessage } from "../src/transceiver/pusch/index.js";
import { defaultGuard } from "../src/transceiver/receiver.js";
import { uplinkTransmit } from "../src/transceiver/uplink-transmit.js";
import { uplinkTransmitConfiguration } from "../src/transceiver/uplink-transmit-configuration.js";
import type { Grid } from "./independent/complex.js";

const instance = createFlowInstance(uplinkTransmit, {
  arena: createArena({ bytes: 2 ** 28 }),
  target: wasmTarget(),
  maximumVariants: 4,
});

/**
 * The carrier's grid that the transmit flow makes of a transport block, prepared for another configuration of the same
 * key if one is given.
 * @param transportBlock packed bytes; those of the configuration's size are taken.
 * @returns complex64 [antenna port][OFDM symbol][subcarrier]
 */
export function transmittedGrid(
  configuration: PuschConfiguration,
  transportBlock: Uint8Array,
  prepared = configuration,
): Float32Array {
  const { inputs, outputs, process } = instance.prepare(
    uplinkTransmitConfiguration(prepared, defaultGuard(prepared.carrier)),
  );
  const bytes = configuration.transportBlockSize / 8;
  inputs.payload.view.set(transportBlock.subarray(0, bytes));
  inputs.lengths.view.fill(0);
  inputs.lengths.view[0] = bytes;
  inputs.offsets.view.fill(0);
  writeGrantMessage(configuration, inputs.grant.view);
  process();
  return outputs.grid.view.slice();
}

/** The same as complex numbers. */
export function complexGrid({ antennaPorts, allocation }: PuschConfiguration, grid: Float32Array): Grid {
  const { slotSymbols, gridSubcarriers } = allocation;
  return Array.from({ length: antennaPorts }, (_, port) =>
    Array.from({ length: slotSymbols }, (_, symbol) =>
      Array.from({ length: gridSubcarriers }, (_, subcarrier) => {
        const index = 2 * ((port * slotSymbols + symbol) * gridSubcarriers + subcarrier);
        return { re: grid[index]!, im: grid[index + 1]! };
      }),
    ),
  );
}
