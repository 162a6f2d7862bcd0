import { openTarget, type Target } from "../../compiler/index.js";
import {
  type Arena,
  type Configuration,
  complex64,
  createArena,
  createFlowInstance,
  dataflow,
  defineFunction,
  float32,
  int8,
  int32,
  uint8,
} from "../../functions/index.js";
import type { OnnxModel } from "../../neural/graph/graph.js";
import { createGridChannel, type DelayProfileName, meanDelay_s } from "../../radio/index.js";
import type { Random } from "../../system/index.js";
import { decoding, encoding } from "../coding/function.js";
import { harqProcessKey } from "../coding/soft-buffers.js";
import { crcAttachment, crcAttachmentParameters, crcCheck } from "../crc/function.js";
import { equalization } from "../equalization/function.js";
import { referenceSignals, referenceSignalsParameters } from "../estimation/function.js";
import { deinterleaving, interleaving, interleavingParameters } from "../interleaving/function.js";
import { demapping, mapping, mappingParameters } from "../mapping/function.js";
import { dmrsSubcarrier } from "../pusch/dmrs-ports.js";
import { GRANT_FIELDS, writeGrantMessage } from "../pusch/grant-message.js";
import { dataResourceIndices, type PuschConfiguration } from "../pusch/index.js";
import { uplinkConfiguration, uplinkStateDimensions } from "../uplink-configuration.js";
import { detection } from "./function.js";
import { attemptModel } from "./neural-receivers.js";

/** The channels that the slots of an evaluation are drawn from, uniformly within each range. */
export interface ChannelDraws {
  readonly profiles: readonly DelayProfileName[];
  readonly delaySpread_s: readonly [number, number];
  readonly maximumDoppler_hz: readonly [number, number];
  /** What the receiver leaves of both offsets: normal with these standard deviations. */
  readonly timing_s: number;
  readonly frequency_hz: number;
}

/** A slot that was sent through a channel, without noise. All arrays are overwritten by the next. */
export interface LinkSlot {
  readonly payload: Uint8Array;
  /** The codeword before scrambling, one bit a byte. */
  readonly codeword: Uint8Array;
  /** complex64 `[antenna][symbol][subcarrier]` of the granted resource elements. */
  readonly clean: Float32Array;
  /** What a layer's power-1 symbols are multiplied by, in the middle of each symbol: shaped like `clean`. */
  readonly response: Float32Array;
  /** Noise of variance 1, shaped like `clean`. */
  readonly noise: Float32Array;
  /** Variance that the leakage between subcarriers adds to that of noise. */
  readonly leakage: number;
  /** The DM-RS as sent, complex64 `[DM-RS symbol][subcarrier]`, 0 where there is none. */
  readonly references: Float32Array;
}

/** Makes the slots of one grant: the transmit flow up to resource elements, and a channel per resource element. */
export interface EvaluationLink {
  readonly configuration: PuschConfiguration;
  readonly receiveAntennas: number;
  readonly target: Target;
  readonly arena: Arena;
  next(random: Random): LinkSlot;
}

const transmitted = dataflow(
  "transmittedElements",
  { inputs: { payload: uint8("payloadByte"), grant: int32("grantField") } },
  ({ payload, grant }) => {
    const blocks = crcAttachment({ payload });
    const bits = interleaving({ codeword: encoding({ blocks, grant }) });
    return { bits, symbols: mapping({ bits, grant }), pilots: referenceSignals({ grant }) };
  },
);

