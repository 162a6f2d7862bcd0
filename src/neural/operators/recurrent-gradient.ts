import { int, type ValueName } from "../graph/graph.js";
import { int64Tensor } from "../graph/tensor.js";
import type { NetworkBuilder } from "../network/builder.js";
import { expanded, matricesTransposed, reshaped, scalarLike, summed } from "../network/expressions.js";
import { concatenated, sliced } from "../network/selections.js";
import type { GradientContext } from "./operator.js";
import type { Recurrence } from "./recurrent.js";

// Backpropagation through time. The steps are computed again, one by one; what does not depend on the step before, the
// products with the inputs and the gradients to all weights, is one product over all steps.

/** What backpropagation keeps of a step. */
interface Step {
  /** The state behind the step. */
  readonly hidden: ValueName;
  readonly cell: ValueName | undefined;
  /** Values by which rows of the recurrent weights were multiplied: their first row, their end, and the values. */
  readonly operands: readonly (readonly [from: number, to: number, value: ValueName])[];
  /** Goes back from the gradients to the state behind. */
  back(hidden: ValueName, cell: ValueName | undefined): StepGradients;
}

/** Gradients to what went into a step. */
interface StepGradients {
  /** [batch, gates · hidden], to the products with the input weights. */
  readonly fromInput: ValueName;
  /** [batch, gates · hidden], to the products with the recurrent weights. */
  readonly fromHidden: ValueName;
  /** To the state before. */
  readonly hidden: ValueName;
  readonly cell: ValueName | undefined;
}

/** A layer's step: from its products with the inputs and the state before. */
interface Cell {
  /** Whether the recurrent bias is the cell's own to add; else the layer adds it beside the input's. */
  readonly addsRecurrentBias: boolean;
  step(fromInput: ValueName, hidden: ValueName, cell: ValueName | undefined): Step;
}

/** Weights of one direction as matrices of a row a gate's unit. */
interface Weights {
  readonly input: ValueName;
  readonly recurrent: ValueName;
  readonly inputBias: ValueName | undefined;
  readonly recurrentBias: ValueName | undefined;
}

export type CellKind = "LSTM" | "GRU" | "GRU with linear before reset";

/** Short forms of the nodes that cells are made of. */
function algebra(builder: NetworkBuilder, size: number) {
  const two = (operator: string) => (a: ValueName, b: ValueName) => builder.add(operator, [a, b]);
  const one = (operator: string) => (a: ValueName) => builder.add(operator, [a]);
  const multiply = two("Mul");
  const complement = (a: ValueName) => builder.add("Sub", [scalarLike(builder, a, 1), a]);
  return {
    add: two("Add"),
    subtract: two("Sub"),
    multiply,
    product: two("MatMul"),
    sigmoid: one("Sigmoid"),
    tanh: one("Tanh"),
    complement,
    /** The gradient behind a sigmoid's result. */
    behindSigmoid: (gradient: ValueName, y: ValueName) => multiply(gradient, multiply(y, complement(y))),
    /** The gradient behind a hyperbolic tangent's result. */
    behindTanh: (gradient: ValueName, y: ValueName) => multiply(gradient, complement(multiply(y, y))),
    /** [batch, count · size] as its gates. */
    gates: (values: ValueName, count: number) =>
      builder.addMany(
        "Split",
        [values, builder.constant(int64Tensor(new Array<number>(count).fill(size)))],
        count,
        { axis: int(1) },
      ),
  };
}

function lstmCell(builder: NetworkBuilder, weights: Weights, size: number): Cell {
  const { add, multiply, product, sigmoid, tanh, behindSigmoid, behindTanh, gates } = algebra(builder, size);
  const recurrent = matricesTransposed(builder, weights.recurrent);
  return {
    addsRecurrentBias: false,
    step(fromInput, before, cellBefore) {
      const all = gates(add(fromInput, product(before, recurrent)), 4) as [string, string, string, string];
      const [input, output, forget] = [sigmoid(all[0]), sigmoid(all[1]), sigmoid(all[2])];
      const fresh = tanh(all[3]);
      const cell = add(multiply(forget, cellBefore!), multiply(input, fresh));
      const squashed = tanh(cell);
      return {
        hidden: multiply(output, squashed),
        cell,
        operands: [[0, 4 * size, before]],
        back(toHidden, toCellBehind) {
          const through = behindTanh(multiply(toHidden, output), squashed);
          const toCell = toCellBehind === undefined ? through : add(toCellBehind, through);
          const all = concatenated(
            builder,
            [
              behindSigmoid(multiply(toCell, fresh), input),
              behindSigmoid(multiply(toHidden, squashed), output),
              behindSigmoid(multiply(toCell, cellBefore!), forget),
              behindTanh(multiply(toCell, input), fresh),
            ],
            1,
          );
          return {
            fromInput: all,
            fromHidden: all,
            hidden: product(all, weights.recurrent),
            cell: multiply(toCell, forget),
          };
        },
      };
    },
  };
}

