import type { Attempt } from "../../../functions/index.js";
import type { OnnxModel } from "../../../neural/graph/graph.js";
import { openSlotNetwork } from "../../../neural/slot/index.js";
import type { PuschConfiguration } from "../../pusch/index.js";
import type { DetectionContext } from "../function.js";
import { attemptNetwork } from "../network-edge.js";

/**
 * How one of the neural receivers that NVIDIA publishes stands for detection. They are of one family (Wiesmayr et al., "Design of a
 * Standard-Compliant Real-Time Neural Receiver for 5G NR", 2024) and take what was received, `[subcarrier][symbol][antenna]`; least-squares
 * estimates at the pilots, the DM-RS symbols behind one another, with what of the DM-RS is known divided out; and where the pilots are. They
 * give soft bits `[bit][subcarrier][symbol]`, positive for 0, for one layer.
 */
export interface ImportedReceiver {
  /** As reports name it. */
  readonly name: string;
  /** What the files' inputs are called. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly antennas: number;
  readonly symbols: number;
  readonly modulationOrder: 2 | 4;
  /** DM-RS symbols of a slot; where they are is an input. */
  readonly dmrsSymbols: number;
  /** What it was trained with: whether the subcarriers beside the pilots carry data. */
  readonly cdmGroupsWithoutData: 1 | 2;
  /** Whether it divides by the root mean square of what was received; otherwise that is done here. */
  readonly normalizes: boolean;
  /** Whether real and imaginary parts are the last axis of one input, or two inputs. */
  readonly isInterleaved: boolean;
  /** By which its soft bits become log-likelihood ratios. */
  readonly factor: number;
}

const shared = ["active_dmrs_ports", "dmrs_ofdm_pos", "dmrs_subcarrier_pos"];

/** pyAerial's neural_rx.onnx: QPSK, four antennas, twelve symbols. */
export const aerialReceiver: ImportedReceiver = {
  name: "Aerial",
  inputs: ["rx_slot_real", "rx_slot_imag", "h_hat_real", "h_hat_imag", ...shared],
  outputs: ["output_1", "output_2"],
  antennas: 4,
  symbols: 12,
  modulationOrder: 2,
  dmrsSymbols: 3,
  cdmGroupsWithoutData: 2,
  normalizes: true,
  isInterleaved: false,
  factor: 1,
};

/** Sionna-RK's nrx_oai.onnx: 16-QAM, one antenna, thirteen symbols. Its soft bits are too small: see `factor`. */
export const sionnaRkReceiver: ImportedReceiver = {
  name: "Sionna-RK",
  inputs: ["rx_slot", "h_hat", ...shared],
  outputs: ["output_1"],
  antennas: 1,
  symbols: 13,
  modulationOrder: 4,
  dmrsSymbols: 3,
  cdmGroupsWithoutData: 1,
  normalizes: false,
  isInterleaved: true,
  // Least cross entropy at 12 and 16 dB over TDL-C, 100 ns, 10 Hz.
  factor: 1.5,
};

/** All of them. */
export const importedReceivers: readonly ImportedReceiver[] = [aerialReceiver, sionnaRkReceiver];

/** Whether a receiver was made for a configuration. */
export function isMadeFor(
  receiver: ImportedReceiver,
  { grant, dmrs, layers, modulationOrder }: PuschConfiguration,
  antennas: number,
): boolean {
  return (
    antennas === receiver.antennas &&
    layers === 1 &&
    modulationOrder === receiver.modulationOrder &&
    grant.nrOfSymbols === receiver.symbols &&
    !grant.transformPrecoding &&
    dmrs.configType === 1 &&
    dmrs.length === 1 &&
    dmrs.symbols.length === receiver.dmrsSymbols &&
    dmrs.cdmGroupsWithoutData === receiver.cdmGroupsWithoutData &&
    dmrs.ports[0]!.delta < receiver.cdmGroupsWithoutData
  );
}

