import { z } from "zod";
import { InputError } from "../../../errors.js";
import type { Attempt } from "../../../functions/index.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import { withOutputs } from "../../../neural/graph/outputs.js";
import type { Manifest } from "../../../neural/models/manifest.js";
import { floatPort, openSlotNetwork, slotModel } from "../../../neural/slot/index.js";
import { dataRuns } from "../data-runs.js";
import { findLeastNoise, setWeights } from "../equalization.js";
import { ERASURE_NOISE } from "../equalization-kernel.js";
import type { EqualizationContext } from "../function.js";

/** Least power of a layer, of all layers' power: networks divide by it. */
const LEAST_POWER = 1e-2;

/** Soft bits beyond it are at the limits of every decoder. */
const LARGEST_LLR = 40;

/**
 * Prepares equalization of QPSK by a network that detects ±1 over real-valued channels (`gram`, `matchedFilter`, and if it
 * takes them `energy` and `noise`; `llrs`): both parts of each layer are a stream. Its soft bits are handed on as the
 * symbols and noise under which a Gaussian observation of QPSK has just these.
 *
 * A resource element whose channel is zero or not finite is erased.
 * @param model a model's name, or the path of its directory
 * @throws InputError for other ports, and for a transmission that the model is not for: another number of layers or
 * antennas, another modulation order, or transform precoding.
 */
export function attemptDetection(model: unknown, context: EqualizationContext): Attempt {
  const { onnx, manifest } = slotModel(model);
  const { dimensions, inputs, outputs } = context;
  const { antenna: antennas, layer: layers, re } = dimensions;
  checkTransmission(manifest, onnx, context);
  // What training weighs beside it is not computed.
  const ratios = { ...onnx, graph: withOutputs(onnx.graph, ["llrs"]) };
  const network = openSlotNetwork(ratios, { engine: "onnxruntime", dimensions: { batch: re } }, context);
  const { name } = manifest;
  const streams = 2 * layers;
  const gram = floatPort(name, network.inputs, "gram", re * streams * streams);
  const matchedFilter = floatPort(name, network.inputs, "matchedFilter", re * streams);
  const energy = network.inputs.energy ? floatPort(name, network.inputs, "energy", re) : new Float32Array(re);
  // Complex noise is whitened to variance 1: half of it is in each part.
  if (network.inputs.noise) floatPort(name, network.inputs, "noise", re).fill(0.5);
  const llrs = floatPort(name, network.outputs, "llrs", re * streams);

  const positions = dataPositions(context);
  const size = dimensions.symbol * dimensions.subcarrier;
  const weights = new Float32Array(antennas);
  const least = new Float64Array(1);
  const erased = new Uint8Array(re);
  const [grid, channel, noise] = [inputs.grid.view, inputs.channel.view, inputs.noise.view];
  const [symbols, variances] = [outputs.symbols.view, outputs.noise.view];

  /** H'H, H'y and ‖y‖² of a data resource element, of power-1 streams ±1. */
  const correlate = (element: number): void => {
    const at = positions[element]!;
    const matrix = element * streams * streams;
    const filter = element * streams;
    let trace = 0;
    for (let one = 0; one < layers; one++) {
      let [filterRe, filterIm] = [0, 0];
      for (let antenna = 0; antenna < antennas; antenna++) {
        const weight = weights[antenna]!;
        const h = 2 * ((one * antennas + antenna) * size + at);
        const y = 2 * (antenna * size + at);
        filterRe += weight * (channel[h]! * grid[y]! + channel[h + 1]! * grid[y + 1]!);
        filterIm += weight * (channel[h]! * grid[y + 1]! - channel[h + 1]! * grid[y]!);
      }
      matchedFilter[filter + one] = filterRe * Math.SQRT1_2;
      matchedFilter[filter + layers + one] = filterIm * Math.SQRT1_2;
      for (let other = 0; other <= one; other++) {
        let [real, imaginary] = [0, 0];
        for (let antenna = 0; antenna < antennas; antenna++) {
          const weight = weights[antenna]!;
          const a = 2 * ((one * antennas + antenna) * size + at);
          const b = 2 * ((other * antennas + antenna) * size + at);
          real += weight * (channel[a]! * channel[b]! + channel[a + 1]! * channel[b + 1]!);
          imaginary += weight * (channel[a]! * channel[b + 1]! - channel[a + 1]! * channel[b]!);
        }
        setPair(matrix, one, other, 0.5 * real, 0.5 * imaginary);
        if (one === other) trace += real;
      }
    }
    for (let one = 0; one < layers; one++)
      if (gram[matrix + one * (streams + 1)]! < 0.5 * LEAST_POWER * trace)
        setPair(matrix, one, one, 0.5 * LEAST_POWER * trace, 0);
    let received = 0;
    for (let antenna = 0; antenna < antennas; antenna++) {
      const y = 2 * (antenna * size + at);
      received += weights[antenna]! * (grid[y]! ** 2 + grid[y + 1]! ** 2);
    }
    energy[element] = received;
    erased[element] = trace > 0 && trace + received < Number.MAX_VALUE ? 0 : 1;
    if (erased[element] === 1) clear(element, matrix, filter);
  };

  /** Both parts of an entry of H'H and of its conjugate: [[Re, -Im], [Im, Re]]. */
  const setPair = (matrix: number, one: number, other: number, real: number, imaginary: number): void => {
    const [low, high] = [one, layers + one];
    const [left, right] = [other, layers + other];
    gram[matrix + low * streams + left] = gram[matrix + high * streams + right] = real;
    gram[matrix + left * streams + low] = gram[matrix + right * streams + high] = real;
    gram[matrix + low * streams + right] = gram[matrix + right * streams + low] = -imaginary;
    gram[matrix + high * streams + left] = gram[matrix + left * streams + high] = imaginary;
  };

  /** Something that every network has an answer to, for an element that is erased afterwards. */
  const clear = (element: number, matrix: number, filter: number): void => {
    gram.fill(0, matrix, matrix + streams * streams);
    for (let k = 0; k < streams; k++) gram[matrix + k * (streams + 1)] = 1;
    matchedFilter.fill(0, filter, filter + streams);
    energy[element] = 1;
  };

  /** The observation of QPSK whose soft bits are these: LLR = 2√2·y/N0 in each part, and |y|² is 1 + N0 in the mean. */
  const write = (element: number): void => {
    for (let layer = 0; layer < layers; layer++) {
      const to = layer * re + element;
      const first = limited(llrs[element * streams + layer]!);
      const second = limited(llrs[element * streams + layers + layer]!);
      const power = (first * first + second * second) / 8;
      const isErased = erased[element] === 1 || power < 1 / ERASURE_NOISE;
      const variance = isErased ? ERASURE_NOISE : (1 + Math.sqrt(1 + 4 * power)) / (2 * power);
      const scale = isErased ? 0 : variance / (2 * Math.SQRT2);
      symbols[2 * to] = scale * first;
      symbols[2 * to + 1] = scale * second;
      variances[to] = variance;
    }
  };

  return (answerBy) => {
    findLeastNoise(channel, least);
    setWeights(noise, least, weights);
    for (let element = 0; element < re; element++) correlate(element);
    const outcome = network.run(answerBy);
    if (outcome === "done") for (let element = 0; element < re; element++) write(element);
    return outcome;
  };
}

