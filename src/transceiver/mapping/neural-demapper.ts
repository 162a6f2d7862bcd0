import { InputError } from "../../errors.js";
import type { Attempt } from "../../functions/index.js";
import type { Graph, GraphNode, GraphValue, OnnxModel } from "../../neural/graph/graph.js";
import type { Tensor } from "../../neural/graph/tensor.js";
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
  const amplitude = manifest.inputs.find(({ name }) => name === symbol.name)?.symbol?.scale ?? 1;
  const symbolFactors = new Map([[symbol.name, amplitude]]);
  if (noise !== undefined) symbolFactors.set(noise.name, amplitude ** 2);
  const adapted = withScaledInputs(withScaledOutput(onnx, llrs, factor), symbolFactors);
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
  const received: Tensor = { elementType: "float32", shape: [samples, 2], data: symbols };
  const [grant, out, scheme] = [inputs.grant.view, outputs.llrs.view, state.modulationScheme.view];

  /** Whether all was received, as nearly always, so that it can be taken as it is. */
  const isPlain = (): boolean => {
    for (let sample = 0; sample < samples; sample++) {
      const variance = noises[sample]!;
      if (!(variance >= LEAST_NOISE && variance <= MOST_NOISE)) return false;
    }
    return holdsNumbers(received);
  };

  const fillOneByOne = (): void => {
    for (let sample = 0; sample < samples; sample++) {
      const [real, imaginary, variance] = [symbols[2 * sample]!, symbols[2 * sample + 1]!, noises[sample]!];
      const isReceived =
        variance >= 0 && variance <= MOST_NOISE && Number.isFinite(real) && Number.isFinite(imaginary);
      erased[sample] = isReceived ? 0 : 1;
      points[2 * sample] = isReceived ? real : 0;
      points[2 * sample + 1] = isReceived ? imaginary : 0;
      if (variances !== undefined) variances[sample] = isReceived ? Math.max(LEAST_NOISE, variance) : 1;
    }
  };

  /** From the network's order, `[layer][re][bit]`, to that of the codeword. */
  const collectOneByOne = (): void => {
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
    const plain = isPlain();
    if (plain) {
      points.set(symbols);
      variances?.set(noises);
      erased.fill(0);
    } else fillOneByOne();
    const outcome = network.run(answerBy);
    if (outcome !== "done") return outcome;
    // With one layer the orders are the same.
    if (plain && layers === 1) soft.set(ratios);
    else collectOneByOne();
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

/** Names that a graph does not have yet. */
function unusedNames({ inputs, initializers, nodes }: Graph): (wanted: string) => string {
  const names = new Set([
    ...inputs.map(({ name }) => name),
    ...initializers.keys(),
    ...nodes.flatMap((node) => [node.name, ...node.outputs]),
  ]);
  return (wanted) => {
    let name = wanted;
    while (names.has(name)) name = `${name}_`;
    names.add(name);
    return name;
  };
}

function product(name: string, inputs: readonly string[], output: string): GraphNode {
  return { name, operator: "Mul", domain: "", inputs, outputs: [output], attributes: {} };
}

function scalar({ type: { elementType } }: GraphValue, factor: number): Tensor {
  return storedTensor({ elementType, shape: [], data: Float64Array.of(factor) });
}

/** The model with its output multiplied: where it meets the port, once. */
function withScaledOutput(model: OnnxModel, output: GraphValue, factor: number): OnnxModel {
  const { graph } = model;
  const unused = unusedNames(graph);
  const [before, constant] = [unused(`${output.name} unscaled`), unused(`${output.name} factor`)];
  const renamed = (name: string): string => (name === output.name ? before : name);
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
  }));
  return {
    ...model,
    graph: {
      ...graph,
      initializers: new Map([...graph.initializers, [constant, scalar(output, factor)]]),
      nodes: [...nodes, product(unused(`${output.name} scaling`), [before, constant], output.name)],
    },
  };
}

/** The model with inputs multiplied before it sees them. */
function withScaledInputs(model: OnnxModel, factors: ReadonlyMap<string, number>): OnnxModel {
  const { graph } = model;
  const unused = unusedNames(graph);
  const renamed = new Map<string, string>();
  const initializers = new Map(graph.initializers);
  const scalings: GraphNode[] = [];
  for (const input of graph.inputs) {
    const factor = factors.get(input.name) ?? 1;
    if (factor === 1) continue;
    const [after, constant] = [unused(`${input.name} scaled`), unused(`${input.name} factor`)];
    renamed.set(input.name, after);
    initializers.set(constant, scalar(input, factor));
    scalings.push(product(unused(`${input.name} scaling`), [input.name, constant], after));
  }
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => renamed.get(name) ?? name),
  }));
  return { ...model, graph: { ...graph, initializers, nodes: [...scalings, ...nodes] } };
}