/** The reset gate acts on the product with the recurrent weights. */
function linearGruCell(builder: NetworkBuilder, weights: Weights, size: number): Cell {
  const of = algebra(builder, size);
  const { add, multiply, product, sigmoid, tanh, complement, behindSigmoid, behindTanh, gates } = of;
  const recurrent = matricesTransposed(builder, weights.recurrent);
  return {
    addsRecurrentBias: true,
    step(fromInput, before) {
      const products = product(before, recurrent);
      const fromHidden = gates(
        weights.recurrentBias === undefined ? products : add(products, weights.recurrentBias),
        3,
      ) as [string, string, string];
      const inputs = gates(fromInput, 3) as [string, string, string];
      const update = sigmoid(add(inputs[0], fromHidden[0]));
      const reset = sigmoid(add(inputs[1], fromHidden[1]));
      const fresh = tanh(add(inputs[2], multiply(reset, fromHidden[2])));
      return {
        hidden: add(multiply(complement(update), fresh), multiply(update, before)),
        cell: undefined,
        operands: [[0, 3 * size, before]],
        back(toHidden) {
          const toUpdate = behindSigmoid(multiply(toHidden, of.subtract(before, fresh)), update);
          const toFresh = behindTanh(multiply(toHidden, complement(update)), fresh);
          const toReset = behindSigmoid(multiply(toFresh, fromHidden[2]), reset);
          const back = concatenated(builder, [toUpdate, toReset, multiply(toFresh, reset)], 1);
          return {
            fromInput: concatenated(builder, [toUpdate, toReset, toFresh], 1),
            fromHidden: back,
            hidden: add(multiply(toHidden, update), product(back, weights.recurrent)),
            cell: undefined,
          };
        },
      };
    },
  };
}

/** The reset gate acts on the state before it meets the recurrent weights. */
function gruCell(builder: NetworkBuilder, weights: Weights, size: number): Cell {
  const of = algebra(builder, size);
  const { add, multiply, product, sigmoid, tanh, complement, behindSigmoid, behindTanh, gates } = of;
  const rows = (start: number, end: number) => sliced(builder, weights.recurrent, [{ axis: 0, start, end }]);
  const [ofGates, ofFresh] = [rows(0, 2 * size), rows(2 * size, 3 * size)];
  const [gatesTransposed, freshTransposed] = [
    matricesTransposed(builder, ofGates),
    matricesTransposed(builder, ofFresh),
  ];
  return {
    addsRecurrentBias: false,
    step(fromInput, before) {
      const inputs = gates(fromInput, 3) as [string, string, string];
      const fromHidden = gates(product(before, gatesTransposed), 2) as [string, string];
      const update = sigmoid(add(inputs[0], fromHidden[0]));
      const reset = sigmoid(add(inputs[1], fromHidden[1]));
      const kept = multiply(reset, before);
      const fresh = tanh(add(inputs[2], product(kept, freshTransposed)));
      return {
        hidden: add(multiply(complement(update), fresh), multiply(update, before)),
        cell: undefined,
        operands: [
          [0, 2 * size, before],
          [2 * size, 3 * size, kept],
        ],
        back(toHidden) {
          const toUpdate = behindSigmoid(multiply(toHidden, of.subtract(before, fresh)), update);
          const toFresh = behindTanh(multiply(toHidden, complement(update)), fresh);
          const toKept = product(toFresh, ofFresh);
          const toReset = behindSigmoid(multiply(toKept, before), reset);
          const direct = add(multiply(toHidden, update), multiply(toKept, reset));
          const toGates = concatenated(builder, [toUpdate, toReset], 1);
          const all = concatenated(builder, [toGates, toFresh], 1);
          return {
            fromInput: all,
            fromHidden: all,
            hidden: add(direct, product(toGates, ofGates)),
            cell: undefined,
          };
        },
      };
    },
  };
}

