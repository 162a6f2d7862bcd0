import { wasmTarget } from "../src/compiler/index.js";
import { prepareDecoder } from "../src/transceiver/coding/decoder.js";
import { LLR_SCALE } from "../src/transceiver/mapping/llr-scale.js";
import { type FloatRule, floatDecoder } from "./float-decoder.js";
import { functionContext } from "./function-context.js";
import type { LdpcLink } from "./ldpc-link.js";

/**
 * Decodes what a link sent and stops early.
 * @returns iterations; negative where a bit of information came out wrong
 */
export type LdpcReceiver = (llrs: Float64Array, information: Uint8Array) => number;

/** In double precision. A posterior of 0 decides for 1, as in the product. */
export function floatReceiver(link: LdpcLink, maximumIterations: number, rule: FloatRule): LdpcReceiver {
  const { posterior, decode } = floatDecoder(link.graph, link.rows, maximumIterations, rule);
  return (llrs, information) => {
    const iterations = Math.abs(decode(llrs));
    const right = information.every((bit, k) => bit === (posterior[k]! > 0 ? 0 : 1));
    return right ? iterations : -iterations;
  };
}

/** The product's decoder, soft bits quantized as by demapping. */
export function int8Receiver(link: LdpcLink, maximumIterations: number): LdpcReceiver {
  const { graph, rows, informationBits } = link;
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
  const context = functionContext(memory, wasmTarget(), 64);
  const length = (graph.columns - 2) * graph.liftingSize;
  const codeword = context.scratch("codeword", "int8", length).offset;
  const block = context.scratch("block", "uint8", informationBits / 8 + 1).offset;
  const decode = prepareDecoder(context, graph, informationBits, {
    maximum: maximumIterations,
    earlyStop: true,
  });
  const soft = new Int8Array(memory.buffer, codeword, length);
  const decided = new Uint8Array(memory.buffer, block);
  return (llrs, information) => {
    for (let k = 0; k < length; k++)
      soft[k] = Math.max(-127, Math.min(127, Math.round(llrs[k]! * LLR_SCALE)));
    const iterations = Math.abs(decode(codeword, block, rows));
    const right = information.every((bit, k) => bit === ((decided[k >> 3]! >> (7 - (k & 7))) & 1));
    return right ? iterations : -iterations;
  };
}
