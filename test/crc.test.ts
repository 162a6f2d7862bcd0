import { describe, expect, it } from "vitest";
import { runFunction } from "../src/functions/index.js";
import { packBits, unpackBits } from "../src/transceiver/crc/bits.js";
import { crcAttachment, crcCheck } from "../src/transceiver/crc/function.js";
import { attachCrc, crc as independentCrc, transportBlockCrc } from "./independent/crc.js";
import { randomGenerator } from "./independent/random-generator.js";
import { filler, segment } from "./independent/segmentation.js";
import { testTargets } from "./targets.js";

const seed = 382125;

const packed = (bits: readonly number[]) => {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  packBits(Uint8Array.from(bits), 0, bits.length, bytes);
  return bytes;
};

describe.each(testTargets)(`CRC attachment and check on $name, seed ${seed}`, (target) => {
  it.each([
    [24, 2],
    [3824, 2],
    [3824, 1],
    [8424, 1],
    [16392, 1],
    [41776, 2],
  ] as const)("of %i bits in blocks of base graph %i", (size, baseGraph) => {
    const random = randomGenerator(seed);
    const payload = random.bits(size);
    const name = transportBlockCrc(size);
    const { codeBlocks } = segment(attachCrc(name, payload), baseGraph);
    const wanted = codeBlocks.map((block) => packed(block.filter((bit) => bit !== filler)));
    const given = {
      dimensions: {
        codeBlock: wanted.length,
        blockByte: wanted[0]!.length,
        payloadByte: size / 8,
        crcField: 2,
      },
      parameters: {
        blockLength: size,
        crcScheme: {
          transportBlock: name === "CRC16" ? ("crc16" as const) : ("crc24a" as const),
          codeBlock: wanted.length === 1 ? ("none" as const) : ("crc24b" as const),
        },
      },
    };
    const { blocks } = runFunction(crcAttachment, "plain", {
      ...given,
      inputs: { payload: packed(payload) },
    }).outputs;
    expect(Buffer.compare(blocks, Buffer.concat(wanted))).toBe(0);
    const checked = runFunction(crcCheck, "table", { ...given, target, inputs: { blocks } });
    expect(Buffer.compare(checked.outputs.payload, packed(payload))).toBe(0);
    expect([...checked.outputs.crc]).toEqual([1, 0]);
  });

  it.each([
    ["crc24a", "CRC24A"],
    ["crc24b", "CRC24B"],
    ["crc24c", "CRC24C"],
    ["crc16", "CRC16"],
    ["crc11", "CRC11"],
    ["crc6", "CRC6"],
  ] as const)("%s of random lengths", (transportBlock, name) => {
    const random = randomGenerator(seed);
    for (let run = 0; run < 20; run++) {
      const size = random.integer(1, 300);
      const payload = random.bits(size);
      const wanted = [...payload, ...independentCrc(name, payload)];
      const given = {
        dimensions: {
          codeBlock: 1,
          blockByte: Math.ceil(wanted.length / 8),
          payloadByte: Math.ceil(size / 8),
          crcField: 2,
        },
        parameters: { blockLength: size, crcScheme: { transportBlock, codeBlock: "none" as const } },
      };
      const { blocks } = runFunction(crcAttachment, "plain", {
        ...given,
        inputs: { payload: packed(payload) },
      }).outputs;
      const bits = new Uint8Array(wanted.length);
      unpackBits(blocks, bits, 0, bits.length);
      expect([...bits]).toEqual(wanted);
      const checked = runFunction(crcCheck, "table", { ...given, target, inputs: { blocks } });
      expect(checked.outputs.payload).toEqual(packed(payload));
      expect([...checked.outputs.crc]).toEqual([1, 0]);
    }
  });
});
