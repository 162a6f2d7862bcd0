import {
  type Cell,
  cellCount,
  type Layer,
  type NetworkPlan,
  numberOfPlace,
  operandsOf,
  placeOfNumber,
  type Step,
  tapsOf,
  usesOf,
} from "./plan.js";

type BinaryStep = Extract<Step, { kind: "binary" }>;

/** What a network computes, with the numbers of its table. */
export interface Steps extends Pick<NetworkPlan, "steps" | "results"> {
  readonly table: readonly number[];
}

/** A step with the names of the cells that it makes, which need not follow each other. */
interface Entry {
  step: Step;
  cells: readonly Cell[];
}

/**
 * The same in fewer steps: what is added to all outputs of a layer, or multiplied with them, and a function that is applied
 * to them, become part of it where nothing else takes the outputs; what nobody takes goes.
 */
export function fuse(given: Steps): Steps {
  const table = [...given.table];
  const segments = new Map<string, number>();
  const uses = usesOf(given);
  const makers = new Map<Cell, Entry>();
  const constants = new Map<Cell, number>();
  const entries: Entry[] = [];
  let next = 0;

  /** Where these numbers stand in the table; equal ones stand there once. */
  function tabulate(numbers: readonly number[]): number {
    const rounded = numbers.map(Math.fround);
    const key = rounded.join();
    const first = segments.get(key) ?? table.length;
    segments.set(key, first);
    // One by one: a large layer's numbers are more than a call takes arguments.
    if (first === table.length) for (const number of rounded) table.push(number);
    return first;
  }

  /** Takes over the function's lanes whose operands are all outputs of one layer. @returns what it does not take over */
  function absorb(operands: readonly Cell[], made: readonly Cell[], change: Change): number[] {
    const positions = new Map(operands.map((cell, position) => [cell, position]));
    const left: number[] = [];
    const taken = new Set<number>();
    for (const entry of new Set(operands.map((cell) => makers.get(cell)))) {
      if (entry === undefined || !isLayer(entry.step) || entry.step.activation !== undefined) continue;
      const own = entry.cells.map((cell) => (uses[cell] === 1 ? positions.get(cell) : undefined));
      if (own.some((position) => position === undefined)) continue;
      const order = own as number[];
      const changed = change(entry.step, order);
      if (changed === undefined) continue;
      entry.step = changed;
      entry.cells = order.map((position) => made[position]!);
      for (const cell of entry.cells) makers.set(cell, entry);
      for (const position of order) taken.add(position);
    }
    for (let position = 0; position < operands.length; position++)
      if (!taken.has(position)) left.push(position);
    return left;
  }

  for (const step of given.steps) {
    const cells = Array.from({ length: cellCount(step) }, (_, k) => next + k);
    next += cells.length;
    let entry: Entry = { step, cells };
    if (step.kind === "table")
      for (const [k, cell] of cells.entries()) constants.set(cell, table[step.first + k]!);
    if (step.kind === "unary") {
      const left = absorb(step.operands, cells, (layer) => ({ ...layer, activation: step.function }));
      entry = {
        step: { ...step, operands: left.map((k) => step.operands[k]!) },
        cells: left.map((k) => cells[k]!),
      };
    } else if (step.kind === "binary") {
      const folding = foldingOf(step, constants);
      if (folding !== undefined) {
        const left = absorb(folding.operands, cells, (layer, order) =>
          folded(
            layer,
            folding,
            order.map((k) => folding.numbers[k]!),
            table,
            tabulate,
          ),
        );
        entry = {
          step: { ...step, left: left.map((k) => step.left[k]!), right: left.map((k) => step.right[k]!) },
          cells: left.map((k) => cells[k]!),
        };
      }
    }
    if (entry.cells.length === 0) continue;
    entries.push(entry);
    for (const cell of entry.cells) makers.set(cell, entry);
  }
  return compacted(entries, given.results, table);
}

function isLayer(step: Step): step is Layer {
  return step.kind === "dense" || step.kind === "repeated";
}

type Change = (layer: Layer, order: readonly number[]) => Layer | undefined;

/** A function of two numbers of which one is a constant: outputs times factor, plus term. */
interface Folding {
  readonly operands: readonly Cell[];
  readonly numbers: readonly number[];
  readonly factor: (number: number) => number;
  readonly term: (number: number) => number;
}