/** @param configuration of one layer and one antenna port. */
export function createEvaluationLink(
  configuration: PuschConfiguration,
  receiveAntennas: number,
  draws: ChannelDraws,
): EvaluationLink {
  const { grant, allocation, dmrs } = configuration;
  const [symbols, subcarriers] = [grant.nrOfSymbols, allocation.subcarriers];
  const elements = symbols * subcarriers;
  const [target, arena] = [openTarget(), createArena({ bytes: 256 * 2 ** 20 })];
  const variant = createFlowInstance(transmitted, { arena, target }).prepare({
    key: "transmitted",
    dimensions: {
      payloadByte: configuration.transportBlockSize / 8,
      codeBlock: configuration.codeBlocks.count,
      blockByte: configuration.codeBlocks.informationBits / 8,
      circularBufferBit: configuration.codeBlocks.encodedBits,
      codewordBit: configuration.codewordBits,
      port: 1,
      re: allocation.dataResourceElements,
      dmrsSymbol: dmrs.symbols.length,
      subcarrier: subcarriers,
      grantField: GRANT_FIELDS,
    },
    parameters: {
      crcAttachment: crcAttachmentParameters(configuration),
      interleaving: interleavingParameters(configuration),
      mapping: mappingParameters(configuration),
      referenceSignals: referenceSignalsParameters(configuration),
    },
  });
  const data = dataResourceIndices(
    { ...allocation, gridSubcarriers: subcarriers, firstSubcarrier: 0 },
    grant,
  ).map((index) => index - grant.startSymbolIndex * subcarriers);
  const sent = new Float32Array(2 * elements);
  const clean = new Float32Array(2 * receiveAntennas * elements);
  const noise = new Float32Array(clean.length);
  const symbolPeriod_s = 15e-3 / grant.subcarrierSpacing / allocation.slotSymbols;
  const uniform = (random: Random, [low, high]: readonly [number, number]): number =>
    low + (high - low) * random.next();

  return {
    configuration,
    receiveAntennas,
    target,
    arena,
    next(random) {
      const { payload, grant: message } = variant.inputs;
      for (let byte = 0; byte < payload.view.length; byte++) payload.view[byte] = random.integer(256);
      writeGrantMessage(configuration, message.view);
      variant.process();
      const { bits, symbols: layer, pilots } = variant.outputs;
      sent.fill(0);
      dmrs.symbols.forEach((symbol, ordinal) => {
        const row = pilots.view.subarray(2 * ordinal * subcarriers, 2 * (ordinal + 1) * subcarriers);
        sent.set(row, 2 * (symbol - grant.startSymbolIndex) * subcarriers);
      });
      for (let index = 0; index < data.length; index++) {
        sent[2 * data[index]!] = layer.view[2 * index]!;
        sent[2 * data[index]! + 1] = layer.view[2 * index + 1]!;
      }
      const profile = draws.profiles[random.integer(draws.profiles.length)]!;
      const delaySpread_s = uniform(random, draws.delaySpread_s);
      const channel = createGridChannel({
        profile,
        delaySpread_s,
        maximumDoppler_hz: uniform(random, draws.maximumDoppler_hz),
        receiveAntennas,
        symbols,
        subcarriers,
        subcarrierSpacing_hz: 1000 * grant.subcarrierSpacing,
        symbolPeriod_s,
        timing_s: meanDelay_s(profile, delaySpread_s) + draws.timing_s * random.gaussian(),
        frequency_hz: draws.frequency_hz * random.gaussian(),
        random,
      });
      channel.apply(sent, clean);
      for (let at = 0; at < noise.length; at++) noise[at] = Math.SQRT1_2 * random.gaussian();
      return {
        payload: payload.view,
        codeword: bits.view,
        clean,
        response: channel.response,
        noise,
        leakage: leakageOf(sent, clean, channel.response),
        references: pilots.view,
      };
    },
  };
}

/** Mean of |received − response · sent|². */
function leakageOf(sent: Float32Array, clean: Float32Array, response: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < clean.length; at += 2) {
    const [x, y] = [sent[at % sent.length]!, sent[(at % sent.length) + 1]!];
    const [re, im] = [response[at]!, response[at + 1]!];
    sum += (clean[at]! - re * x + im * y) ** 2 + (clean[at + 1]! - re * y - im * x) ** 2;
  }
  return (2 * sum) / clean.length;
}

/** The uplink's configuration for a flow of some of its functions. */
function configurationOf(
  configuration: PuschConfiguration,
  receiveAntennas: number,
  functions: readonly string[],
): Configuration {
  const { parameters = {}, ...whole } = uplinkConfiguration(
    configuration,
    { receiveAntennas, guard: 0 },
    false,
  );
  const kept = Object.entries(parameters).filter(([name]) => functions.includes(name));
  return { ...whole, parameters: Object.fromEntries(kept) };
}

