import { InputError } from "../../errors.js";
import type { Attempt } from "../../functions/index.js";
import type { Graph, GraphValue, OnnxModel } from "../../neural/graph/graph.js";
import { storedTensor } from "../../neural/operators/numeric.js";
import { holdsNumbers, openSlotNetwork, slotModel } from "../../neural/slot/index.js";
import { createRandom } from "../../system/index.js";
import type { SquareOrder } from "./axis-llr.js";
import type { DemappingContext } from "./demapping.js";
import { LLR_SCALE } from "./llr-scale.js";
import { prepareLlrnet } from "./llrnet/implementation.js";
import { llrnet } from "./llrnet/network.js";
import { keepModulationScheme, modulationSchemeIndex } from "./modulation-scheme.js";
import { prepareSoftBits } from "./soft-bits.js";

/** Variances below it count as it, as for all demappers. */
const LEAST_NOISE = 1e-12;
/** Symbols of more noise were not received, and networks were not trained for them: their soft bits are 0. */
const MOST_NOISE = 1e6;

/**
 * Prepares demapping by a dense network over single symbols, compiled into a kernel: from symbols `[batch, 2]`, and if it takes
 * it the variance of their noise `[batch, 1]`, to soft bits `[batch, bits]`, whose sign and scale the manifest's output
 * states (`llr`; natural logarithms of P(0)/P(1) unless it does). Symbols have mean power 1, or what the input's `symbol` says.
 * Ports are told by their sizes, whatever they are called.
 *
 * LLRnets are found by their graph and run by the kernel that is made for them. A model has no answer for other modulation
 * orders than that of so many bits.
 * @param model a model's name, or the path of its directory
 * @throws InputError for other ports, and for an operator that the engine lacks, by its name
 */
export function attemptDemapper(model: unknown, context: DemappingContext): Attempt {
  const { onnx, manifest } = slotModel(model);
  const { symbol, noise, llrs, bits } = portsOf(manifest.name, onnx);
  const { dimensions, inputs, outputs, state } = context;
  const { layer: layers, re } = dimensions;
  const samples = layers * re;
  if (samples === 0 || dimensions.codewordBit !== samples * bits) return () => "unavailable";
  if (isLlrnet(onnx, bits)) {
    const process = prepareLlrnet(context, () => onnx);
    return () => {
      process();
      return "done";
    };
  }
  const { positiveBit = 0, scale = 1 } = manifest.outputs[0]!.llr ?? {};
  const factor = ((positiveBit === 0 ? 1 : -1) * LLR_SCALE) / scale;
  const adapted = scaled(onnx, llrs, factor);
  const amplitude = manifest.inputs.find(({ name }) => name === symbol.name)?.symbol?.scale ?? 1;
  const batch = symbol.type.shape[0]!;
  const network = openSlotNetwork(
    adapted,
    { engine: "jit", dimensions: typeof batch === "string" ? { [batch]: samples } : {} },
    context,
  );
  const points = network.inputs[symbol.name]!.data as Float32Array;
  const variances = noise && (network.inputs[noise.name]!.data as Float32Array);
  const ratios = network.outputs[llrs.name]!.data as Float32Array;
  if (points.length !== 2 * samples)
    throw new InputError(
      `model ${manifest.name}`,
      batch,
      `its batch is fixed, but the transmission has ${samples} symbols: give a model whose batch has a name`,
    );
  const softBits = prepareSoftBits(context, outputs.llrs, samples * bits);
  const soft = softBits.soft.view;
  const erased = new Uint8Array(samples);
  const [symbols, noises] = [inputs.symbols.view, inputs.noise.view];
  const [grant, out, scheme] = [inputs.grant.view, outputs.llrs.view, state.modulationScheme.view];

  const fill = (): void => {
    for (let sample = 0; sample < samples; sample++) {
      const [real, imaginary, variance] = [symbols[2 * sample]!, symbols[2 * sample + 1]!, noises[sample]!];
      const isReceived =
        variance >= 0 && variance <= MOST_NOISE && Number.isFinite(real) && Number.isFinite(imaginary);
      erased[sample] = isReceived ? 0 : 1;
      points[2 * sample] = isReceived ? amplitude * real : 0;
      points[2 * sample + 1] = isReceived ? amplitude * imaginary : 0;
      if (variances !== undefined)
        variances[sample] = isReceived ? amplitude ** 2 * Math.max(LEAST_NOISE, variance) : 1;
    }
  };

  /** From the network's order, `[layer][re][bit]`, to that of the codeword. */
  const collect = (): void => {
    for (let layer = 0; layer < layers; layer++) {
      for (let element = 0; element < re; element++) {
        const sample = layer * re + element;
        const [from, to] = [sample * bits, (element * layers + layer) * bits];
        for (let bit = 0; bit < bits; bit++) soft[to + bit] = erased[sample] === 1 ? 0 : ratios[from + bit]!;
      }
    }
  };

  return (answerBy) => {
    keepModulationScheme(grant, scheme);
    if (scheme[modulationSchemeIndex.modulationOrder] !== bits) {
      out.fill(0);
      return "done";
    }
    fill();
    const outcome = network.run(answerBy);
    if (outcome !== "done") return outcome;
    collect();
    softBits.write(scheme[modulationSchemeIndex.scramblingInit]!);
    return "done";
  };
}

