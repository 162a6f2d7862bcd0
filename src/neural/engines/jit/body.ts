/**
 * Networks as code inside kernels.
 *
 * Invariants:
 * 1. A place of scratch memory is taken by one step and, in a round of the kernel, written before it is read.
 * 2. No more places are taken than `scratchLength` says.
 * 3. A cell is built in the kernel's round itself, never inside a loop or branch of a step: what follows may use it.
 */
import {
  arith,
  type Buffer,
  floatLanes,
  KernelError,
  math,
  memref,
  scf,
  type Target,
  type Value,
  vector,
  vectorOf,
} from "../../../compiler/index.js";
import { binaryFunctions, unaryFunctions } from "./elementary.js";
import {
  type Cell,
  cellCount,
  type Layer,
  type NetworkPlan,
  operandsOf,
  type Step,
  tapsOf,
  type UnaryFunction,
  usesOf,
} from "./plan.js";

type DenseStep = Extract<Step, { kind: "dense" }>;
type RepeatedStep = Extract<Step, { kind: "repeated" }>;
type UnaryStep = Extract<Step, { kind: "unary" }>;

/** Inputs of a layer up to which all are in registers while a loop goes over its outputs. */
const MOST_HELD = 4;

/** How a network is built for a target. */
export interface BodyShape {
  /** Samples that are computed at once: f32 lanes of the vectors, a power of two. */
  readonly lanes: number;
  /**
   * Products of a layer from which on it is a loop, and not one line of code a product: beyond some thousands the code
   * would not fit the nearest cache, and V8, which orders straight code anew, spills registers from a few dozens on.
   */
  readonly rolledProducts: number;
  /** Sums that are taken at once: as many as hide the time that one addition takes, and as there are registers for. */
  readonly tile: number;
}

/** The shape that is fastest on a target. */
export function bodyShape(target: Pick<Target, "name" | "vectorBytes">): BodyShape {
  if (target.name === "wasm") return { lanes: 8, rolledProducts: 1, tile: 4 };
  return { lanes: floatLanes(target), rolledProducts: 512, tile: 8 };
}

/** Functions of many operations, of which a loop makes several. */
const longFunctions: ReadonlySet<UnaryFunction | undefined> = new Set([
  "exp",
  "log",
  "sigmoid",
  "softplus",
  "tanh",
] as const);

/** Numbers to which a function of many operations is applied in a loop. */
const ROLLED_CALLS = 4;

/** Whether a step is built as loops, which read from and write to scratch memory. */
function isRolled(step: Step, { rolledProducts }: BodyShape): boolean {
  switch (step.kind) {
    case "dense":
      return (
        step.inputs.length * step.outputs >= rolledProducts ||
        (longFunctions.has(step.activation) && step.outputs >= ROLLED_CALLS)
      );
    case "repeated":
      return true;
    case "unary":
      return longFunctions.has(step.function) && step.operands.length >= ROLLED_CALLS;
    default:
      return false;
  }
}

/** f32 numbers of scratch memory that the body of a network takes; 0 for small networks. */
export function scratchLength({ steps }: NetworkPlan, shape: BodyShape): number {
  const rolled = steps.filter((step) => isRolled(step, shape));
  // With a 0 behind the numbers that go in and come out.
  return rolled.reduce((sum, step) => sum + (operandsOf(step).length + cellCount(step) + 2) * shape.lanes, 0);
}

/** Memory of a kernel that the body of a network works with. */
export interface NetworkMemory {
  /** f32: the network's table, `tableLength` numbers. */
  readonly table: Buffer;
  /** f32: {@link scratchLength} numbers; left out for networks that take none. */
  readonly scratch?: Buffer;
}

