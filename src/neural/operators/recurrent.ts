import { InputError } from "../../errors.js";
import type { TensorType } from "../graph/graph.js";
import { logistic } from "./activation.js";
import { attribute, floatingType, requiredInput, requireSameType } from "./arguments.js";
import { numeric } from "./numeric.js";
import type { NumericTensor, Operator, TypedNode } from "./operator.js";
import { recurrentGradient } from "./recurrent-gradient.js";

/** Sizes of a recurrent layer. */
export interface Recurrence {
  readonly steps: number;
  readonly batch: number;
  readonly inputs: number;
  readonly hidden: number;
  /** Whether each direction goes from the last step to the first. */
  readonly isReverse: readonly boolean[];
}

/** What is alike in LSTM and GRU. */
interface Layer {
  readonly operator: "LSTM" | "GRU";
  readonly gates: number;
  /** Functions that a node may name, as it would by leaving them out. */
  readonly activations: readonly string[];
}

const directions: Readonly<Record<string, readonly boolean[]>> = {
  forward: [false],
  reverse: [true],
  bidirectional: [false, true],
};

/** Refuses what the operators could do and nobody has needed yet. */
function checkForm({ node, inputTypes }: TypedNode, { operator, activations }: Layer, count: number): void {
  const refuse = (what: string, value: unknown, remedy: string) =>
    new InputError(`${what} of node ${node.name}`, value, remedy);
  const given = attribute(node, "activations", "strings", undefined);
  const expected = Array.from({ length: count }, () => activations).flat();
  if (
    given !== undefined &&
    (given.length !== expected.length || given.some((one, at) => one !== expected[at]))
  )
    throw refuse("attribute activations", given, `only ${activations.join(", ")} are supported`);
  for (const name of ["clip", "activation_alpha", "activation_beta"])
    if (node.attributes[name] !== undefined)
      throw refuse(`attribute ${name}`, node.attributes[name].value, "it is not supported; leave it out");
  for (const name of ["layout", "input_forget"])
    if (attribute(node, name, "int", 0) !== 0) throw refuse(`attribute ${name}`, 1, "only 0 is supported");
  if (inputTypes[4] !== undefined)
    throw refuse("input 4", node.inputs[4], "sequences of several lengths are not supported");
  if (operator === "LSTM" && inputTypes[7] !== undefined)
    throw refuse("input 7", node.inputs[7], "peepholes are not supported");
}

/** Sizes of a recurrent node. @throws InputError for shapes and attributes that do not fit or are not supported. */
function recurrenceOf(node: TypedNode, layer: Layer): Recurrence {
  const { gates } = layer;
  const direction = attribute(node.node, "direction", "string", "forward");
  const isReverse = Object.hasOwn(directions, direction) ? directions[direction] : undefined;
  if (isReverse === undefined)
    throw new InputError(
      `attribute direction of node ${node.node.name}`,
      direction,
      `give one of ${Object.keys(directions).join(", ")}`,
    );
  const count = isReverse.length;
  checkForm(node, layer, count);
  const { shape } = floatingType(node, 0);
  if (shape.length !== 3)
    throw new InputError(`input 0 of node ${node.node.name}`, shape, "give [steps, batch, inputs]");
  const [steps, batch, inputs] = shape as [number, number, number];
  if (steps === 0) throw new InputError(`input 0 of node ${node.node.name}`, shape, "give at least one step");
  const recurrent = floatingType(node, 2).shape;
  const hidden = attribute(node.node, "hidden_size", "int", recurrent[2] ?? 0);
  if (!Number.isSafeInteger(hidden) || hidden < 1)
    throw new InputError(`attribute hidden_size of node ${node.node.name}`, hidden, "give a positive size");
  const state = [count, batch, hidden];
  const expected: readonly [number, readonly number[]][] = [
    [1, [count, gates * hidden, inputs]],
    [2, [count, gates * hidden, hidden]],
    [3, [count, 2 * gates * hidden]],
    [5, state],
    [6, state],
  ];
  for (const [input, sizes] of expected) {
    if (node.inputTypes[input] === undefined && input > 2) continue;
    requireSameType(node, 0, input);
    const given = floatingType(node, input).shape;
    if (given.length !== sizes.length || given.some((size, axis) => size !== sizes[axis]))
      throw new InputError(
        `input ${input} of node ${node.node.name}`,
        `[${given.join(", ")}]`,
        `give [${sizes.join(", ")}]`,
      );
  }
  return { steps, batch, inputs, hidden, isReverse };
}

function outputTypes(node: TypedNode, { steps, batch, hidden, isReverse }: Recurrence): TensorType[] {
  const { elementType } = floatingType(node, 0);
  const state = { elementType, shape: [isReverse.length, batch, hidden] };
  return [{ elementType, shape: [steps, isReverse.length, batch, hidden] }, state, state];
}

/** Weights of one direction, row-major. */
interface Weights {
  readonly input: Float64Array;
  readonly recurrent: Float64Array;
  readonly inputBias: Float64Array;
  readonly recurrentBias: Float64Array;
}

/** bias + weight · vector, for the rows `from` … `to` of the weight. */
function affine(weight: Float64Array, bias: Float64Array, vector: Float64Array, from: number, to: number) {
  return Float64Array.from({ length: to - from }, (_, row) => {
    let sum = bias[from + row]!;
    const first = (from + row) * vector.length;
    for (let at = 0; at < vector.length; at++) sum += weight[first + at]! * vector[at]!;
    return sum;
  });
}

