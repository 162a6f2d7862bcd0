import type { Context, Process } from "../../functions/index.js";
import { packBits, unpackBits } from "./bits.js";
import { concatenationKernel } from "./concatenation-kernel.js";
import { type Crc, checkCrc } from "./crc.js";
import { crcKernel, crcShape, crcTables, crcWorkspaceLength, remainderNumber } from "./crc-kernel.js";
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
  const { dimensions, inputs, outputs, scratch } = context;
  const { codeBlock, blockByte } = dimensions;
  const { transportBlockCrc, codeBlockCrc } = layout;
  const [blocks, payload, result] = [inputs.blocks.view, outputs.payload.view, outputs.crc.view];
  const partBytes = layout.partBits / 8;
  const concatenate = context.compile(concatenationKernel(context.target.vectorBytes));
  // The transport block's CRC stands at the end of the last parts and is no payload.
  const attached = Array.from({ length: transportBlockCrc.length / 8 }, (_, index) => {
    const byte = payload.length + index;
    return Math.floor(byte / partBytes) * blockByte + (byte % partBytes);
  });
  const ofPayload = scratch("payloadRemainder", "int32", 1);
  const ofBlocks = scratch("blockRemainders", "int32", codeBlock);
  const dividePayload = division(context, transportBlockCrc, "payload", payload.length);
  const divideBlocks =
    codeBlockCrc === undefined ? undefined : division(context, codeBlockCrc, "blocks", blockByte);
  return () => {
    concatenate(
      inputs.blocks.offset,
      outputs.payload.offset,
      codeBlock,
      blockByte,
      partBytes,
      payload.length,
    );
    dividePayload(outputs.payload.offset, ofPayload.offset, 1);
    let wanted = 0;
    for (let index = 0; index < attached.length; index++) wanted = wanted * 256 + blocks[attached[index]!]!;
    let failed = 0;
    if (divideBlocks !== undefined) {
      divideBlocks(inputs.blocks.offset, ofBlocks.offset, codeBlock);
      // A sequence that its own CRC follows has no remainder.
      for (let block = 0; block < codeBlock; block++) if (ofBlocks.view[block] !== 0) failed++;
    }
    result[crcFieldIndex.passed] = remainderNumber(transportBlockCrc, ofPayload.view[0]!) === wanted ? 1 : 0;
    result[crcFieldIndex.failedCodeBlocks] = failed;
  };
}

/** Prepares remainders of sequences of `length` bytes that follow each other, all by their offsets. */
function division(
  { table, scratch, compile, target }: CheckContext,
  crc: Crc,
  name: string,
  length: number,
): (bytes: number, remainders: number, sequences: number) => void {
  const shape = crcShape(crc, length, target.vectorBytes);
  const tables = table(`${name}Tables`, crcTables(crc)).offset;
  const workspace = scratch(`${name}Workspace`, "uint8", crcWorkspaceLength(shape, length)).offset;
  const run = compile(crcKernel(shape));
  return (bytes, remainders, sequences) => {
    run(bytes, tables, workspace, remainders, sequences, length, length);
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
