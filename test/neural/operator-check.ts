import { expect } from "vitest";
import { openSession } from "../../src/neural/engines/onnxruntime/session.js";
import { differentiate } from "../../src/neural/gradients/differentiate.js";
import {
  type Graph,
  type GraphNode,
  OPSET,
  onnxModel,
  type ValueName,
} from "../../src/neural/graph/graph.js";
import { type ElementType, elementCount, float32Tensor, type Tensor } from "../../src/neural/graph/tensor.js";
import { interpret, type NumericTensors } from "../../src/neural/interpreter/interpret.js";
import { type NetworkBuilder, networkBuilder } from "../../src/neural/network/builder.js";
import { converted, summed } from "../../src/neural/network/expressions.js";
import { writeOnnx } from "../../src/neural/onnx/index.js";
import { isFloating } from "../../src/neural/operators/arguments.js";
import { numeric, numericTensor, storedTensor } from "../../src/neural/operators/numeric.js";
import type { NumericTensor } from "../../src/neural/operators/operator.js";
import { createRandom, type Random } from "../../src/system/index.js";

/** An input of a graph under test: its shape, float32 normal numbers unless said otherwise. */
export interface DrawnInput {
  readonly shape: readonly number[];
  readonly elementType?: ElementType;
  readonly draw?: (random: Random) => number;
  /** Whether gradients to it are checked: floating-point inputs are unless it is false. */
  readonly isWanted?: boolean;
}

/** A small graph under test. */
export interface OperatorCase {
  readonly inputs: Readonly<Record<string, DrawnInput>>;
  readonly build: (
    builder: NetworkBuilder,
    inputs: Readonly<Record<string, ValueName>>,
  ) => ValueName | readonly ValueName[];
  readonly opset?: number;
  readonly seed?: number;
  /** Whether the gradient to every input is 0. */
  readonly isFlat?: boolean;
}

/** Numbers away from 0 by 0.2 … 1.2, of either sign: for functions with a kink or a pole at 0. */
export const awayFromZero = (random: Random) => (random.next() < 0.5 ? -1 : 1) * (0.2 + random.next());

/** Numbers of 0.2 … 1.2: for logarithms and roots. */
export const positive = (random: Random) => 0.2 + random.next();

/**
 * Holds a graph's operators against two judges: their gradients, interpreted in double precision, against central
 * finite differences (1e-6 of the largest), and all values and gradients against ONNX Runtime in single precision
 * (1e-5 of the largest; integers equal; shapes and types equal).
 */
export async function checkOperator(subject: OperatorCase): Promise<void> {
  const built = buildCase(subject);
  checkGradients(built, subject.isFlat ?? false);
  await checkAgainstOnnxRuntime(built);
}

interface BuiltCase {
  readonly graph: Graph;
  readonly opset: number;
  readonly inputs: Readonly<Record<string, NumericTensor>>;
  readonly wanted: readonly string[];
  /** What the builder said of the outputs' types. */
  readonly types: Readonly<Record<string, { elementType: ElementType; shape: readonly number[] }>>;
}

function buildCase({ inputs, build, opset = OPSET, seed = 1 }: OperatorCase): BuiltCase {
  const random = createRandom(seed);
  const builder = networkBuilder("subject", { opset });
  const drawn: Record<string, NumericTensor> = {};
  const names: Record<string, ValueName> = {};
  const wanted: string[] = [];
  for (const [name, input] of Object.entries(inputs)) {
    const { shape, elementType = "float32", draw = ({ gaussian }) => gaussian() } = input;
    names[name] = builder.input(name, elementType, shape);
    const data = Float64Array.from({ length: elementCount(shape) }, () => draw(random));
    // What both judges are given must be the same numbers.
    drawn[name] = numericTensor(storedTensor(numeric(elementType, shape, data)));
    if (isFloating(elementType) && input.isWanted !== false) wanted.push(name);
  }
  const made = build(builder, names);
  const results = typeof made === "string" ? [made] : made;
  const losses = results
    .filter((value) => isFloating(builder.typeOf(value).elementType))
    .map((value) => weightedSum(builder, value, random));
  const types: Record<string, BuiltCase["types"][string]> = {};
  results.forEach((value, index) => {
    types[`result${index}`] = builder.typeOf(value);
    builder.output(`result${index}`, value);
  });
  if (losses.length === 0) return { graph: builder.graph(), opset, inputs: drawn, wanted: [], types };
  const loss = losses.reduce((sum, one) => builder.add("Add", [sum, one]));
  builder.output("loss", loss);
  for (const [name, gradient] of Object.entries(differentiate(builder, loss, wanted)))
    builder.output(`gradient.${name}`, gradient);
  return { graph: builder.graph(), opset, inputs: drawn, wanted, types };
}

