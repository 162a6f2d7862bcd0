import { createHash } from "node:crypto";
import { InputError } from "../../errors.js";
import type { GraphValue, OnnxModel } from "../graph/graph.js";
import { readOnnx, writeOnnx } from "../onnx/index.js";
import { canonicalJson, checkManifest, type Manifest } from "./manifest.js";
import type { ModelPort, ModelPorts } from "./port.js";

/**
 * A model: a graph with its manifest.
 *
 * Invariants:
 * 1. Nothing of it changes: a change makes another model, of another version.
 * 2. The version is the digest of the graph's file and of the manifest without version and costs; equal versions are equal models.
 * 3. The manifest's ports are the graph's inputs and outputs, in the same order.
 */
export interface Model {
  readonly manifest: Manifest & { readonly version: string };
  readonly version: string;
  readonly onnx: OnnxModel;
  /** The graph as a file. */
  readonly bytes: Uint8Array;
}

/** @throws InputError for a manifest that is not valid, bears another version, or whose ports are not the graph's */
export function createModel(manifest: Manifest, onnx: OnnxModel): Model {
  return assemble(manifest, onnx, writeOnnx(onnx));
}

/** The model of a file that holds all its data. @throws InputError as {@link createModel}, and for a file that is no graph */
export function modelOfFile(manifest: Manifest, bytes: Uint8Array): Model {
  return assemble(manifest, readOnnx(bytes), bytes);
}

function assemble(given: Manifest, onnx: OnnxModel, file: Uint8Array): Model {
  // Whoever gave a Buffer gets no Buffer back, so that equal models compare equal.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  const { version: stated, ...rest } = checkManifest(given);
  checkPorts("input", rest.inputs, onnx.graph.inputs);
  checkPorts("output", rest.outputs, onnx.graph.outputs);
  const { costs: _, ...identity } = rest;
  const version = createHash("sha256")
    .update(createHash("sha256").update(bytes).digest())
    .update(canonicalJson(identity))
    .digest("hex");
  if (stated !== undefined && stated !== version)
    throw new InputError(
      "manifest.version",
      stated,
      `graph and manifest have the version ${version}: they were changed after they got theirs; remove the field to accept that`,
    );
  return { manifest: { ...rest, version }, version, onnx, bytes };
}

function checkPorts(kind: string, ports: readonly ModelPort[], values: readonly GraphValue[]): void {
  const textOf = ({ name, type }: Pick<ModelPort, "name" | "type">) =>
    `${name}: ${type.elementType} [${type.shape.join(", ")}]`;
  const [declared, actual] = [ports.map(textOf), values.map(textOf)];
  if (declared.join("\n") !== actual.join("\n"))
    throw new InputError(`manifest.${kind}s`, declared.join("; "), `the graph has ${actual.join("; ")}`);
}

/** The ports of a graph whose meaning nobody stated. */
export function portsOf({ graph }: OnnxModel): ModelPorts {
  const port = ({ name, type }: GraphValue): ModelPort => ({ name, type, meaning: "" });
  return { inputs: graph.inputs.map(port), outputs: graph.outputs.map(port) };
}