/** Prepares detection by one of them, run by ONNX Runtime in another thread; it has no answer for other configurations than its own. */
export function attemptImported(
  receiver: ImportedReceiver,
  model: OnnxModel,
  context: DetectionContext,
): Attempt {
  const { configuration } = context.parameters;
  const { antenna: antennas, subcarrier: subcarriers } = context.dimensions;
  if (configuration === undefined || !isMadeFor(receiver, configuration, antennas))
    return () => "unavailable";
  const { dmrs, grant } = configuration;
  const { symbols, isInterleaved, modulationOrder } = receiver;
  const pilots = dmrs.pilots * dmrs.symbols.length;
  const dimensions: Record<string, number> = {};
  for (const { name, type } of model.graph.inputs) {
    const size = type.shape[1]!;
    if (typeof size === "string") dimensions[size] = name.startsWith("h_hat") ? pilots : subcarriers;
  }
  const network = openSlotNetwork(model, { engine: "onnxruntime", dimensions }, context);
  const input = (name: string) => network.inputs[name]!.data as Float32Array;
  const positions = dmrs.symbols.map((symbol) => symbol - grant.startSymbolIndex);
  const { delta } = dmrs.ports[0]!;
  input("active_dmrs_ports")[0] = 1;
  network.inputs.dmrs_ofdm_pos!.data.set(positions as never);
  network.inputs.dmrs_subcarrier_pos!.data.set([0, 2, 4, 6, 8, 10].map((k) => k + delta) as never);
  const complexInput = (name: string): Pair =>
    isInterleaved
      ? { re: input(name), im: input(name), step: 2, offset: 1 }
      : { re: input(`${name}_real`), im: input(`${name}_imag`), step: 1, offset: 0 };
  const shape = { antennas, symbols, subcarriers, positions, delta, pilots: dmrs.pilots };
  const [slot, estimates] = [complexInput("rx_slot"), complexInput("h_hat")];
  return attemptNetwork(context, configuration, network, {
    fill: (received, references) => {
      const scale = receiver.normalizes ? 1 : inverseRootMeanSquare(received);
      return (
        writeSlot(shape, received, scale, slot) &&
        writeEstimates(shape, received, references, scale, estimates)
      );
    },
    soft: network.outputs.output_1!.data as Float32Array,
    places: codewordPlaces(shape, modulationOrder, receiver.cdmGroupsWithoutData),
    factor: receiver.factor,
  });
}

/** Where real and imaginary parts go: `step` apart, the imaginary ones `offset` behind. */
interface Pair {
  readonly re: Float32Array;
  readonly im: Float32Array;
  readonly step: number;
  readonly offset: number;
}

interface Shape {
  readonly antennas: number;
  readonly symbols: number;
  readonly subcarriers: number;
  /** DM-RS symbols, counted in the grid. */
  readonly positions: readonly number[];
  readonly delta: number;
  readonly pilots: number;
}

/** One over the root of the mean power of an element; infinite or no number where there is none. */
function inverseRootMeanSquare(received: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < received.length; at++) sum += received[at]! * received[at]!;
  return 1 / Math.sqrt(sum / (received.length / 2));
}

/** @returns false unless all are numbers, and one of them other than 0 */
function writeSlot(shape: Shape, received: Float32Array, scale: number, to: Pair): boolean {
  const { antennas, symbols, subcarriers } = shape;
  let magnitude = 0;
  for (let antenna = 0; antenna < antennas; antenna++)
    for (let symbol = 0; symbol < symbols; symbol++) {
      const from = 2 * (antenna * symbols + symbol) * subcarriers;
      for (let k = 0; k < subcarriers; k++) {
        const at = to.step * ((k * symbols + symbol) * antennas + antenna);
        const re = Math.fround(scale * received[from + 2 * k]!);
        const im = Math.fround(scale * received[from + 2 * k + 1]!);
        to.re[at] = re;
        to.im[at + to.offset] = im;
        magnitude += Math.abs(re) + Math.abs(im);
      }
    }
  return magnitude > 0 && magnitude < Number.POSITIVE_INFINITY;
}

function writeEstimates(
  shape: Shape,
  received: Float32Array,
  references: Float32Array,
  scale: number,
  to: Pair,
): boolean {
  const { antennas, symbols, subcarriers, positions, delta, pilots } = shape;
  let magnitude = 0;
  for (let ordinal = 0; ordinal < positions.length; ordinal++)
    for (let antenna = 0; antenna < antennas; antenna++) {
      const from = 2 * ((antenna * symbols + positions[ordinal]!) * subcarriers + delta);
      for (let pilot = 0; pilot < pilots; pilot++) {
        const reference = 2 * (ordinal * pilots + pilot);
        const [x, y] = [references[reference]!, references[reference + 1]!];
        const [a, b] = [received[from + 4 * pilot]!, received[from + 4 * pilot + 1]!];
        const factor = scale / (x * x + y * y);
        const at = to.step * ((ordinal * pilots + pilot) * antennas + antenna);
        to.re[at] = factor * (a * x + b * y);
        to.im[at + to.offset] = factor * (b * x - a * y);
        magnitude += Math.abs(to.re[at]!) + Math.abs(to.im[at + to.offset]!);
      }
    }
  return magnitude < Number.POSITIVE_INFINITY;
}

/** Where each bit of the codeword stands in `[bit][subcarrier][symbol]`. */
function codewordPlaces(
  { symbols, subcarriers, positions }: Shape,
  modulationOrder: number,
  cdmGroupsWithoutData: number,
): Int32Array {
  const places: number[] = [];
  for (let symbol = 0; symbol < symbols; symbol++)
    for (let k = 0; k < subcarriers; k++) {
      if (positions.includes(symbol) && k % 2 < cdmGroupsWithoutData) continue;
      for (let bit = 0; bit < modulationOrder; bit++) places.push((bit * subcarriers + k) * symbols + symbol);
    }
  return Int32Array.from(places);
}
