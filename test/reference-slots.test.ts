import { describe, expect, it } from "vitest";
import { wasmTarget } from "../src/compiler/index.js";
import { createArena, createFlowInstance } from "../src/functions/index.js";
import { addNoise, createChannel, createRandom } from "../src/radio/index.js";
import { writeGrantMessage } from "../src/transceiver/pusch/grant-message.js";
import { type Carrier, type PuschConfiguration, parseCarrier } from "../src/transceiver/pusch/index.js";
import { createUplinkReceiver } from "../src/transceiver/receiver.js";
import { uplinkTransmit } from "../src/transceiver/uplink-transmit.js";
import { uplinkTransmitConfiguration } from "../src/transceiver/uplink-transmit-configuration.js";
import { type ReferenceCase, readReferenceCase, referenceCaseNames } from "./independent/reference-cases.js";
import { packed } from "./packed-bits.js";
import { productConfiguration } from "./product-grant.js";
import { testTargets } from "./targets.js";

function configurationOf({ grant }: ReferenceCase): { carrier: Carrier; pusch: PuschConfiguration } {
  const carrier = parseCarrier({
    subcarrierSpacing: grant.subcarrierSpacing,
    carrierPrbs: grant.bwpSize,
    carrierFrequency: 3.5e9,
  });
  return { carrier, pusch: productConfiguration(grant, carrier) };
}

describe.skipIf(referenceCaseNames.length === 0)("reference slots", () => {
  it.each(referenceCaseNames)("%s: the transport block comes back from the grid, on every target", (name) => {
    const reference = readReferenceCase(name);
    const { carrier, pusch } = configurationOf(reference);
    const grid = Float32Array.from(reference.grid.flat(2).flatMap(({ re, im }) => [re, im]));
    for (const target of testTargets) {
      const receiver = createUplinkReceiver({ carrier, receiveAntennas: pusch.antennaPorts, target });
      const result = receiver.receiveGrid(grid, pusch.grant);
      expect(result.crc, target.name).toBe(true);
      expect(result.payload).toEqual(packed(reference.transportBlock));
      receiver.close();
    }
  });

  it.each(referenceCaseNames.filter((name) => readReferenceCase(name).grant.nrOfLayers <= 2))(
    "%s: through TDL-C with four receive antennas at 25 dB",
    (name) => {
      const reference = readReferenceCase(name);
      const { carrier, pusch } = configurationOf(reference);
      const receiver = createUplinkReceiver({ carrier, receiveAntennas: 4 });
      const target = wasmTarget();
      const transmitter = createFlowInstance(uplinkTransmit, {
        arena: createArena({ bytes: 2 ** 28 }),
        target,
      });
      const variant = transmitter.prepare(uplinkTransmitConfiguration(pusch, receiver.guard));
      const transportBlock = packed(reference.transportBlock);
      variant.inputs.payload.view.set(transportBlock);
      variant.inputs.lengths.view[0] = transportBlock.length;
      writeGrantMessage(pusch, variant.inputs.grant.view);
      variant.process();

      const seed = 38_211 + referenceCaseNames.indexOf(name);
      const random = createRandom(seed);
      const channel = createChannel({
        profile: "TDL-C",
        delaySpread_s: 100e-9,
        maximumDoppler_hz: 0,
        sampleRate: carrier.sampleRate,
        transmitAntennas: pusch.antennaPorts,
        receiveAntennas: 4,
        random: random.fork("channel"),
      });
      const samples = new Float32Array(2 * 4 * receiver.inputSamples);
      channel.apply(variant.outputs.samples.view, 0, samples);
      addNoise(samples, pusch.layers * 10 ** -2.5, random.fork("noise"));
      const result = receiver.receive(samples, pusch.grant);
      expect(result.crc, `seed ${seed}`).toBe(true);
      expect(result.payload).toEqual(transportBlock);
      receiver.close();
      transmitter.close();
    },
  );
});
