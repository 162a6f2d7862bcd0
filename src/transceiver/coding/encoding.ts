import type { Context, Process } from "../../functions/index.js";
import { unpackBits } from "../crc/bits.js";
import { baseGraph } from "./base-graph.js";
import { codeShape, keepCodingScheme } from "./coding-scheme.js";
import { prepareEncoder } from "./encode.js";
import type { encoding } from "./function.js";

/** What stands for a filler bit, <NULL> of TS 38.212 5.3.2, among encoded bits. */
export const FILLER = 2;

type EncodingContext = Context<
  typeof encoding.inputs,
  typeof encoding.outputs,
  typeof encoding.parameters,
  typeof encoding.state
>;

/** Prepares the plain encoder: one bit a byte, one code block after the other. */
export function prepareEncoding({ dimensions, inputs, outputs, state }: EncodingContext): Process {
  const { codeBlock, blockByte, circularBufferBit } = dimensions;
  const shape = codeShape(circularBufferBit, blockByte);
  const { informationBits, codeBlockSize, liftingSize } = shape;
  const encode = prepareEncoder(baseGraph(shape.baseGraph, liftingSize));
  const [blocks, grant] = [inputs.blocks.view, inputs.grant.view];
  const codeword = outputs.codeword.view;
  const scheme = state.codingScheme.view;
  const packed = Array.from({ length: codeBlock }, (_, block) =>
    blocks.subarray(block * blockByte, (block + 1) * blockByte),
  );
  // Filler bits stay 0 here: they take part in encoding as zeros.
  const information = new Uint8Array(codeBlockSize);
  const fillerStart = informationBits - 2 * liftingSize;
  const fillerEnd = codeBlockSize - 2 * liftingSize;
  return () => {
    keepCodingScheme(grant, scheme);
    for (let block = 0; block < codeBlock; block++) {
      const start = block * circularBufferBit;
      unpackBits(packed[block]!, information, 0, informationBits);
      encode(information, 0, codeword, start);
      codeword.fill(FILLER, start + fillerStart, start + fillerEnd);
    }
  };
}