/** A loss whose gradient to each element of the value differs. */
function weightedSum(builder: NetworkBuilder, value: ValueName, random: Random): ValueName {
  const { shape } = builder.typeOf(value);
  const weights = float32Tensor(
    Array.from({ length: elementCount(shape) }, () => awayFromZero(random)),
    shape,
  );
  const product = builder.add("Mul", [converted(builder, value, "float32"), builder.constant(weights)]);
  return summed(
    builder,
    product,
    shape.map((_, axis) => axis),
    false,
  );
}

/** The values of a graph's outputs, in double precision. */
export function evaluateGraph(
  graph: Graph,
  inputs: NumericTensors,
  opset = OPSET,
): Record<string, NumericTensor> {
  return { ...interpret({ ...onnxModel(graph), opset }, inputs) };
}

function checkGradients({ graph, opset, inputs, wanted }: BuiltCase, isFlat: boolean): void {
  const computed = evaluateGraph(graph, inputs, opset);
  const only: Graph = { ...graph, outputs: graph.outputs.filter(({ name }) => name === "loss") };
  const forward = withoutUnused(only);
  const lossAt = (name: string, data: Float64Array) =>
    evaluateGraph(forward, { ...inputs, [name]: { ...inputs[name]!, data } }, opset).loss!.data[0]!;
  for (const name of wanted) {
    const { data, shape } = inputs[name]!;
    const gradient = computed[`gradient.${name}`]!;
    expect(gradient.shape, `shape of the gradient to ${name}`).toEqual(shape);
    const differences = data.map((value, at) => {
      const step = 1e-5 * Math.max(1, Math.abs(value));
      const [above, below] = [value + step, value - step];
      return (lossAt(name, data.with(at, above)) - lossAt(name, data.with(at, below))) / (above - below);
    });
    const largest = largestOf(differences);
    // A gradient of zeros would agree with anything that is computed as zeros.
    if (isFlat) expect(largest, `slope by ${name}`).toBeLessThan(1e-9);
    else expect(largest, `slope by ${name}`).toBeGreaterThan(1e-3);
    const error = largestOf(differences.map((value, at) => value - gradient.data[at]!));
    expect(error / Math.max(largest, 1e-3), `error of the gradient to ${name}`).toBeLessThan(1e-6);
  }
}

/** The graph without the nodes that its outputs do not depend on. */
function withoutUnused(graph: Graph): Graph {
  const used = new Set(graph.outputs.map(({ name }) => name));
  const nodes: GraphNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((value) => used.has(value))) continue;
    nodes.unshift(node);
    for (const value of node.inputs) used.add(value);
  }
  return { ...graph, nodes };
}

async function checkAgainstOnnxRuntime({ graph, opset, inputs, types }: BuiltCase): Promise<void> {
  const session = await openSession(writeOnnx({ ...onnxModel(graph), opset }));
  try {
    const given = Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [name, storedTensor(value)]),
    );
    const theirs = await session.run(given);
    for (const [name, ours] of Object.entries(evaluateGraph(graph, inputs, opset))) {
      const other: Tensor = theirs[name]!;
      expect(other.shape, `shape of ${name}`).toEqual(ours.shape);
      expect(other.elementType, `type of ${name}`).toBe(ours.elementType);
      // A sum of both signs may come near 0; what it sums, and its gradients, are compared.
      if (name === "loss") continue;
      if (types[name] !== undefined)
        expect(types[name], `inferred type of ${name}`).toMatchObject({
          elementType: other.elementType,
          shape: other.shape,
        });
      const values = numericTensor(other).data;
      const error = largestOf(values.map((value, at) => value - ours.data[at]!));
      const bound = isFloating(ours.elementType) ? 1e-5 * Math.max(largestOf(ours.data), 1e-3) : 0;
      expect(error, `difference of ${name} from ONNX Runtime`).toBeLessThanOrEqual(bound);
    }
  } finally {
    await session.release();
  }
}

function largestOf(values: Float64Array): number {
  // NaN counts: a comparison with it fails, a maximum of it is NaN.
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}
