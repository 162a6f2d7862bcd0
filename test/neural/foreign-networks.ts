import { existsSync, readFileSync } from "node:fs";
import { Tensor as OrtTensor } from "onnxruntime-node";
import type { NamedTensors } from "../../src/neural/engines/engine.js";
import { openDimensions } from "../../src/neural/graph/dimensions.js";
import type { OnnxModel } from "../../src/neural/graph/graph.js";
import { elementCount, tensor } from "../../src/neural/graph/tensor.js";
import { createRandom } from "../../src/system/index.js";

/** A network that others trained. */
export interface ForeignNetwork {
  readonly name: string;
  readonly file: URL;
  readonly isThere: boolean;
}

const directory = new URL("../../../../shared/data/onnx/", import.meta.url);

export const foreignNetworks: readonly ForeignNetwork[] = [
  "aerial_llrnet",
  "sionna_rk_neural_demapper_16qam",
  "sionna_rk_neural_receiver",
  "aerial_neural_receiver",
].map((name) => {
  const file = new URL(`${name}.onnx`, directory);
  return { name, file, isThere: existsSync(file) };
});

export const bytesOf = ({ file }: ForeignNetwork): Uint8Array => readFileSync(file);

/** Sizes that the networks accept: the receivers have 18 pilots for each 12 subcarriers. */
export function foreignSizes({ graph }: OnnxModel, blocks: number): Readonly<Record<string, number>> {
  const pilots = graph.inputs.filter(({ name }) => name.startsWith("h_hat"));
  const ofPilots = openDimensions({ ...graph, inputs: pilots });
  return Object.fromEntries(
    openDimensions(graph).map((name) => [name, blocks * (ofPilots.includes(name) ? 18 : 12)]),
  );
}

/** Random inputs of these sizes: positions of pilots ascend, and the one user is active. */
export function foreignInputs(model: OnnxModel, blocks: number, seed: number): NamedTensors {
  const random = createRandom(seed);
  const sizes = foreignSizes(model, blocks);
  return Object.fromEntries(
    model.graph.inputs.map(({ name, type }) => {
      const shape = type.shape.map((size) => (typeof size === "number" ? size : sizes[size]!));
      const value = tensor(type.elementType, shape);
      for (let at = 0; at < elementCount(shape); at++) {
        if (type.elementType === "int32") value.data[at] = 2 * at;
        // Bits of float16 numbers from 0.5 to 2.
        else if (type.elementType === "float16") value.data[at] = 0x3800 + random.integer(2048);
        else value.data[at] = name === "active_dmrs_ports" ? 1 : random.gaussian();
      }
      return [name, value];
    }),
  );
}

/** Tensors as ONNX Runtime takes them. */
export function ortTensors(values: NamedTensors): Record<string, OrtTensor> {
  return Object.fromEntries(
    Object.entries(values).map(([name, { elementType, shape, data }]) => [
      name,
      new OrtTensor(elementType as "float32", data as Float32Array, shape),
    ]),
  );
}
