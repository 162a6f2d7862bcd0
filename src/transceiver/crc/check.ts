import type { Context, Process } from "../../functions/index.js";
import { packBits, unpackBits } from "./bits.js";
import { checkCrc } from "./crc.js";
import { crcKernel, crcTables, remainderNumber, TABLE_WORDS } from "./crc-kernel.js";
import { type BlockLayout, blockLayout } from "./crc-scheme.js";
import type { crcCheck } from "./function.js";

type CheckContext = Context<typeof crcCheck.inputs, typeof crcCheck.outputs, typeof crcCheck.parameters>;

/** Where each field of the result stands. */
export const crcFieldIndex = Object.freeze({
  /** 1 where the transport block's CRC passed. */
  passed: 0,
  /** Code blocks whose own CRC failed. */
  failedCodeBlocks: 1,
});

/** Fields of a result. */
export const CRC_FIELDS = Object.keys(crcFieldIndex).length;

/**
 * Prepares the check by a kernel on bytes. Every transport block size of TS 38.214 5.1.3.2 and its equal parts are
 * whole bytes; where a length or CRC is not, bits are taken one by one.
 */
export function prepareCheck(context: CheckContext): Process {
  const { blockLength } = context.parameters;
  const layout = blockLayout(context.parameters, context.dimensions);
  const whole = [blockLength, layout.partBits, layout.blockBits].every((bits) => bits % 8 === 0);
  return whole ? checkBytes(context, layout) : checkBits(context, layout);
}

function checkBytes(context: CheckContext, layout: BlockLayout): Process {
  const { dimensions, inputs, outputs, table, scratch, compile } = context;
  const { codeBlock, blockByte } = dimensions;
  const { transportBlockCrc, codeBlockCrc } = layout;
  const crcs = codeBlockCrc === undefined ? [transportBlockCrc] : [transportBlockCrc, codeBlockCrc];
  const words = new Int32Array(crcs.length * TABLE_WORDS);
  crcs.forEach((crc, index) => {
    words.set(crcTables(crc), index * TABLE_WORDS);
  });
  const tables = table("crcTables", words).offset;
  const remainders = scratch("remainders", "int32", crcs.length);
  const run = compile(crcKernel(crcs.length));
  const [blocks, payload, result] = [inputs.blocks.view, outputs.payload.view, outputs.crc.view];
  const partBytes = layout.partBits / 8;
  // The transport block's CRC stands at the end of the last parts and is no payload.
  const parts = Array.from({ length: codeBlock }, (_, block) => {
    const count = Math.max(0, Math.min(partBytes, payload.length - block * partBytes));
    return blocks.subarray(block * blockByte, block * blockByte + count);
  });
  return () => {
    let failed = 0;
    remainders.view[0] = 0;
    for (let block = 0; block < codeBlock; block++) {
      const start = block * blockByte;
      payload.set(parts[block]!, Math.min(block * partBytes, payload.length));
      if (codeBlockCrc === undefined) {
        run(inputs.blocks.offset + start, tables, remainders.offset, partBytes);
        continue;
      }
      remainders.view[1] = 0;
      run(inputs.blocks.offset + start, tables, remainders.offset, partBytes);
      let attached = 0;
      for (let byte = start + partBytes; byte < start + blockByte; byte++)
        attached = attached * 256 + blocks[byte]!;
      if (remainderNumber(codeBlockCrc, remainders.view[1]!) !== attached) failed++;
    }
    result[crcFieldIndex.passed] = remainders.view[0] === 0 ? 1 : 0;
    result[crcFieldIndex.failedCodeBlocks] = failed;
  };
}

function checkBits(context: CheckContext, layout: BlockLayout): Process {
  const { dimensions, inputs, outputs, parameters } = context;
  const { codeBlock, blockByte } = dimensions;
  const { transportBlockCrc, codeBlockCrc, partBits, blockBits } = layout;
  const packed = Array.from({ length: codeBlock }, (_, block) =>
    inputs.blocks.view.subarray(block * blockByte, (block + 1) * blockByte),
  );
  const bits = new Uint8Array(blockBits);
  const transportBlock = new Uint8Array(codeBlock * partBits);
  const [payload, result] = [outputs.payload.view, outputs.crc.view];
  return () => {
    let failed = 0;
    for (let block = 0; block < codeBlock; block++) {
      unpackBits(packed[block]!, bits, 0, blockBits);
      if (codeBlockCrc !== undefined && !checkCrc(codeBlockCrc, bits, 0, blockBits)) failed++;
      for (let bit = 0; bit < partBits; bit++) transportBlock[block * partBits + bit] = bits[bit]!;
    }
    packBits(transportBlock, 0, parameters.blockLength, payload);
    const passed = checkCrc(transportBlockCrc, transportBlock, 0, transportBlock.length);
    result[crcFieldIndex.passed] = passed ? 1 : 0;
    result[crcFieldIndex.failedCodeBlocks] = failed;
  };
}