/**
 * Builds a network inside a kernel, for as many samples at once as the vectors have lanes.
 *
 * ```ts
 * const { plan, table } = planNetwork(model);
 * kernel("…", { table: buffer("f32", plan.tableLength), … }, ({ table, … }) => {
 *   scf.for(0, blocks, 1, (block) => {
 *     const [re, im] = vector.deinterleave(vector.load(symbols, …, 32));
 *     const llrs = buildNetwork(plan, shape, [re, im], { table });
 *     …
 * ```
 *
 * @param inputs an f32 vector for each number of a sample, in the order of `plan.inputs`; all of the same lanes
 * @returns an f32 vector for each number of the outputs, in the order of `plan.outputs`
 */
export function buildNetwork(
  plan: NetworkPlan,
  shape: BodyShape,
  inputs: readonly Value[],
  memory: NetworkMemory,
): Value[] {
  return networkBody(plan, shape, inputs, memory).results(0, plan.results.length);
}

/** A network inside a kernel whose numbers may stand in memory, `[number][lane]`. */
export interface NetworkBody {
  /** Vectors of some of the outputs' numbers, counted over all outputs. */
  results(from: number, count: number): Value[];
  /** Where in scratch memory they stand one after the other: where they do already, or from `at` on. */
  stagedResults(from: number, count: number, at: number): number;
}

/**
 * The same as {@link buildNetwork}, for networks of many inputs and outputs.
 * @param inputs vectors, or where in scratch memory they stand, one after the other, with room for one more
 */
