/**
 * A process that receives slots and prints how much the heap has grown over the measured ones:
 * `node --trace-gc dist/test/slot-heap.js llvm 10000`. What is collected over them stands between the lines "begin" and
 * "end". The detector, layers and "true" for transform precoding may follow. Before, it receives as many slots as the engine needs to compile what it runs.
 */
import { writeSync } from "node:fs";
import { openTarget, type TargetName } from "../src/compiler/index.js";
import { createArena, createFlowInstance } from "../src/functions/index.js";
import { harqKey, harqProcessKey } from "../src/transceiver/coding/soft-buffers.js";
import { writeGrantMessage } from "../src/transceiver/pusch/grant-message.js";
import { parseCarrier } from "../src/transceiver/pusch/index.js";
import { defaultGuard, slotResult } from "../src/transceiver/receiver.js";
import { createSimulatedCell } from "../src/transceiver/simulated-cell.js";
import { uplink } from "../src/transceiver/uplink.js";
import { uplinkConfiguration, uplinkStateDimensions } from "../src/transceiver/uplink-configuration.js";

const [name, measured, detector = "", layers = "1", transformPrecoding = ""] = process.argv.slice(2);
const target = openTarget(name as TargetName);
const receiveAntennas = 4;
const carrier = parseCarrier({
  subcarrierSpacing: 30,
  carrierPrbs: 11,
  sampleRate: 7.68e6,
  carrierFrequency: 3.5e9,
});
const guard = defaultGuard(carrier);
const grant = {
  physCellId: 1,
  rnti: 0x4601,
  rbStart: 0,
  rbSize: 10,
  mcsTable: 1,
  mcsIndex: 10,
  nrOfLayers: Number(layers),
  transformPrecoding: transformPrecoding === "true",
};
// An implementation of the block that is named before the colon: "detection:irc".
const implementations = detector === "" ? {} : Object.fromEntries([detector.split(":")]);
const cell = createSimulatedCell(
  { carrier, grant, receiveAntennas, guard, profile: "awgn", snr_db: 25, seed: 1 },
  target,
);
const slots = Array.from({ length: 4 }, () => {
  const { configuration, samples } = cell.next();
  return { configuration, samples: samples.slice() };
});
cell.close();

const stateDimensions = uplinkStateDimensions(carrier, receiveAntennas);
const instance = createFlowInstance(uplink, {
  arena: createArena({ bytes: 256 * 2 ** 20 }),
  target,
  stateDimensions,
  implementations,
});
const variant = instance.prepare(uplinkConfiguration(slots[0].configuration, { receiveAntennas, guard }));
// What is measured is the slots' own, not the exchange of kernels.
instance.settle();
const { inputs, outputs } = variant;
// As they lie in the radio's memory: writing them allocates nothing.
const grants = slots.map(({ configuration }) => {
  writeGrantMessage(configuration, inputs.grant.view);
  return inputs.grant.view.slice();
});
const { rnti, harqProcessId } = slots[0].configuration.grant;
let correct = 0;

function receive(count: number): void {
  for (let slot = 0; slot < count; slot++) {
    inputs.samples.view.set(slots[slot & 3].samples);
    inputs.grant.view.set(grants[slot & 3]);
    instance.choose(harqProcessKey, harqKey(rnti, harqProcessId));
    variant.process();
    correct += outputs.crc.view[0];
  }
}

/** Bytes by which the heap grows over some slots; asking for it allocates some 3 kB. */
function growthOver(count: number): number {
  const before = process.memoryUsage().heapUsed;
  receive(count);
  return process.memoryUsage().heapUsed - before;
}

receive(2000);
let quiet = 0;
for (let round = 0; round < 30 && quiet < 3; round++)
  quiet = Math.abs(growthOver(500)) < 6000 ? quiet + 1 : 0;
correct = 0;
writeSync(1, "begin\n");
const growth = growthOver(Number(measured));
writeSync(1, "end\n");
process.stdout.write(`${JSON.stringify({ growth, correct, crc: slotResult(0, outputs).crc })}\n`);