function foldingOf(step: BinaryStep, constants: ReadonlyMap<Cell, number>): Folding | undefined {
  const { left, right } = step;
  const [of, by] = left.every((cell) => constants.has(cell)) ? [right, left] : [left, right];
  if (!by.every((cell) => constants.has(cell))) return undefined;
  const numbers = by.map((cell) => constants.get(cell)!);
  const folding = { operands: of, numbers };
  const one = () => 1;
  const none = () => 0;
  switch (step.function) {
    case "add":
      return { ...folding, factor: one, term: (c) => c };
    case "mul":
      return { ...folding, factor: (c) => c, term: none };
    case "sub":
      return by === right
        ? { ...folding, factor: one, term: (c) => -c }
        : { ...folding, factor: () => -1, term: (c) => c };
    case "div":
      return by === right ? { ...folding, factor: (c) => 1 / c, term: none } : undefined;
    default:
      return undefined;
  }
}

function folded(
  layer: Layer,
  { factor, term }: Folding,
  numbers: readonly number[],
  table: readonly number[],
  tabulate: (numbers: readonly number[]) => number,
): Layer | undefined {
  const { outputs, weights, bias } = layer;
  // At all places the same.
  if (numbers.some((number, k) => number !== numbers[k % outputs])) return undefined;
  const own = numbers.slice(0, outputs);
  const [factors, terms] = [own.map(factor), own.map(term)];
  const scaled = Array.from(
    { length: tapsOf(layer) * outputs },
    (_, k) => table[weights + k]! * factors[k % outputs]!,
  );
  const moved = terms.map((t, k) => (bias === undefined ? 0 : table[bias + k]! * factors[k]!) + t);
  // What the weights cannot hold, such as the quotient by 0, is better computed as it is said.
  if (![...scaled, ...moved].every((number) => Number.isFinite(Math.fround(number)))) return undefined;
  const isPlain = factors.every((number) => number === 1);
  return { ...layer, weights: isPlain ? weights : tabulate(scaled), bias: tabulate(moved) };
}

/** Only the steps that results depend on, their cells counted anew, and only the numbers that they take. */
function compacted(entries: readonly Entry[], results: readonly Cell[], table: readonly number[]): Steps {
  const wanted = new Set<Cell>(results);
  const kept: Entry[] = [];
  for (const entry of [...entries].reverse()) {
    // The inputs are given in any case.
    if (entry.step.kind !== "input" && !entry.cells.some((cell) => wanted.has(cell))) continue;
    for (const cell of operandsOf(entry.step)) wanted.add(cell);
    kept.unshift(entry);
  }
  const renamed = new Map<Cell, Cell>();
  for (const { cells } of kept) for (const cell of cells) renamed.set(cell, renamed.size);
  const name = (cell: Cell): Cell => renamed.get(cell)!;
  const numbers: number[] = [];
  const moved = new Map<number, number>();
  const put = (values: readonly number[]): number => {
    const first = numbers.length;
    for (const value of values) numbers.push(value);
    return first;
  };
  const move = (first: number, count: number): number => {
    const to = moved.get(first) ?? put(table.slice(first, first + count));
    moved.set(first, to);
    return to;
  };
  const steps = kept.map(({ step }) =>
    step.kind === "repeated"
      ? inOrder(withPlaces(step, name, move), table, put)
      : withPlaces(step, name, move),
  );
  return { steps, results: results.map(name), table: numbers };
}

type Repeated = Extract<Step, { kind: "repeated" }>;

/** With the inputs in the order in which they are made, as which they may stand in memory already. */
function inOrder(
  step: Repeated,
  table: readonly number[],
  put: (values: readonly number[]) => number,
): Repeated {
  const { rows, taps, places } = step;
  const inputs = [...step.inputs].sort((a, b) => a - b);
  const positions = new Map(inputs.map((cell, position) => [cell, position]));
  const chosen = table.slice(places, places + rows * taps);
  const renamed = chosen.map((place) =>
    numberOfPlace(positions.get(step.inputs[placeOfNumber(place)]!) ?? inputs.length),
  );
  return { ...step, inputs, places: put(renamed) };
}

function withPlaces<S extends Step>(
  step: S,
  name: (cell: Cell) => Cell,
  move: (first: number, count: number) => number,
): S;
function withPlaces(
  step: Step,
  name: (cell: Cell) => Cell,
  move: (first: number, count: number) => number,
): Step {
  switch (step.kind) {
    case "input":
      return step;
    case "table":
      return { ...step, first: move(step.first, step.count) };
    case "dense":
      return {
        ...step,
        inputs: step.inputs.map(name),
        weights: move(step.weights, step.inputs.length * step.outputs),
        bias: step.bias === undefined ? undefined : move(step.bias, step.outputs),
      };
    case "repeated":
      return {
        ...step,
        inputs: step.inputs.map(name),
        weights: move(step.weights, step.taps * step.outputs),
        bias: step.bias === undefined ? undefined : move(step.bias, step.outputs),
      };
    case "unary":
      return { ...step, operands: step.operands.map(name) };
    case "binary":
      return { ...step, left: step.left.map(name), right: step.right.map(name) };
  }
}