/** Soft bits of a received grid's codeword, in the scale of demapping; overwritten by the next call. */
export type GridReceiver = (grid: Float32Array) => Int8Array;

/** The function `detection` by its blocks or another implementation, as it stands in a receiver. */
export function prepareDetection(
  link: EvaluationLink,
  implementations: Readonly<Record<string, string>>,
): GridReceiver {
  const functions = ["detection", "estimation", "interference", "equalization", "jointDemapping"];
  return receiverOf(link, detection, implementations, functions);
}

function receiverOf(
  { configuration, receiveAntennas, target, arena }: EvaluationLink,
  definition: typeof detection,
  implementations: Readonly<Record<string, string>>,
  functions: readonly string[],
): GridReceiver & { release(): void } {
  const instance = createFlowInstance(detectedBy(definition), { arena, target, implementations });
  const variant = instance.prepare(configurationOf(configuration, receiveAntennas, functions));
  const receive: GridReceiver = (grid) => {
    variant.inputs.grid.view.set(grid);
    writeGrantMessage(configuration, variant.inputs.grant.view);
    variant.inputs.applied.view.fill(0);
    variant.process();
    return variant.outputs.llrs.view;
  };
  return Object.assign(receive, { release: () => instance.close() });
}

/** A flow of one detection. */
const detectedBy = (definition: typeof detection) =>
  dataflow("detected", { inputs: definition.inputs }, ({ grid, grant, applied }) => ({
    llrs: definition({ grid, grant, applied }).llrs,
  }));

/** The function `detection` done by a model that need not be known by a name. @throws InputError for one that cannot do it */
export function prepareModel(link: EvaluationLink, model: OnnxModel): GridReceiver & { release(): void } {
  const { inputs, outputs, parameters, state } = detection;
  const definition = defineFunction({ name: "detection", inputs, outputs, parameters, state });
  // It always has an answer, none: whoever is measured must not be helped.
  definition.implement("silent", {
    kind: "model",
    prepare:
      ({ outputs: { llrs } }) =>
      () =>
        llrs.view.fill(0),
  });
  definition.implement("model", {
    kind: "neural",
    fallback: "silent",
    attempt: (context) => attemptModel(model, context),
  });
  return receiverOf(link, definition, { detection: "model" }, ["detection"]);
}

/** Equalization and demapping with a channel and a noise variance that are given. */
export function prepareGivenChannel(
  { configuration, receiveAntennas, target, arena }: EvaluationLink,
  method: "mmse" | "zero-forcing",
): (grid: Float32Array, channel: Float32Array, variance: number) => Int8Array {
  const instance = createFlowInstance(givenChannel, {
    arena,
    target,
    implementations: { equalization: method, demapping: "log-map" },
  });
  const variant = instance.prepare(configurationOf(configuration, receiveAntennas, ["equalization"]));
  return (grid, channel, variance) => {
    const { inputs } = variant;
    inputs.grid.view.set(grid);
    inputs.channel.view.set(channel);
    inputs.noise.view.fill(variance);
    writeGrantMessage(configuration, inputs.grant.view);
    variant.process();
    return variant.outputs.llrs.view;
  };
}

const givenChannel = dataflow(
  "givenChannel",
  {
    inputs: {
      grid: complex64("antenna", "symbol", "subcarrier"),
      channel: complex64("layer", "antenna", "symbol", "subcarrier"),
      noise: float32("antenna"),
      grant: int32("grantField"),
    },
  },
  ({ grid, channel, noise, grant }) => {
    const equalized = equalization({ grid, channel, noise });
    return { llrs: demapping({ symbols: equalized.symbols, noise: equalized.noise, grant }) };
  },
);