/** Whether it is the network of LLRnet, with whatever weights; those that are no numbers are left to what looks for such. */
function isLlrnet({ graph }: OnnxModel, bits: number): boolean {
  if (![2, 4, 6, 8].includes(bits)) return false;
  const like = llrnet(bits as SquareOrder, createRandom(0)).graph;
  const operators = (one: Graph): string => one.nodes.map(({ operator }) => operator).join();
  return (
    operators(graph) === operators(like) &&
    [...like.initializers.keys()].every((name) => graph.initializers.has(name)) &&
    [...graph.initializers.values()].every(holdsNumbers)
  );
}

/** @throws InputError for ports that no demapper has */
function portsOf(name: string, { graph }: OnnxModel) {
  const isOfWidth =
    (width: number) =>
    ({ type: { shape } }: GraphValue): boolean =>
      shape.length === 2 && shape[1] === width;
  const symbol = graph.inputs.find(isOfWidth(2));
  const noise = graph.inputs.find(isOfWidth(1));
  const [llrs] = graph.outputs;
  const bits = llrs?.type.shape[1];
  const isWhole = graph.inputs.length === (noise === undefined ? 1 : 2) && graph.outputs.length === 1;
  if (symbol !== undefined && llrs?.type.shape.length === 2 && typeof bits === "number" && isWhole)
    return { symbol, noise, llrs, bits };
  const text = (values: readonly GraphValue[]): string =>
    values.map((one) => `${one.name} [${one.type.shape.join(", ")}]`).join(", ");
  throw new InputError(
    `model ${name}`,
    `${text(graph.inputs)} → ${text(graph.outputs)}`,
    "demapping takes models of symbols [batch, 2], with or without noise [batch, 1] → llrs [batch, bits]",
  );
}

/** The model with its output multiplied: where it meets the port, once. */
function scaled(model: OnnxModel, output: GraphValue, factor: number): OnnxModel {
  const { graph } = model;
  const names = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  const unused = (wanted: string): string => {
    let name = wanted;
    while (names.has(name)) name = `${name}_`;
    return name;
  };
  const [before, constant] = [unused(`${output.name} unscaled`), unused("llr factor")];
  const renamed = (name: string): string => (name === output.name ? before : name);
  const { elementType } = output.type;
  return {
    ...model,
    graph: {
      ...graph,
      initializers: new Map([
        ...graph.initializers,
        [constant, storedTensor({ elementType, shape: [], data: Float64Array.of(factor) })],
      ]),
      nodes: [
        ...graph.nodes.map((node) => ({
          ...node,
          inputs: node.inputs.map(renamed),
          outputs: node.outputs.map(renamed),
        })),
        {
          name: unused("llr scaling"),
          operator: "Mul",
          domain: "",
          inputs: [before, constant],
          outputs: [output.name],
          attributes: {},
        },
      ],
    },
  };
}
