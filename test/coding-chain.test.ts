import { describe, expect, it } from "vitest";
import { runFunction } from "../src/functions/index.js";
import { FILLER } from "../src/transceiver/coding/encoding.js";
import { encoding } from "../src/transceiver/coding/function.js";
import { crcAttachment, crcAttachmentParameters } from "../src/transceiver/crc/function.js";
import {
  deinterleaving,
  deinterleavingParameters,
  interleaving,
  interleavingParameters,
} from "../src/transceiver/interleaving/function.js";
import { demapping, mapping } from "../src/transceiver/mapping/function.js";
import { GRANT_FIELDS, writeGrantMessage } from "../src/transceiver/pusch/grant-message.js";
import { randomGenerator } from "./independent/random-generator.js";
import { randomGrant } from "./independent/random-grants.js";
import { hasData } from "./independent/reference-data.js";
import { encodeTransportBlock } from "./independent/transmitter.js";
import { carrierFor, productConfiguration } from "./product-grant.js";
import { testTargets } from "./targets.js";

const seed = 38212;
const cases = 80;

describe(`from transport block to symbols and back, ${cases} random grants, seed ${seed}`, () => {
  it.skipIf(!hasData)(
    "sends the independent transmitter's codeword and gets soft bits of every encoded bit",
    () => {
      const random = randomGenerator(seed);
      for (let index = 0; index < cases; index++) {
        // Precoding is undone by equalization, so the layers go to the ports as they are.
        const drawn = randomGrant(random, index);
        const grant = { ...drawn, antennaPorts: drawn.nrOfLayers, tpmi: undefined };
        const configuration = productConfiguration(grant, carrierFor(grant, random));
        const { codeBlocks, codewordBits, layers, transportBlockSize, allocation } = configuration;
        const dimensions = {
          payloadByte: transportBlockSize / 8,
          codeBlock: codeBlocks.count,
          blockByte: codeBlocks.informationBits / 8,
          circularBufferBit: codeBlocks.encodedBits,
          codewordBit: codewordBits,
          port: layers,
          layer: layers,
          re: allocation.dataResourceElements,
          grantField: GRANT_FIELDS,
        };
        const message = new Int32Array(GRANT_FIELDS);
        writeGrantMessage(configuration, message);
        const payload = Uint8Array.from({ length: dimensions.payloadByte }, () => random.integer(0, 255));

        const attached = runFunction(crcAttachment, "plain", {
          dimensions,
          parameters: crcAttachmentParameters(configuration),
          inputs: { payload },
        });
        const encoded = runFunction(encoding, "plain", {
          dimensions,
          inputs: { blocks: attached.outputs.blocks, grant: message },
        });
        const sent = runFunction(interleaving, "plain", {
          dimensions,
          parameters: interleavingParameters(configuration),
          inputs: { codeword: encoded.outputs.codeword },
        });
        const payloadBits = Array.from(payload, (byte) =>
          Array.from({ length: 8 }, (_, bit) => (byte >> (7 - bit)) & 1),
        ).flat();
        const wanted = Uint8Array.from(encodeTransportBlock(grant, payloadBits));
        expect(Buffer.compare(sent.outputs.bits, wanted), `grant ${index}`).toBe(0);

        const mapped = runFunction(mapping, "plain", {
          dimensions,
          inputs: { bits: sent.outputs.bits, grant: message },
        });
        for (const target of testTargets) {
          const demapped = runFunction(demapping, "max-log", {
            dimensions,
            target,
            inputs: {
              symbols: mapped.outputs.symbols,
              noise: new Float32Array(layers * dimensions.re).fill(0.001),
              grant: message,
            },
          });
          const recovered = runFunction(deinterleaving, "transposition", {
            dimensions,
            parameters: deinterleavingParameters(configuration),
            target,
            inputs: { llrs: demapped.outputs.llrs },
          });
          const { codeword } = encoded.outputs;
          const soft = recovered.outputs.codeword;
          const wrong = soft.findIndex((llr, at) => {
            if (codeword[at] === FILLER) return llr !== 127;
            return llr !== 0 && llr > 0 !== (codeword[at] === 0);
          });
          expect(wrong, `grant ${index} on ${target.name}`).toBe(-1);
          const known = soft.reduce(
            (count, llr, at) => count + (llr !== 0 && codeword[at] !== FILLER ? 1 : 0),
            0,
          );
          const most = codeBlocks.count * (codeBlocks.encodedBits - codeBlocks.fillerBits);
          expect(known, `grant ${index} on ${target.name}`).toBeGreaterThan(0);
          expect(known, `grant ${index} on ${target.name}`).toBeLessThanOrEqual(Math.min(codewordBits, most));
        }
      }
    },
  );
});
