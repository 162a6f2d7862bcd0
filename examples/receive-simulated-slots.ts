/** Receives ten slots of a simulated cell, one after the other, in this thread. */
import { createSimulatedCell, createUplinkReceiver, parseCarrier } from "../src/index.js";

const carrier = parseCarrier({
  subcarrierSpacing: 30,
  carrierPrbs: 51,
  sampleRate: 23.04e6,
  carrierFrequency: 3.5e9,
});
const grant = {
  physCellId: 1,
  rnti: 17_921,
  bwpSize: 51,
  subcarrierSpacing: 30,
  rbStart: 0,
  rbSize: 51,
  mcsTable: 1,
  mcsIndex: 16,
  nrOfLayers: 1,
  dmrsConfigType: 1,
  dmrsSymbPos: [2, 11],
  dmrsPorts: [0],
  numDmrsCdmGrpsNoData: 2,
};
const receiver = createUplinkReceiver({ carrier, receiveAntennas: 2 });
const cell = createSimulatedCell({
  carrier,
  grant,
  receiveAntennas: 2,
  guard: receiver.guard,
  profile: "TDL-C",
  delaySpread_s: 100e-9,
  maximumDoppler_hz: 10,
  snr_db: 20,
  cfo_hz: 150,
  seed: 1,
});

let received = 0;
for (let slot = 0; slot < 10; slot++) {
  const { configuration, samples, payload } = cell.next();
  const result = receiver.receive(samples, configuration.grant);
  if (result.crc && Buffer.compare(result.payload, payload) === 0) received++;
  console.log(
    `slot ${result.slot}: crc ${result.crc}, SNR ${result.snr_db.toFixed(1)} dB, CFO ${result.cfo_hz.toFixed(0)} Hz`,
  );
}
console.log(`${received} of 10 transport blocks received`);
process.exitCode = received >= 9 ? 0 : 1;
