import type { Target } from "../../../compiler/index.js";
import {
  type Configuration,
  createArena,
  createFlowInstance,
  dataflow,
  type FunctionDefinition,
  int8,
  int32,
  prepareFunction,
  uint8,
} from "../../../functions/index.js";
import type { Random } from "../../../system/index.js";
import { decoding, encoding } from "../../coding/function.js";
import { harqProcessKey } from "../../coding/soft-buffers.js";
import { crcFieldIndex } from "../../crc/check.js";
import { crcAttachment, crcCheck } from "../../crc/function.js";
import { deinterleaving, interleaving } from "../../interleaving/function.js";
import { GRANT_FIELDS, writeGrantMessage } from "../../pusch/grant-message.js";
import { type PuschConfiguration, parseCarrier, parseGrant, puschConfiguration } from "../../pusch/index.js";
import { uplinkConfiguration, uplinkStateDimensions } from "../../uplink-configuration.js";
import { uplinkTransmitConfiguration } from "../../uplink-transmit-configuration.js";
import { type demapping, mapping } from "../function.js";

/** A demapper on trial: a definition with the ports of demapping, and which of its implementations. */
export interface TriedDemapper {
  readonly definition: FunctionDefinition<
    typeof demapping.inputs,
    typeof demapping.outputs,
    Record<never, never>,
    typeof demapping.state
  >;
  readonly implementation: string;
}

/** From a transport block to its symbols, all as in the transmitter. */
const transmitted = dataflow(
  "codedTransmit",
  { inputs: { payload: uint8("payloadByte"), grant: int32("grantField") } },
  ({ payload, grant }) => {
    const blocks = crcAttachment({ payload });
    return { symbols: mapping({ bits: interleaving({ codeword: encoding({ blocks, grant }) }), grant }) };
  },
);

/** From soft bits to the transport block, all as in the receiver. */
const received = dataflow(
  "codedReceive",
  { inputs: { llrs: int8("codewordBit"), grant: int32("grantField") } },
  ({ llrs, grant }) => {
    const { blocks } = decoding({ codeword: deinterleaving({ llrs }), grant });
    const { payload, crc } = crcCheck({ blocks });
    return { payload, crc };
  },
);

/** Transport blocks over white noise, each demapped by several demappers and decoded: the same noise for all. */
export interface CodedLink {
  /** Bits of a transport block. */
  readonly transportBlockSize: number;
  /** Sends one. Returns which demappers it was lost with, in their order; overwritten by the next. */
  send(snr_db: number, random: Random): readonly boolean[];
  close(): void;
}

/** The configuration of a link: one layer on resource blocks enough for one code block. */
export function codedLinkConfiguration(
  mcsTable: 1 | 2 | 3,
  mcsIndex: number,
  rbSize: number,
): PuschConfiguration {
  const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 51 });
  const grant = { slot: 0, physCellId: 1, rnti: 17, rbStart: 0, rbSize, mcsTable, mcsIndex, nrOfLayers: 1 };
  return puschConfiguration(carrier, parseGrant(grant, carrier));
}

/** A configuration with the parameters of these functions only. */
function withParameters(of: Configuration, functions: readonly string[]): Configuration {
  return { ...of, parameters: Object.fromEntries(functions.map((name) => [name, of.parameters![name]!])) };
}

export function createCodedLink(
  configuration: PuschConfiguration,
  demappers: readonly TriedDemapper[],
  target: Target,
): CodedLink {
  const arena = createArena({ bytes: 64 * 2 ** 20 });
  const transmit = createFlowInstance(transmitted, { arena, target });
  const receive = createFlowInstance(received, {
    arena,
    target,
    stateDimensions: uplinkStateDimensions(configuration.carrier, 1),
  });
  const sent = transmit.prepare(
    withParameters(uplinkTransmitConfiguration(configuration, 0), [
      "crcAttachment",
      "interleaving",
      "mapping",
    ]),
  );
  const settings = { receiveAntennas: 1, guard: 0, maximumIterations: 20 };
  const decoded = receive.prepare(
    withParameters(uplinkConfiguration(configuration, settings, false), [
      "deinterleaving",
      "decoding",
      "crcCheck",
    ]),
  );
  const { dataResourceElements: re } = configuration.allocation;
  const tried = demappers.map(({ definition, implementation }) =>
    prepareFunction(definition, implementation, {
      arena,
      target,
      dimensions: { layer: 1, re, codewordBit: configuration.codewordBits, grantField: GRANT_FIELDS },
    }),
  );
  for (const { grant } of [sent.inputs, decoded.inputs, ...tried.map(({ inputs }) => inputs)])
    writeGrantMessage(configuration, grant.view);
  const payload = sent.inputs.payload.view;
  const symbols = sent.outputs.symbols.view;
  const lost = demappers.map(() => false);
  return {
    transportBlockSize: configuration.transportBlockSize,
    send(snr_db, random) {
      for (let byte = 0; byte < payload.length; byte++) payload[byte] = random.integer(256);
      sent.process();
      const variance = 10 ** (-snr_db / 10);
      const deviation = Math.sqrt(variance / 2);
      for (let at = 0; at < symbols.length; at++) symbols[at]! += deviation * random.gaussian();
      tried.forEach(({ inputs, outputs, process }, index) => {
        inputs.symbols.view.set(symbols);
        inputs.noise.view.fill(variance);
        process();
        decoded.inputs.llrs.view.set(outputs.llrs.view);
        // A transport block is new each time: nothing is combined.
        receive.choose(harqProcessKey, undefined);
        decoded.process();
        const passed = decoded.outputs.crc.view[crcFieldIndex.passed] === 1;
        lost[index] = !passed || !decoded.outputs.payload.view.every((byte, at) => byte === payload[at]);
      });
      return lost;
    },
    close() {
      for (const one of tried) one.release();
      transmit.close();
      receive.close();
    },
  };
}