/** Rate recovery, LDPC decoding and CRC: whether the soft bits give the payload that was sent. */
export function prepareDecoding({
  configuration,
  receiveAntennas,
  target,
  arena,
}: EvaluationLink): (llrs: Int8Array, payload: Uint8Array) => boolean {
  const stateDimensions = uplinkStateDimensions(configuration.carrier, receiveAntennas);
  const instance = createFlowInstance(decoded, { arena, target, stateDimensions });
  const functions = ["deinterleaving", "decoding", "crcCheck"];
  const variant = instance.prepare(configurationOf(configuration, receiveAntennas, functions));
  instance.choose(harqProcessKey, 0);
  return (llrs, payload) => {
    variant.inputs.llrs.view.set(llrs);
    writeGrantMessage(configuration, variant.inputs.grant.view);
    variant.process();
    const { crc, block } = variant.outputs;
    return crc.view[0] === 1 && payload.every((byte, index) => block.view[index] === byte);
  };
}

const decoded = dataflow(
  "decoded",
  { inputs: { llrs: int8("codewordBit"), grant: int32("grantField") } },
  ({ llrs, grant }) => {
    const { blocks } = decoding({ codeword: deinterleaving({ llrs }), grant });
    const { payload: block, crc } = crcCheck({ blocks });
    return { block, crc };
  },
);

/**
 * Least squares as textbooks have it: raw estimates at the pilots, and between them the nearest one, or a straight line
 * first over frequency, then over time, the outermost beyond.
 * @returns complex64 like `clean`; overwritten by the next call
 */
export function prepareLeastSquares(
  { configuration, receiveAntennas }: EvaluationLink,
  interpolation: "nearest" | "linear",
): (grid: Float32Array, references: Float32Array) => Float32Array {
  const { grant, allocation, dmrs } = configuration;
  const [symbols, subcarriers] = [grant.nrOfSymbols, allocation.subcarriers];
  const pilots = Array.from({ length: dmrs.pilots }, (_, index) =>
    dmrsSubcarrier(dmrs.configType, dmrs.ports[0]!.delta, index),
  );
  const positions = dmrs.symbols.map((symbol) => symbol - grant.startSymbolIndex);
  const acrossFrequency = interpolationWeights(pilots, subcarriers, interpolation);
  const acrossTime = interpolationWeights(positions, symbols, interpolation);
  const rows = new Float64Array(2 * positions.length * subcarriers);
  const channel = new Float32Array(2 * receiveAntennas * symbols * subcarriers);
  return (grid, references) => {
    for (let antenna = 0; antenna < receiveAntennas; antenna++) {
      positions.forEach((symbol, ordinal) => {
        const from = 2 * (antenna * symbols + symbol) * subcarriers;
        const reference = 2 * ordinal * subcarriers;
        const at = (pilot: number, part: 0 | 1): number => {
          const k = 2 * pilots[pilot]!;
          const [x, y] = [references[reference + k]!, references[reference + k + 1]!];
          const [a, b] = [grid[from + k]!, grid[from + k + 1]!];
          return (part === 0 ? a * x + b * y : b * x - a * y) / (x * x + y * y);
        };
        acrossFrequency.forEach(({ first, second, share }, k) => {
          for (const part of [0, 1] as const)
            rows[reference + 2 * k + part] = (1 - share) * at(first, part) + share * at(second, part);
        });
      });
      acrossTime.forEach(({ first, second, share }, symbol) => {
        const to = 2 * (antenna * symbols + symbol) * subcarriers;
        for (let k = 0; k < 2 * subcarriers; k++)
          channel[to + k] =
            (1 - share) * rows[2 * first * subcarriers + k]! + share * rows[2 * second * subcarriers + k]!;
      });
    }
    return channel;
  };
}

/** Of each of `count` places, the two known ones that it is made from, and the share of the second. */
function interpolationWeights(
  known: readonly number[],
  count: number,
  interpolation: "nearest" | "linear",
): { first: number; second: number; share: number }[] {
  const last = known.length - 1;
  return Array.from({ length: count }, (_, place) => {
    const next = known.findIndex((position) => position >= place);
    if (next === 0 || next === -1) {
      const only = next === 0 ? 0 : last;
      return { first: only, second: only, share: 0 };
    }
    const share = (place - known[next - 1]!) / (known[next]! - known[next - 1]!);
    return { first: next - 1, second: next, share: interpolation === "linear" ? share : Math.round(share) };
  });
}
