import {
  type Block,
  byteSize,
  type ElementType,
  type Kernel,
  type Operation,
  type Value,
} from "../../src/compiler/index.js";

/**
 * Runs the integer part of the language directly: every operation lane by lane on BigInts, no types of machines. Plain
 * and slow; shares nothing with the targets but the form of kernels.
 */

/** Lanes of a value: integers as signed, i1 as 0 or 1, index as it is. A scalar is one lane. */
type Lanes = readonly bigint[];
/** Buffers by position, scalars by position. */
export type InterpreterArguments = readonly (bigint[] | bigint)[];

export const bitsOf = (e: ElementType): number => (e === "i1" ? 1 : byteSize(e) * 8);

/** A number within a type: wrapped around. */
export function normal(e: ElementType, v: bigint): bigint {
  if (e === "i1") return v & 1n;
  return e === "index" ? BigInt.asIntN(32, v) : BigInt.asIntN(bitsOf(e), v);
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Of two numbers as signed, and the same as unsigned, of `n` bits. */
type Binary = (a: bigint, b: bigint, n: number) => bigint;
const u = (v: bigint, n: number): bigint => BigInt.asUintN(n, v);
const limits = (n: number): [bigint, bigint] => [-(1n << BigInt(n - 1)), (1n << BigInt(n - 1)) - 1n];
const saturate = (v: bigint, n: number): bigint => most(limits(n)[0], least(limits(n)[1], v));

export const binary: Record<string, Binary> = {
  "arith.addi": (a, b) => a + b,
  "arith.subi": (a, b) => a - b,
  "arith.muli": (a, b) => a * b,
  "arith.divsi": (a, b) => a / b,
  "arith.remsi": (a, b) => a % b,
  "arith.divui": (a, b, n) => u(a, n) / u(b, n),
  "arith.remui": (a, b, n) => u(a, n) % u(b, n),
  "arith.andi": (a, b) => a & b,
  "arith.ori": (a, b) => a | b,
  "arith.xori": (a, b) => a ^ b,
  "arith.shli": (a, b) => a << b,
  "arith.shrsi": (a, b) => a >> b,
  "arith.shrui": (a, b, n) => u(a, n) >> b,
  "arith.minsi": least,
  "arith.maxsi": most,
  "arith.minui": (a, b, n) => least(u(a, n), u(b, n)),
  "arith.maxui": (a, b, n) => most(u(a, n), u(b, n)),
  "llvm.intr.sadd.sat": (a, b, n) => saturate(a + b, n),
  "llvm.intr.ssub.sat": (a, b, n) => saturate(a - b, n),
  "llvm.intr.uadd.sat": (a, b, n) => least((1n << BigInt(n)) - 1n, u(a, n) + u(b, n)),
  "llvm.intr.usub.sat": (a, b, n) => most(0n, u(a, n) - u(b, n)),
};

const truth: Record<string, (a: bigint, b: bigint) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

/** `arith.cmpi` of numbers of `n` bits. */
export function compare(predicate: string, a: bigint, b: bigint, n: number): boolean {
  if (predicate === "eq" || predicate === "ne") return truth[predicate]!(a, b);
  const [p, q] = predicate.startsWith("u") ? [u(a, n), u(b, n)] : [a, b];
  return truth[predicate.slice(1)]!(p, q);
}

/** The lanes as one string of bits, cut again. */
function recut(lanes: Lanes, from: number, to: number, count: number, element: ElementType): Lanes {
  const all = lanes.reduce((sum, v, k) => sum | (u(v, from) << BigInt(k * from)), 0n);
  return Array.from({ length: count }, (_, k) => normal(element, all >> BigInt(k * to)));
}

interface State {
  readonly values: Map<Value, Lanes>;
  readonly buffers: InterpreterArguments;
}

function lanesOf(state: State, value: Value): Lanes {
  const known = state.values.get(value);
  if (!known) throw new Error("the interpreter lacks a value");
  return known;
}

function memoryOf(state: State, operation: Operation): bigint[] {
  return state.buffers[operation.buffer!.position] as bigint[];
}

function element(memory: readonly bigint[], index: bigint): bigint {
  const v = memory[Number(index)];
  if (v === undefined) throw new RangeError(`no element ${index}`);
  return v;
}

function evaluate(state: State, operation: Operation): Lanes {
  const [a = [], b = [], c = [], d = []] = operation.operands.map((o) => lanesOf(state, o));
  const { attributes, name } = operation;
  const { type } = operation.results[0]!;
  const from = operation.operands[0]?.type.element ?? "i1";
  const n = bitsOf(from);
  const count = Math.max(1, type.lanes);
  const each = (f: (k: number) => bigint): Lanes =>
    Array.from({ length: count }, (_, k) => normal(type.element, f(k)));
  if (binary[name]) return each((k) => binary[name]!(a[k]!, b[k]!, n));
  switch (name) {
    case "arith.constant": {
      const v = attributes.value as number | bigint | readonly (number | bigint)[];
      return each((k) => BigInt(typeof v === "object" ? v[k]! : v));
    }
    case "math.absi":
      return each((k) => (a[k]! < 0n ? -a[k]! : a[k]!));
    case "math.ctpop":
      return each((k) => BigInt(u(a[k]!, n).toString(2).replaceAll("0", "").length));
    case "arith.cmpi":
      return each((k) => (compare(attributes.predicate as string, a[k]!, b[k]!, n) ? 1n : 0n));
    case "arith.select":
      return each((k) => ((a.length === 1 ? a[0] : a[k]) === 1n ? b[k]! : c[k]!));
    case "arith.extsi":
    case "arith.index_cast":
      return each((k) => BigInt.asIntN(n, a[k]!));
    case "arith.extui":
      return each((k) => u(a[k]!, n));
    case "arith.trunci":
      return each((k) => a[k]!);
    case "vector.broadcast":
      return each(() => a[0]!);
    case "vector.shuffle":
      return each((k) => [...a, ...b][(attributes.mask as readonly number[])[k]!]!);
    case "vector.extract":
      return [a[attributes.lane as number]!];
    case "vector.insert":
      return b.map((v, k) => (k === attributes.lane ? a[0]! : v));
    case "vector.bitcast":
      return recut(a, n, bitsOf(type.element), count, type.element);
    case "vector.create_mask":
      return each((k) => (BigInt(k) < a[0]! ? 1n : 0n));
    case "vector.reduction": {
      const kind = attributes.kind as string;
      const join = binary[`arith.${kind}`] ?? binary[`arith.${kind}i`]!;
      return [a.reduce((p, q) => normal(type.element, join(p, q, n)))];
    }
    case "memref.load":
    case "vector.load":
      return each((k) => element(memoryOf(state, operation), a[0]! + BigInt(k)));
    case "vector.maskedload":
      return each((k) => (b[k] === 1n ? element(memoryOf(state, operation), a[0]! + BigInt(k)) : c[k]!));
    case "vector.gather":
      return each((k) => (c[k] === 1n ? element(memoryOf(state, operation), a[0]! + b[k]!) : d[k]!));
    default:
      throw new Error(`the interpreter lacks ${name}`);
  }
}

function store(state: State, operation: Operation): void {
  const masked = operation.name === "vector.maskedstore";
  const [first, second, third] = operation.operands.map((o) => lanesOf(state, o));
  const [index, mask, values] = masked ? [first!, second!, third!] : [second!, undefined, first!];
  values.forEach((v, k) => {
    if (mask && mask[k] !== 1n) return;
    const memory = memoryOf(state, operation);
    element(memory, index[0]! + BigInt(k));
    memory[Number(index[0]!) + k] = v;
  });
}

/** Runs a block and returns what it yields. */
function runBlock(state: State, block: Block): Lanes[] {
  for (const operation of block.operations) {
    const { operands, regions, results } = operation;
    const give = (values: readonly Lanes[]): void => {
      results.forEach((r, k) => {
        state.values.set(r, values[k]!);
      });
    };
    if (operation.name === "scf.yield") return operands.map((o) => lanesOf(state, o));
    if (operation.name === "scf.if") {
      give(runBlock(state, regions[lanesOf(state, operands[0]!)[0] === 1n ? 0 : 1]!));
    } else if (operation.name === "scf.for") {
      const [lower, upper, step] = operands.slice(0, 3).map((o) => lanesOf(state, o)[0]!);
      let carried = operands.slice(3).map((o) => lanesOf(state, o));
      for (let i = lower!; i < upper!; i += step!) {
        const body = regions[0]!;
        [[i], ...carried].forEach((v, k) => {
          state.values.set(body.arguments[k]!, v);
        });
        carried = runBlock(state, body);
      }
      give(carried);
    } else if (operation.name.endsWith("store")) {
      store(state, operation);
    } else {
      give([evaluate(state, operation)]);
    }
  }
  return [];
}

/** Runs a kernel of integers on its arguments; buffers are changed in place. */
export function interpret(kernel: Kernel, arguments_: InterpreterArguments): bigint | undefined {
  const state: State = { values: new Map(), buffers: arguments_ };
  kernel.arguments.forEach((a, position) => {
    if (a.kind === "scalar") state.values.set(a.value, [arguments_[position] as bigint]);
  });
  runBlock(state, kernel.body);
  return kernel.result && lanesOf(state, kernel.result)[0];
}
