import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import type { Target } from "../../compiler/index.js";
import { prepareFunction, runFunction } from "../../functions/index.js";
import { codeBlocks } from "../pusch/code-blocks.js";
import { transportBlockSize } from "../pusch/transport-block-size.js";
import { type CrcName, crc } from "./crc.js";
import { crcAttachment, crcCheck } from "./function.js";

interface Case {
  readonly blockLength: number;
  readonly codeBlock: number;
  readonly transportBlock: CrcName;
  readonly codeBlockCrc: CrcName | "none";
}

function configured(target: Target, { blockLength, codeBlock, transportBlock, codeBlockCrc }: Case) {
  const partBits = (blockLength + crc(transportBlock).length) / codeBlock;
  const blockBits = partBits + (codeBlockCrc === "none" ? 0 : crc(codeBlockCrc).length);
  const dimensions = {
    codeBlock,
    blockByte: Math.ceil(blockBits / 8),
    payloadByte: Math.ceil(blockLength / 8),
    crcField: 2,
  };
  const parameters = { blockLength, crcScheme: { transportBlock, codeBlock: codeBlockCrc } };
  return { dimensions, parameters, target, blockBits, partBits };
}

/** Attaches, spoils the bits given (of all code blocks, counted through), checks. */
function attachAndCheck(target: Target, one: Case, payload: Uint8Array, spoiled: readonly number[]) {
  const { blockBits, partBits, ...given } = configured(target, one);
  const { blocks } = runFunction(crcAttachment, "plain", { ...given, inputs: { payload } }).outputs;
  for (const bit of spoiled) {
    const at = 8 * Math.floor(bit / blockBits) * given.dimensions.blockByte + (bit % blockBits);
    blocks[at >> 3]! ^= 0x80 >> (at & 7);
  }
  return { blocks, ...runFunction(crcCheck, "table", { ...given, inputs: { blocks } }).outputs };
}

/** Sizes of TS 38.214 with their segmentation, one and many code blocks of both base graphs. */
const standardSizes = [24, 3824, 3840, 8424, 8456, 16392, 41776, 319784].map((size): Case => {
  const blocks = codeBlocks(size, size === 41776 ? 0.2 : 0.9);
  return {
    blockLength: size,
    codeBlock: blocks.count,
    transportBlock: blocks.transportBlockCrc,
    codeBlockCrc: blocks.crcLength === 0 ? "none" : "crc24b",
  };
});

/** Lengths that are no whole bytes, and the CRCs that PUSCH data does not use. */
const oddSizes: Case[] = [
  { blockLength: 1, codeBlock: 1, transportBlock: "crc6", codeBlockCrc: "none" },
  { blockLength: 37, codeBlock: 1, transportBlock: "crc11", codeBlockCrc: "none" },
  { blockLength: 64, codeBlock: 1, transportBlock: "crc24c", codeBlockCrc: "none" },
  { blockLength: 101, codeBlock: 3, transportBlock: "crc16", codeBlockCrc: "crc24b" },
  { blockLength: 8, codeBlock: 4, transportBlock: "crc24a", codeBlockCrc: "crc24b" },
];

describe.each(testTargets)("crcAttachment and crcCheck on $name", (target) => {
  it("take block length and CRC scheme and keep no state", () => {
    for (const definition of [crcAttachment, crcCheck]) {
      expect(Object.keys(definition.parameters)).toEqual(["blockLength", "crcScheme"]);
      expect(Object.keys(definition.state)).toEqual([]);
    }
  });

  it.each([...standardSizes, ...oddSizes])(
    "return a block of $blockLength bits, or say what failed",
    (one) => {
      const { blockBits, partBits, dimensions } = configured(target, one);
      const total = one.codeBlock * blockBits;
      const payload = Uint8Array.from(
        { length: dimensions.payloadByte },
        (_, byte) => Math.imul(byte + 1, 0x9e3779b1) >>> 24,
      );
      if (one.blockLength % 8 !== 0) payload[payload.length - 1]! &= 0xff << (8 - (one.blockLength % 8));
      const good = attachAndCheck(target, one, payload, []);
      expect(good.payload).toEqual(payload);
      expect([...good.crc]).toEqual([1, 0]);
      fc.assert(
        fc.property(fc.nat({ max: total - 1 }), (bit) => {
          const { crc, payload: decided } = attachAndCheck(target, one, payload, [bit]);
          const inCodeBlockCrc = bit % blockBits >= partBits;
          expect([...crc]).toEqual([inCodeBlockCrc ? 1 : 0, one.codeBlockCrc === "none" ? 0 : 1]);
          const at = Math.floor(bit / blockBits) * partBits + (bit % blockBits);
          const wanted = payload.slice();
          if (!inCodeBlockCrc && at < one.blockLength) wanted[at >> 3]! ^= 0x80 >> (at & 7);
          expect(Buffer.compare(decided, wanted)).toBe(0);
        }),
        { seed: 38212, numRuns: total > 1e5 ? 3 : 12 },
      );
    },
  );

  it("count every code block that failed", () => {
    const one = standardSizes.at(-1)!;
    const { blockBits, dimensions } = configured(target, one);
    const payload = new Uint8Array(dimensions.payloadByte).fill(0xa5);
    const spoiled = [0, 3, one.codeBlock - 1].map((block) => block * blockBits + 17);
    expect([...attachAndCheck(target, one, payload, spoiled).crc]).toEqual([0, 3]);
  });

  it("refuse what does not go together", () => {
    const { blockBits, partBits, ...given } = configured(target, standardSizes[3]!);
    const attempt = (sizes: object, parameters: object = {}) => {
      const changed = { ...given.parameters, ...parameters };
      return () =>
        prepareFunction(crcCheck, "table", {
          dimensions: { ...given.dimensions, ...sizes },
          parameters: changed,
          target,
        });
    };
    expect(attempt({ payloadByte: 2 })).toThrow(/payloadByte: 2/);
    expect(attempt({ blockByte: 2 })).toThrow(/blockByte: 2/);
    expect(attempt({ codeBlock: 5 })).toThrow(/blockLength: 8424/);
    expect(attempt({}, { crcScheme: { transportBlock: "crc8", codeBlock: "none" } })).toThrow(/crcScheme/);
  });
});

describe("code blocks of PUSCH", () => {
  it("get whole bytes in every code block from every size of TS 38.214", () => {
    const resources = fc.record({
      prbs: fc.integer({ min: 1, max: 273 }),
      symbols: fc.integer({ min: 1, max: 14 }),
      dmrsPerPrb: fc.constantFrom(4, 6),
      overheadPerPrb: fc.constant(0),
      modulationOrder: fc.constantFrom(2, 4, 6, 8),
      targetCodeRate: fc.integer({ min: 30, max: 948 }).map((rate) => rate / 1024),
      layers: fc.integer({ min: 1, max: 4 }),
      scaling: fc.constant(1),
    });
    fc.assert(
      fc.property(resources, (given) => {
        const size = transportBlockSize(given as Parameters<typeof transportBlockSize>[0]);
        const blocks = codeBlocks(size, given.targetCodeRate);
        expect(size % 8).toBe(0);
        expect(blocks.informationBits % 8).toBe(0);
      }),
      { seed: 38214, numRuns: 20000 },
    );
  });
});
