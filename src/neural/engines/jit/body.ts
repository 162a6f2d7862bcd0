import { arith, type Buffer, math, memref, scf, type Value, vector } from "../../../compiler/index.js";
import { binaryFunctions, unaryFunctions } from "./elementary.js";
import { type Cell, cellCount, type NetworkPlan, type Step } from "./plan.js";

type DenseStep = Extract<Step, { kind: "dense" }>;

/** Products of a layer from which on it is a loop: the code of all of them would not fit the nearest cache. */
const ROLLED_PRODUCTS = 2048;

/** Sums that are taken at once: as many as hide the time that one addition takes. */
const TILE = 8;

function isRolled({ inputs, outputs }: DenseStep): boolean {
  return inputs.length * outputs >= ROLLED_PRODUCTS;
}

/** f32 numbers of scratch memory that the body of a network takes; 0 for small networks. */
export function scratchLength({ steps }: NetworkPlan, lanes: number): number {
  return steps.reduce(
    (sum, step) =>
      step.kind === "dense" && isRolled(step) ? sum + (step.inputs.length + step.outputs) * lanes : sum,
    0,
  );
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
 *     const llrs = buildNetwork(plan, [re, im], { table });
 *     …
 * ```
 *
 * @param inputs an f32 vector for each number of a sample, in the order of `plan.inputs`; all of the same lanes
 * @returns an f32 vector for each number of the outputs, in the order of `plan.outputs`
 */
export function buildNetwork(plan: NetworkPlan, inputs: readonly Value[], memory: NetworkMemory): Value[] {
  const { type } = inputs[0]!;
  const { table } = memory;
  const values = new Map<Cell, Value>();
  const firsts: number[] = [];
  const owners: number[] = [];
  for (const [index, step] of plan.steps.entries()) {
    firsts.push(owners.length);
    for (let k = 0; k < cellCount(step); k++) owners.push(index);
  }
  let scratchUsed = 0;

  const weight = (index: number): Value => vector.broadcast(memref.load(table, index), type.lanes);
  const activated = ({ activation }: DenseStep, sum: Value): Value =>
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

  /** The layer as loops over tiles of outputs, from scratch memory into scratch memory. */
  function rolled(step: DenseStep): Value[] {
    const { lanes } = type;
    const { inputs: from, outputs, weights, bias } = step;
    const scratch = memory.scratch!;
    const [source, target] = [scratchUsed, scratchUsed + from.length * lanes];
    scratchUsed = target + outputs * lanes;
    from.forEach((input, i) => vector.store(cell(input), scratch, source + i * lanes));
    const tile = (first: Value, count: number): void => {
      const at = (k: number, base: number) => arith.addi(first, base + k);
      const initial = Array.from({ length: count }, (_, k) =>
        bias === undefined
          ? arith.constant(type, 0)
          : vector.broadcast(memref.load(table, at(k, bias)), lanes),
      );
      const totals = scf.for(0, from.length, 1, initial, (i, carried) => {
        const value = vector.load(scratch, arith.addi(arith.muli(i, lanes), source), lanes);
        const row = arith.addi(arith.muli(i, outputs), first);
        return carried.map((total, k) =>
          math.fma(value, vector.broadcast(memref.load(table, arith.addi(row, weights + k)), lanes), total),
        );
      });
      totals.forEach((total, k) => {
        vector.store(
          activated(step, total),
          scratch,
          arith.addi(arith.muli(first, lanes), target + k * lanes),
        );
      });
    };
    const whole = outputs - (outputs % TILE);
    scf.for(0, whole, TILE, (first) => tile(first, TILE));
    if (whole < outputs) scf.for(whole, outputs, outputs - whole, (first) => tile(first, outputs - whole));
    return Array.from({ length: outputs }, (_, k) => vector.load(scratch, target + k * lanes, lanes));
  }

  function make(step: Step, first: Cell, at: number): void {
    const keep = (made: readonly Value[], from = 0): void => {
      made.forEach((value, k) => {
        values.set(first + from + k, value);
      });
    };
    switch (step.kind) {
      case "input":
        return keep(inputs);
      case "table":
        return keep([weight(step.first + at)], at);
      case "unary":
        return keep([unaryFunctions[step.function](cell(step.operands[at]!))], at);
      case "binary":
        return keep([binaryFunctions[step.function](cell(step.left[at]!), cell(step.right[at]!))], at);
      case "dense": {
        if (isRolled(step)) return keep(rolled(step));
        const from = at - (at % TILE);
        return keep(sums(step, from, Math.min(TILE, step.outputs - from)), from);
      }
    }
  }

  /** A cell, built where it is first asked for: a hidden number is made right before what takes it. */
  function cell(wanted: Cell): Value {
    if (!values.has(wanted)) {
      const index = owners[wanted]!;
      make(plan.steps[index]!, firsts[index]!, wanted - firsts[index]!);
    }
    return values.get(wanted)!;
  }

  return plan.results.map(cell);
}
