import type { Context, Process } from "../../functions/index.js";
import { baseGraph } from "./base-graph.js";
import { codeShape, codingSchemeIndex, keepCodingScheme } from "./coding-scheme.js";
import { decoderRows, prepareDecoder } from "./decoder.js";
import type { decoding } from "./function.js";
import { prepareSoftBuffers } from "./soft-buffers.js";

type DecodingContext = Context<
  typeof decoding.inputs,
  typeof decoding.outputs,
  typeof decoding.parameters,
  typeof decoding.state
>;

/** What `iterations` says of a code block that is not of the code the variant is prepared for. */
export const NOT_DECODED = -128;

/**
 * Prepares the layered min-sum decoder on int8, one code block after the other, with soft combining (soft-buffers.ts).
 *
 * A transport block counts as decoded where the parity of all its code blocks holds; whether its CRC passes is not known
 * here. Of a decoded one of several code blocks nothing is kept: a retransmission that is granted for it all the same, its
 * CRC having failed or its acknowledgement been lost, is decoded alone.
 */
export function prepareMinSum(context: DecodingContext): Process {
  const { dimensions, parameters, inputs, outputs, state } = context;
  const { codeBlock, blockByte, circularBufferBit } = dimensions;
  const shape = codeShape(circularBufferBit, blockByte);
  const graph = baseGraph(shape.baseGraph, shape.liftingSize);
  const decode = prepareDecoder(context, graph, shape.informationBits, {
    maximum: parameters.maximumIterations,
    earlyStop: parameters.earlyStop,
  });
  const [grant, scheme] = [inputs.grant.view, state.codingScheme.view];
  const [codeword, blocks] = [inputs.codeword.offset, outputs.blocks.offset];
  const iterations = outputs.iterations.view;
  const softBuffers = prepareSoftBuffers(
    context,
    state,
    grant,
    { offset: codeword, count: codeBlock * circularBufferBit },
    parameters.lastPosition ?? circularBufferBit - 1,
  );
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
    const rows = decoderRows(graph, softBuffers.begin());
    const source = softBuffers.source();
    let holds = true;
    for (let block = 0; block < codeBlock; block++) {
      const count = decode(source + block * circularBufferBit, blocks + block * blockByte, rows);
      iterations[block] = count;
      holds = holds && count > 0;
    }
    // Parity that holds may still be that of another codeword. A single block costs little to keep until new data come.
    softBuffers.end(!holds || codeBlock === 1);
  };
}