/** One step of one sample: from what it is given and the state before to the state behind, in place. */
type Step = (weights: Weights, x: Float64Array, hidden: Float64Array, cell: Float64Array) => void;

function stepLstm(weights: Weights, x: Float64Array, hidden: Float64Array, cell: Float64Array): void {
  const size = hidden.length;
  const fromInput = affine(weights.input, weights.inputBias, x, 0, 4 * size);
  const fromHidden = affine(weights.recurrent, weights.recurrentBias, hidden, 0, 4 * size);
  // ONNX's order of the gates: input, output, forget, cell.
  const gate = (index: number, at: number) => fromInput[index * size + at]! + fromHidden[index * size + at]!;
  for (let at = 0; at < size; at++) {
    cell[at] = logistic(gate(2, at)) * cell[at]! + logistic(gate(0, at)) * Math.tanh(gate(3, at));
    hidden[at] = logistic(gate(1, at)) * Math.tanh(cell[at]!);
  }
}

function stepGru(isLinearBeforeReset: boolean): Step {
  return (weights, x, hidden) => {
    const size = hidden.length;
    // ONNX's order of the gates: update, reset, hidden.
    const fromInput = affine(weights.input, weights.inputBias, x, 0, 3 * size);
    const gates = affine(weights.recurrent, weights.recurrentBias, hidden, 0, 2 * size);
    const [update, reset] = [0, size].map((first) =>
      Float64Array.from({ length: size }, (_, at) => logistic(fromInput[first + at]! + gates[first + at]!)),
    ) as [Float64Array, Float64Array];
    const kept = isLinearBeforeReset ? hidden : hidden.map((value, at) => value * reset[at]!);
    const proposed = affine(weights.recurrent, weights.recurrentBias, kept, 2 * size, 3 * size);
    for (let at = 0; at < size; at++) {
      const recurrent = isLinearBeforeReset ? reset[at]! * proposed[at]! : proposed[at]!;
      const fresh = Math.tanh(fromInput[2 * size + at]! + recurrent);
      hidden[at] = (1 - update[at]!) * fresh + update[at]! * hidden[at]!;
    }
  };
}

function weightsOf(
  node: TypedNode,
  inputs: readonly (NumericTensor | undefined)[],
  direction: number,
  rows: number,
): Weights {
  const part = (input: number) => {
    const { shape, data } = requiredInput(node, inputs, input);
    const size = shape[1]! * (shape[2] ?? 1);
    return data.subarray(direction * size, (direction + 1) * size);
  };
  const biases = inputs[3] === undefined ? new Float64Array(2 * rows) : part(3);
  return {
    input: part(1),
    recurrent: part(2),
    inputBias: biases.subarray(0, rows),
    recurrentBias: biases.subarray(rows),
  };
}

function run(
  node: TypedNode,
  inputs: readonly (NumericTensor | undefined)[],
  recurrence: Recurrence,
  gates: number,
  step: Step,
): NumericTensor[] {
  const { steps, batch, inputs: width, hidden: size, isReverse } = recurrence;
  const x = requiredInput(node, inputs, 0);
  const [sequence, lastHidden, lastCell] = outputTypes(node, recurrence).map(({ elementType, shape }) =>
    numeric(elementType, shape),
  ) as [NumericTensor, NumericTensor, NumericTensor];
  lastHidden.data.set(inputs[5]?.data ?? []);
  lastCell.data.set(inputs[6]?.data ?? []);
  isReverse.forEach((goesBack, direction) => {
    const weights = weightsOf(node, inputs, direction, gates * size);
    for (let sample = 0; sample < batch; sample++) {
      const first = (direction * batch + sample) * size;
      const hidden = lastHidden.data.subarray(first, first + size);
      const cell = lastCell.data.subarray(first, first + size);
      for (let count = 0; count < steps; count++) {
        const time = goesBack ? steps - 1 - count : count;
        const from = (time * batch + sample) * width;
        step(weights, x.data.subarray(from, from + width), hidden, cell);
        sequence.data.set(hidden, ((time * isReverse.length + direction) * batch + sample) * size);
      }
    }
  });
  return [sequence, lastHidden, lastCell];
}

const lstmLayer: Layer = { operator: "LSTM", gates: 4, activations: ["Sigmoid", "Tanh", "Tanh"] };

/** Long short-term memory (Hochreiter and Schmidhuber 1997, with forget gates). */
const lstm: Operator = {
  name: "LSTM",
  infer: (node) => outputTypes(node, recurrenceOf(node, lstmLayer)),
  evaluate: (node, inputs) => run(node, inputs, recurrenceOf(node, lstmLayer), 4, stepLstm),
  gradient: (context) => recurrentGradient(context, recurrenceOf(context, lstmLayer), "LSTM"),
};

const gruLayer: Layer = { operator: "GRU", gates: 3, activations: ["Sigmoid", "Tanh"] };

const isLinearBeforeReset = ({ node }: TypedNode) => attribute(node, "linear_before_reset", "int", 0) !== 0;

/** Gated recurrent unit (Cho et al. 2014). */
const gru: Operator = {
  name: "GRU",
  infer: (node) => outputTypes(node, recurrenceOf(node, gruLayer)).slice(0, 2),
  evaluate: (node, inputs) =>
    run(node, inputs, recurrenceOf(node, gruLayer), 3, stepGru(isLinearBeforeReset(node))).slice(0, 2),
  gradient: (context) =>
    recurrentGradient(
      context,
      recurrenceOf(context, gruLayer),
      isLinearBeforeReset(context) ? "GRU with linear before reset" : "GRU",
    ),
};

export const recurrentOperators: readonly Operator[] = [lstm, gru];