const cells: Readonly<Record<CellKind, (builder: NetworkBuilder, weights: Weights, size: number) => Cell>> = {
  LSTM: lstmCell,
  GRU: gruCell,
  "GRU with linear before reset": linearGruCell,
};

/** Makes the gradients of one direction: to the inputs of every step, the weights, the biases and the first state. */
interface DirectionGradients {
  x(): ValueName;
  input(): ValueName;
  recurrent(): ValueName;
  bias(): ValueName;
  hidden(): ValueName;
  cell(): ValueName;
}

/** The gradients of a recurrent node to all its inputs. */
export function recurrentGradient(
  context: GradientContext,
  recurrence: Recurrence,
  kind: CellKind,
): readonly (ValueName | undefined)[] {
  const { builder, inputTypes } = context;
  // What no output depends on has no gradient; without steps, states pass by.
  if ([0, 1, 2].every((output) => context.outputGradient(output) === undefined)) return [];
  const made = recurrence.isReverse.map((_, direction) =>
    directionGradients(context, recurrence, kind, direction),
  );
  const joined = (pick: (one: DirectionGradients) => ValueName, input: number) => {
    const type = inputTypes[input];
    if (type === undefined || !context.isWanted(input)) return undefined;
    const single = type.shape.with(0, 1);
    const parts = made.map(pick).map((part) => reshaped(builder, part, single));
    return concatenated(builder, parts, 0);
  };
  const toInputs = () => made.map((one) => one.x()).reduce((sum, one) => builder.add("Add", [sum, one]));
  return [
    context.isWanted(0) ? reshaped(builder, toInputs(), inputTypes[0]!.shape) : undefined,
    joined((one) => one.input(), 1),
    joined((one) => one.recurrent(), 2),
    joined((one) => one.bias(), 3),
    undefined,
    joined((one) => one.hidden(), 5),
    joined((one) => one.cell(), 6),
  ];
}

function directionGradients(
  context: GradientContext,
  recurrence: Recurrence,
  kind: CellKind,
  direction: number,
): DirectionGradients {
  const { builder } = context;
  const { steps, batch, inputs, hidden: size } = recurrence;
  const weights = weightsOf(context, direction);
  const cell = cells[kind](builder, weights, size);
  const x = reshaped(builder, context.input(0), [steps * batch, inputs]);
  const order = Array.from({ length: steps }, (_, at) => at);
  if (recurrence.isReverse[direction]) order.reverse();
  const fromInputs = timeSteps(builder, inputProducts(builder, x, weights, cell), recurrence);
  const states = passForward(context, recurrence, direction, cell, order, fromInputs);
  const toOutputs = outputGradients(context, recurrence, direction);
  let toHidden = toOutputs.lastHidden;
  let toCell = toOutputs.lastCell;
  const gradients = new Array<StepGradients>(steps);
  for (const time of [...order].reverse()) {
    const direct = toOutputs.sequence?.[time];
    const both = toHidden !== undefined && direct !== undefined;
    const behind = both ? builder.add("Add", [toHidden!, direct!]) : (toHidden ?? direct);
    const step = states[time]!.back(behind ?? zeroState(context, recurrence), toCell);
    gradients[time] = step;
    [toHidden, toCell] = [step.hidden, step.cell];
  }
  const rowsOf = (pick: (step: StepGradients) => ValueName) => concatenated(builder, gradients.map(pick), 0);
  const fromInput = rowsOf((step) => step.fromInput);
  const fromHidden = rowsOf((step) => step.fromHidden);
  const transposedProduct = (a: ValueName, b: ValueName) =>
    builder.add("MatMul", [matricesTransposed(builder, a), b]);
  const toRecurrent = () =>
    states[0]!.operands.map(([start, end], index) => {
      const values = states.map(({ operands }) => operands[index]![2]);
      const rows = sliced(builder, fromHidden, [{ axis: 1, start, end }]);
      return transposedProduct(rows, concatenated(builder, values, 0));
    });
  const total = (rows: ValueName) => summed(builder, rows, [0], false);
  return {
    x: () => builder.add("MatMul", [fromInput, weights.input]),
    input: () => transposedProduct(fromInput, x),
    recurrent: () => concatenated(builder, toRecurrent(), 0),
    bias: () => concatenated(builder, [total(fromInput), total(fromHidden)], 0),
    hidden: () => toHidden!,
    cell: () => toCell!,
  };
}

