import type { Context, Process } from "../../functions/index.js";
import { baseGraph } from "./base-graph.js";
import { codeShape, codingSchemeIndex, keepCodingScheme } from "./coding-scheme.js";
import { decoderRows, prepareDecoder } from "./decoder.js";
import type { decoding } from "./function.js";

type DecodingContext = Context<
  typeof decoding.inputs,
  typeof decoding.outputs,
  typeof decoding.parameters,
  typeof decoding.state
>;

/** What `iterations` says of a code block that is not of the code the variant is prepared for. */
export const NOT_DECODED = -128;

/** Prepares the layered min-sum decoder on int8, one code block after the other. */
export function prepareMinSum(context: DecodingContext): Process {
  const { dimensions, parameters, inputs, outputs, state } = context;
  const { codeBlock, blockByte, circularBufferBit } = dimensions;
  const shape = codeShape(circularBufferBit, blockByte);
  const graph = baseGraph(shape.baseGraph, shape.liftingSize);
  const rows = decoderRows(graph, parameters.lastPosition ?? circularBufferBit - 1);
  const decode = prepareDecoder(context, graph, shape.informationBits, {
    maximum: parameters.maximumIterations,
    earlyStop: parameters.earlyStop,
  });
  const [grant, scheme] = [inputs.grant.view, state.codingScheme.view];
  const [codeword, blocks] = [inputs.codeword.offset, outputs.blocks.offset];
  const iterations = outputs.iterations.view;
  return () => {
    keepCodingScheme(grant, scheme);
    if (
      scheme[codingSchemeIndex.baseGraph] !== shape.baseGraph ||
      scheme[codingSchemeIndex.liftingSize] !== shape.liftingSize ||
      scheme[codingSchemeIndex.codeBlockCount] !== codeBlock
    ) {
      // A failed check, not an exception: the slot goes on, and its CRC must not pass on the last slot's bits.
      outputs.blocks.view.fill(0xff);
      iterations.fill(NOT_DECODED);
      return;
    }
    for (let block = 0; block < codeBlock; block++) {
      iterations[block] = decode(codeword + block * circularBufferBit, blocks + block * blockByte, rows);
    }
  };
}