export function networkBody(
  plan: NetworkPlan,
  shape: BodyShape,
  inputs: readonly Value[] | number,
  memory: NetworkMemory,
): NetworkBody {
  const type = typeof inputs === "number" ? vectorOf("f32", shape.lanes) : inputs[0]!.type;
  const { lanes } = type;
  if (lanes !== shape.lanes) throw new KernelError(`inputs of ${lanes} lanes for a body of ${shape.lanes}`);
  const tileSize = shape.tile;
  const { table } = memory;
  const values = new Map<Cell, Value>();
  /** Where cells stand in scratch memory, each in a place of its own. */
  const places = new Map<Cell, number>();
  /** Places in scratch memory that hold 0. */
  const zeros = new Set<number>();
  const firsts: number[] = [];
  const owners: number[] = [];
  for (const [index, step] of plan.steps.entries()) {
    firsts.push(owners.length);
    for (let k = 0; k < cellCount(step); k++) owners.push(index);
  }
  const uses = usesOf(plan);
  const available = scratchLength(plan, shape);
  let scratchUsed = 0;

  const weight = (index: number): Value => vector.broadcast(memref.load(table, index), type.lanes);
  const activated = ({ activation }: Layer, sum: Value): Value =>
    activation === undefined ? sum : unaryFunctions[activation](sum);

  /** Sums of some outputs. Inputs come one after the other, so that each need live no longer than it is added. */
  function sums(step: DenseStep, from: number, count: number): Value[] {
    const { outputs, weights, bias } = step;
    const totals: (Value | undefined)[] = Array.from({ length: count }, (_, k) =>
      bias === undefined ? undefined : weight(bias + from + k),
    );
    step.inputs.forEach((input, i) => {
      const value = cell(input);
      for (let k = 0; k < count; k++) {
        const w = weight(weights + i * outputs + from + k);
        const total = totals[k];
        totals[k] = total === undefined ? arith.mulf(value, w) : math.fma(value, w, total);
      }
    });
    return totals.map((total) => activated(step, total ?? arith.constant(type, 0)));
  }

  const weightAt = (index: Value, offset: number): Value =>
    vector.broadcast(memref.load(table, arith.addi(index, offset)), lanes);

  function reserve(numbers: number): number {
    const first = scratchUsed;
    scratchUsed += numbers * lanes;
    if (scratchUsed > available)
      throw new KernelError(`scratch memory of ${available} numbers is too little`);
    return first;
  }

  /** One output of a layer whose inputs are in registers; `output` counts in a loop. */
  function oneSum(step: DenseStep, held: readonly Value[], output: Value): Value {
    const { outputs, weights, bias } = step;
    let total = bias === undefined ? undefined : weightAt(output, bias);
    held.forEach((value, i) => {
      const w = weightAt(output, weights + i * outputs);
      total = total === undefined ? arith.mulf(value, w) : math.fma(value, w, total);
    });
    return activated(step, total!);
  }

  /** The layer before, if nothing else takes of it and its outputs can be made one by one in a loop. */
  function hiddenBefore(step: DenseStep): DenseStep | undefined {
    const index = owners[step.inputs[0]!]!;
    const before = plan.steps[index]!;
    if (before.kind !== "dense" || before.inputs.length > MOST_HELD) return undefined;
    const isWhole =
      before.outputs === step.inputs.length &&
      step.inputs.every((input, k) => input === firsts[index]! + k && uses[input] === 1);
    return isWhole ? before : undefined;
  }

  /** A loop over the inputs, each of which `input` gives, into sums of all outputs. */
  function accumulated(
    step: Layer,
    first: Value | number,
    count: number,
    input: (i: Value) => Value,
  ): Value[] {
    const { outputs, weights, bias } = step;
    const start = typeof first === "number" ? arith.constant({ element: "index", lanes: 0 }, first) : first;
    const initial = Array.from({ length: count }, (_, k) =>
      bias === undefined ? arith.constant(type, 0) : weightAt(start, bias + k),
    );
    const totals = scf.for(0, tapsOf(step), 1, initial, (i, carried) => {
      const value = input(i);
      const row = arith.addi(arith.muli(i, outputs), start);
      return carried.map((total, k) => math.fma(value, weightAt(row, weights + k), total));
    });
    return totals.map((total) => activated(step, total));
  }

  const loadAt = (base: number, k: Value): Value =>
    vector.load(memory.scratch!, arith.addi(arith.muli(k, lanes), base), lanes);
  const storeAt = (value: Value, base: number, k: Value): void =>
    vector.store(value, memory.scratch!, arith.addi(arith.muli(k, lanes), base));

  /** Where cells stand one after the other, if they do. */
  function placeOf(cells: readonly Cell[]): number | undefined {
    const first = places.get(cells[0]!);
    if (first === undefined) return undefined;
    return cells.every((one, k) => places.get(one) === first + k * lanes) ? first : undefined;
  }

  /** Where cells stand one after the other, brought there unless they do; and a 0 behind them if that is wanted. */
  function staged(cells: readonly Cell[], withZero = false): number {
    // Before places are taken, since what makes them takes places, too.
    for (const one of cells) build(one);
    const first = placeOf(cells);
    if (first !== undefined && (!withZero || zeros.has(first + cells.length * lanes))) return first;
    const base = stored(cells, reserve(cells.length));
    if (withZero) putZero(reserve(1));
    return base;
  }

  function stored(cells: readonly Cell[], at: number): number {
    const made = cells.map(cell);
    for (const [k, value] of made.entries()) vector.store(value, memory.scratch!, at + k * lanes);
    return at;
  }

  function putZero(place: number): void {
    vector.store(arith.constant(type, 0), memory.scratch!, place);
    zeros.add(place);
  }

  /** A layer whose outputs are all summed in one loop over its inputs. */
  function narrow(step: DenseStep): Value[] {
    const hidden = hiddenBefore(step);
    if (hidden !== undefined) {
      const held = hidden.inputs.map(cell);
      return accumulated(step, 0, step.outputs, (i) => oneSum(hidden, held, i));
    }
    const source = staged(step.inputs);
    return accumulated(step, 0, step.outputs, (i) => loadAt(source, i));
  }

  /** A step as loops into scratch memory. @returns where its cells stand there */
  function rolled(step: DenseStep | UnaryStep): number {
    const count = cellCount(step);
    if (step.kind === "unary") {
      const source = staged(step.operands);
      const target = reserve(count);
      scf.for(0, count, 1, (k) => storeAt(unaryFunctions[step.function](loadAt(source, k)), target, k));
      return target;
    }
    if (step.inputs.length <= MOST_HELD) {
      const held = step.inputs.map(cell);
      const target = reserve(count);
      scf.for(0, count, 1, (output) => storeAt(oneSum(step, held, output), target, output));
      return target;
    }
    const source = staged(step.inputs);
    const target = reserve(count);
    tiled(
      step,
      (i) => loadAt(source, i),
      (total, output) => storeAt(total, target, output),
    );
    return target;
  }

  /** Sums of all outputs, a tile after the other; `index` is that of the first of a tile. */
  function tiled(step: Layer, input: (i: Value) => Value, take: (total: Value, output: Value) => void): void {
    const tiles = (from: number, to: number, size: number): void =>
      scf.for(from, to, size, (first) => {
        const totals = accumulated(step, first, size, input);
        for (const [k, total] of totals.entries()) take(total, arith.addi(first, k));
      });
    const whole = step.outputs - (step.outputs % tileSize);
    if (whole > 0) tiles(0, whole, tileSize);
    if (whole < step.outputs) tiles(whole, step.outputs, step.outputs - whole);
  }

  /** A layer at many places as loops into scratch memory. @returns where its cells stand there */
  function repeated(step: RepeatedStep): number {
    const { rows, taps, places: chosen, outputs } = step;
    const source = staged(step.inputs, true);
    const target = reserve(cellCount(step));
    // For a layer that takes all of these at many places again.
    putZero(reserve(1));
    scf.for(0, rows, 1, (row) => {
      const at = arith.muli(row, taps);
      const own = arith.muli(row, outputs);
      tiled(
        step,
        (i) => {
          const place = memref.load(table, arith.addi(arith.addi(at, i), chosen));
          return loadAt(source, arith.indexCast(arith.bitcast(place, "i32"), "index"));
        },
        (total, output) => storeAt(total, target, arith.addi(own, output)),
      );
    });
    return target;
  }

  function make(step: Step, first: Cell, at: number): void {
    const keep = (made: readonly Value[], from: number): void => {
      for (const [k, value] of made.entries()) values.set(first + from + k, value);
    };
    if (
      step.kind === "repeated" ||
      ((step.kind === "dense" || step.kind === "unary") && isRolled(step, shape))
    ) {
      if (step.kind === "dense" && step.outputs <= tileSize) keep(narrow(step), 0);
      else {
        const target = step.kind === "repeated" ? repeated(step) : rolled(step);
        for (let k = 0; k < cellCount(step); k++) places.set(first + k, target + k * lanes);
      }
    } else if (step.kind === "input") keep(inputs as readonly Value[], 0);
    else if (step.kind === "table") keep([weight(step.first + at)], at);
    else if (step.kind === "unary") keep([unaryFunctions[step.function](cell(step.operands[at]!))], at);
    else if (step.kind === "binary")
      keep([binaryFunctions[step.function](cell(step.left[at]!), cell(step.right[at]!))], at);
    else {
      const from = at - (at % tileSize);
      keep(sums(step, from, Math.min(tileSize, step.outputs - from)), from);
    }
  }

  /** Builds a cell unless it is there already: in a register, or in memory. */
  function build(wanted: Cell): void {
    if (values.has(wanted) || places.has(wanted)) return;
    const index = owners[wanted]!;
    make(plan.steps[index]!, firsts[index]!, wanted - firsts[index]!);
  }

  /** A cell, built where it is first asked for: a hidden number is made right before what takes it. */
  function cell(wanted: Cell): Value {
    build(wanted);
    const place = places.get(wanted);
    if (!values.has(wanted) && place !== undefined)
      values.set(wanted, vector.load(memory.scratch!, place, lanes));
    return values.get(wanted)!;
  }

  if (typeof inputs === "number") {
    const index = plan.steps.findIndex(({ kind }) => kind === "input");
    const count = cellCount(plan.steps[index]!);
    for (let k = 0; k < count; k++) places.set(firsts[index]! + k, inputs + k * lanes);
    putZero(inputs + count * lanes);
  }
  return {
    results: (from, count) => plan.results.slice(from, from + count).map(cell),
    stagedResults(from, count, at) {
      const cells = plan.results.slice(from, from + count);
      for (const one of cells) build(one);
      return placeOf(cells) ?? stored(cells, at);
    },
  };
}
