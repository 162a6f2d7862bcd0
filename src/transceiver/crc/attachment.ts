import type { Context, Process } from "../../functions/index.js";
import { packBits, unpackBits } from "./bits.js";
import { attachCrc } from "./crc.js";
import { blockLayout } from "./crc-scheme.js";
import type { crcAttachment } from "./function.js";

type AttachmentContext = Context<
  typeof crcAttachment.inputs,
  typeof crcAttachment.outputs,
  typeof crcAttachment.parameters
>;

/** Prepares plain attachment, bit by bit. */
export function prepareAttachment({ dimensions, inputs, outputs, parameters }: AttachmentContext): Process {
  const { codeBlock, blockByte } = dimensions;
  const { blockLength } = parameters;
  const { transportBlockCrc, codeBlockCrc, partBits, blockBits } = blockLayout(parameters, dimensions);
  const transportBlock = new Uint8Array(blockLength + transportBlockCrc.length);
  const bits = new Uint8Array(blockBits);
  const payload = inputs.payload.view;
  const packed = Array.from({ length: codeBlock }, (_, block) =>
    outputs.blocks.view.subarray(block * blockByte, (block + 1) * blockByte),
  );
  return () => {
    unpackBits(payload, transportBlock, 0, blockLength);
    attachCrc(transportBlockCrc, transportBlock, 0, blockLength);
    for (let block = 0; block < codeBlock; block++) {
      for (let bit = 0; bit < partBits; bit++) bits[bit] = transportBlock[block * partBits + bit]!;
      if (codeBlockCrc !== undefined) attachCrc(codeBlockCrc, bits, 0, partBits);
      packBits(bits, 0, blockBits, packed[block]!);
    }
  };
}
