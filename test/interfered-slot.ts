import type { Target } from "../src/compiler/index.js";
import {
  complex64,
  createArena,
  createFlowInstance,
  dataflow,
  float32,
  int32,
} from "../src/functions/index.js";
import type { Random } from "../src/radio/index.js";
import { equalization } from "../src/transceiver/equalization/function.js";
import { whitening } from "../src/transceiver/equalization/whitening.js";
import { estimation } from "../src/transceiver/estimation/function.js";
import { interference } from "../src/transceiver/estimation/interference.js";
import { uplinkConfiguration } from "../src/transceiver/uplink-configuration.js";
import { type Air, configurationOf, receiveGrid } from "./received-grid.js";
import { transmittedGrid } from "./transmitted-grid.js";

const inputs = {
  grid: complex64("antenna", "symbol", "subcarrier"),
  grant: int32("grantField"),
  applied: float32("offsetField"),
};

const plain = dataflow("plain", { inputs }, ({ grid, grant, applied }) => {
  const { channel, noise } = estimation({ grid, grant, applied });
  return equalization({ grid, channel, noise });
});

const rejecting = dataflow("rejecting", { inputs }, ({ grid, grant, applied }) => {
  const { channel, noise } = estimation({ grid, grant, applied });
  const covariance = interference({ grid, channel, noise, grant });
  return { ...equalization(whitening({ grid, channel, covariance })), covariance };
});

/** A slot of one cell's user with another cell's user on the same resource blocks. */
export interface InterferedSlot {
  readonly grant: Record<string, unknown>;
  readonly air: Air;
  /** Power of each layer of the interferer over the user's layers; -Infinity: there is none. */
  readonly interference_db: number;
  readonly interferer?: Record<string, unknown>;
  readonly equalization?: string;
}

/** Mean power of equalized symbols' errors, and the mean of what the equalizer says it is (each symbol's own ratio). */
export interface SymbolQuality {
  readonly error: number;
  readonly calibration: number;
}

/** Sends slots and equalizes each of them without and with rejection of interference. */
export function interferedSlots(
  slot: InterferedSlot,
  slots: number,
  random: Random,
  target: Target,
): { mmse: SymbolQuality; irc: SymbolQuality } {
  const arena = createArena({ bytes: 2 ** 27 });
  const implementations = { equalization: slot.equalization ?? "mmse" };
  const options = { arena, target, implementations };
  const flows = { mmse: createFlowInstance(plain, options), irc: createFlowInstance(rejecting, options) };
  const own = configurationOf(slot.grant);
  const other = configurationOf({
    ...slot.grant,
    physCellId: 411,
    rnti: 77,
    ...slot.interferer,
  });
  const sums = { mmse: { error: 0, ratio: 0 }, irc: { error: 0, ratio: 0 } };
  let count = 0;
  const { dimensions, parameters } = uplinkConfiguration(
    own,
    { receiveAntennas: slot.air.antennas, guard: 0 },
    false,
  );
  for (let number = 0; number < slots; number++) {
    const received = receiveGrid(own, slot.air, random);
    const grid = received.grid.slice();
    if (slot.interference_db > Number.NEGATIVE_INFINITY) {
      const foreign = receiveGrid(other, { ...slot.air, snr_db: Number.POSITIVE_INFINITY }, random);
      const amplitude = 10 ** (slot.interference_db / 20);
      for (let k = 0; k < grid.length; k++) grid[k]! += amplitude * foreign.grid[k]!;
    }
    const sent = transmittedGrid(own, received.payload);
    const { grant, allocation, layers } = own;
    const data: number[] = [];
    for (let l = 0; l < grant.nrOfSymbols; l++)
      if (!grant.dmrsSymbPos.includes(grant.startSymbolIndex + l))
        for (let k = 0; k < allocation.subcarriers; k++)
          data.push(
            (grant.startSymbolIndex + l) * allocation.gridSubcarriers + allocation.firstSubcarrier + k,
          );
    for (const name of ["mmse", "irc"] as const) {
      const names = ["estimation", "equalization", ...(name === "irc" ? ["interference"] : [])];
      const variant = flows[name].prepare({
        key: "only",
        dimensions,
        parameters: Object.fromEntries(names.map((key) => [key, parameters![key]!])),
      });
      variant.inputs.grid.view.set(grid);
      variant.inputs.grant.view.set(received.message);
      variant.inputs.applied.view.fill(0);
      variant.process();
      const symbols = variant.outputs.symbols.view;
      const noise = variant.outputs.noise.view;
      for (let layer = 0; layer < layers; layer++)
        data.forEach((element, re) => {
          const from = 2 * (layer * allocation.slotSymbols * allocation.gridSubcarriers + element);
          const at = layer * data.length + re;
          const error = (symbols[2 * at]! - sent[from]!) ** 2 + (symbols[2 * at + 1]! - sent[from + 1]!) ** 2;
          sums[name].error += error;
          sums[name].ratio += error / noise[at]!;
        });
    }
    count += layers * data.length;
  }
  for (const flow of Object.values(flows)) flow.close();
  const quality = ({ error, ratio }: { error: number; ratio: number }) => ({
    error: error / count,
    calibration: ratio / count,
  });
  return { mmse: quality(sums.mmse), irc: quality(sums.irc) };
}