function limited(llr: number): number {
  return Math.max(-LARGEST_LLR, Math.min(LARGEST_LLR, llr));
}

/** What of a model's dataset says how many antennas it was trained for, two observations each. */
const trainedFor = z.object({ parameters: z.object({ observations: z.number() }) });

function checkTransmission(
  { name, training }: Manifest,
  { graph }: OnnxModel,
  { dimensions, parameters }: EqualizationContext,
): void {
  const streams = graph.inputs.find((input) => input.name === "gram")?.type.shape[1];
  if (typeof streams !== "number")
    throw new InputError(`model ${name}`, undefined, "give one that takes gram [batch, streams, streams]");
  if (streams !== 2 * dimensions.layer)
    throw new InputError(
      "dimensions.layer",
      dimensions.layer,
      `${name} detects ${streams / 2} layers: grant as many, or choose another implementation of equalization`,
    );
  const observations = trainedFor.safeParse(training?.dataset).data?.parameters.observations;
  if (observations !== undefined && observations !== 2 * dimensions.antenna)
    throw new InputError(
      "dimensions.antenna",
      dimensions.antenna,
      `${name} was trained for ${observations / 2} antennas: receive with as many, or choose another implementation of equalization`,
    );
  if (parameters.signalType.transformPrecoding)
    throw new InputError(
      "equalization.signalType.transformPrecoding",
      true,
      `${name} detects symbols of subcarriers: choose another implementation of equalization`,
    );
  if (parameters.modulationOrder !== 2)
    throw new InputError(
      "equalization.modulationOrder",
      parameters.modulationOrder,
      `${name} detects QPSK: grant it, or choose another implementation of equalization`,
    );
}

/** Index in the grid [symbol][subcarrier] of each data resource element, in the order of TS 38.211 6.3.1.6. */
function dataPositions({ dimensions, parameters }: EqualizationContext): Int32Array {
  const { symbol, subcarrier, re } = dimensions;
  const { kept, runs } = dataRuns(parameters.signalType, symbol, subcarrier);
  const positions = new Int32Array(re);
  for (const { first, output, count, besideDmrs } of runs) {
    for (let index = 0; index < count; index++) {
      const block = Math.floor(index / kept.length);
      positions[output + index] =
        first + (besideDmrs ? 12 * block + kept[index - block * kept.length]! : index);
    }
  }
  return positions;
}