/** The weights of a direction, without the axis of the directions. */
function weightsOf({ builder, input, inputTypes }: GradientContext, direction: number): Weights {
  const part = (index: number) => {
    const { shape } = inputTypes[index]!;
    const one = sliced(builder, input(index), [{ axis: 0, start: direction, end: direction + 1 }]);
    return reshaped(builder, one, shape.slice(1));
  };
  const biases = inputTypes[3] === undefined ? undefined : part(3);
  const half = (start: number) => {
    const rows = inputTypes[1]!.shape[1]!;
    return biases && sliced(builder, biases, [{ axis: 0, start: start * rows, end: (start + 1) * rows }]);
  };
  return { input: part(1), recurrent: part(2), inputBias: half(0), recurrentBias: half(1) };
}

/** [steps · batch, gates · hidden]: the products with the inputs, with the biases that are added to them. */
function inputProducts(builder: NetworkBuilder, x: ValueName, weights: Weights, cell: Cell): ValueName {
  const products = builder.add("MatMul", [x, matricesTransposed(builder, weights.input)]);
  const { inputBias, recurrentBias } = weights;
  if (inputBias === undefined || recurrentBias === undefined) return products;
  const bias = cell.addsRecurrentBias ? inputBias : builder.add("Add", [inputBias, recurrentBias]);
  return builder.add("Add", [products, bias]);
}

/** Rows [steps · batch, n] as a value [batch, n] for each step. */
function timeSteps(builder: NetworkBuilder, rows: ValueName, { steps, batch }: Recurrence): ValueName[] {
  if (steps === 1) return [rows];
  const sizes = builder.constant(int64Tensor(new Array<number>(steps).fill(batch)));
  return builder.addMany("Split", [rows, sizes], steps, { axis: int(0) });
}

function zeroState({ builder, input }: GradientContext, { batch, hidden }: Recurrence): ValueName {
  return expanded(builder, scalarLike(builder, input(0), 0), [batch, hidden]);
}

/** A direction's [batch, hidden] of a value of states. */
function stateOf(builder: NetworkBuilder, value: ValueName, recurrence: Recurrence, direction: number) {
  const one = sliced(builder, value, [{ axis: 0, start: direction, end: direction + 1 }]);
  return reshaped(builder, one, [recurrence.batch, recurrence.hidden]);
}

/** The steps by their time. */
function passForward(
  context: GradientContext,
  recurrence: Recurrence,
  direction: number,
  cell: Cell,
  order: readonly number[],
  fromInputs: readonly ValueName[],
): Step[] {
  const { builder, inputTypes, input } = context;
  const first = (index: number) =>
    inputTypes[index] === undefined
      ? zeroState(context, recurrence)
      : stateOf(builder, input(index), recurrence, direction);
  const states = new Array<Step>(recurrence.steps);
  let hidden = first(5);
  let inner: ValueName | undefined = first(6);
  for (const time of order) {
    const step = cell.step(fromInputs[time]!, hidden, inner);
    states[time] = step;
    [hidden, inner] = [step.hidden, step.cell];
  }
  return states;
}

/** A direction's gradients to the outputs, as far as the loss depends on them. */
function outputGradients(context: GradientContext, recurrence: Recurrence, direction: number) {
  const { builder } = context;
  const { steps, batch, hidden } = recurrence;
  const [sequence, lastHidden, lastCell] = [0, 1, 2].map((output) => context.outputGradient(output));
  const state = (value: ValueName | undefined) => value && stateOf(builder, value, recurrence, direction);
  const own = sequence && sliced(builder, sequence, [{ axis: 1, start: direction, end: direction + 1 }]);
  return {
    sequence: own && timeSteps(builder, reshaped(builder, own, [steps * batch, hidden]), recurrence),
    lastHidden: state(lastHidden),
    lastCell: state(lastCell),
  };
}
