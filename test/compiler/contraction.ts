import type { Block, ElementType, Kernel, Operation, Type, Value } from "../../src/compiler/index.js";
import { binary, bitsOf, compare, normal } from "./interpreter.js";
import { elementsOf } from "./kernel-memory.js";

/**
 * Runs a kernel on ranges: every number that it may give where a target fuses products and sums as it likes, each pair
 * or not. A sum takes a product rounded or as it is, and rounds itself; all other operations round as they always do.
 * So the ranges are points up to the first sum of products, and from there as wide as the roundings left out make them.
 */

/** What a number may be, with both ends. */
export interface Range {
  readonly low: number;
  readonly high: number;
  /** What a sum may take in its place: beyond the ends where it is a product that is not rounded. */
  readonly below: number;
  readonly above: number;
  /** The bytes of an integer that stands for narrower ones side by side. */
  readonly bytes?: readonly Range[];
  /** Low bits of an integer, or of a float's form in memory, that are known although the rest is not. */
  readonly tail?: { readonly mask: number; readonly bits: number };
}

type Lanes = readonly Range[];

const point = (value: number): Range => ({ low: value, high: value, below: value, above: value });
const anything: Range = { low: -Infinity, high: Infinity, below: -Infinity, above: Infinity };
const isPoint = (r: Range): boolean => r.low === r.high && r.bytes === undefined;

function between(low: number, high: number): Range {
  return Number.isNaN(low) || Number.isNaN(high) ? anything : { low, high, below: low, above: high };
}

/** Whatever lies in one of both. */
function hull(a: Range, b: Range): Range {
  return {
    low: Math.min(a.low, b.low),
    high: Math.max(a.high, b.high),
    below: Math.min(a.below, b.below),
    above: Math.max(a.above, b.above),
  };
}

/** Products and sums of f64 are off by half a unit in the last place of f64 in themselves: one unit down, and up. */
const down = (x: number): number => (Number.isFinite(x) ? x - Math.abs(x) * 2 ** -52 : x);
const up = (x: number): number => -down(-x);
const rounded = (element: ElementType, x: number): number => (element === "f32" ? Math.fround(x) : x);

/** Sums of points that are rounded are what they are; else the true sum is somewhere within a unit of f64. */
function sum(element: ElementType, a: Range, b: Range): Range {
  const certain = a.below === a.above && b.below === b.above;
  if (certain) return between(rounded(element, a.low + b.low), rounded(element, a.low + b.low));
  return between(rounded(element, down(a.below + b.below)), rounded(element, up(a.above + b.above)));
}

function product(element: ElementType, a: Range, b: Range): Range {
  const ends = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
  if (ends.some(Number.isNaN)) return anything;
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const [low, high] = [rounded(element, least), rounded(element, most)];
  // Of f32 the product is exact in f64.
  if (element === "f32") return { low, high, below: Math.min(low, least), above: Math.max(high, most) };
  return { low, high, below: down(least), above: up(most) };
}

function quotient(element: ElementType, a: Range, b: Range): Range {
  if (b.low <= 0 && b.high >= 0 && !(isPoint(a) && isPoint(b))) return anything;
  const ends = [a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high];
  return between(rounded(element, Math.min(...ends)), rounded(element, Math.max(...ends)));
}

const negated = (a: Range): Range => ({ low: -a.high, high: -a.low, below: -a.above, above: -a.below });

function magnitude(a: Range): Range {
  if (a.low >= 0 && !Object.is(a.low, -0)) return a;
  return a.high <= 0 ? negated(a) : { ...hull(a, negated(a)), low: 0, below: 0 };
}

function roundEven(x: number): number {
  const nearest = Math.round(x);
  return nearest - x === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

const monotone = (f: (x: number) => number) => (a: Range) => between(f(a.low), f(a.high));

/** Of exp and log: within two units in the last place of f32. */
const nearly = (f: (x: number) => number) => (a: Range) => {
  const [low, high] = [f(a.low), f(a.high)];
  return between(Math.fround(low - Math.abs(low) * 2 ** -22), Math.fround(high + Math.abs(high) * 2 ** -22));
};

const unary: Record<string, (a: Range) => Range> = {
  "arith.negf": negated,
  "math.absf": magnitude,
  "math.floor": monotone(Math.floor),
  "math.trunc": monotone(Math.trunc),
  "math.roundeven": monotone(roundEven),
  "math.exp": nearly(Math.exp),
  "math.log": nearly(Math.log),
  "arith.truncf": monotone(Math.fround),
  "arith.fptosi": monotone(Math.trunc),
  "arith.sitofp": monotone(Math.fround),
};

const floating: Record<string, (element: ElementType, a: Range, b: Range) => Range> = {
  "arith.addf": sum,
  "arith.subf": (element, a, b) => sum(element, a, negated(b)),
  "arith.mulf": product,
  "arith.divf": quotient,
};

/** Whether every, or no, pair of numbers compares so; 0 to 1 where it depends. */
function comparison(predicate: string, a: Range, b: Range): Range {
  const holds: Record<string, [boolean, boolean]> = {
    lt: [a.high < b.low, a.low >= b.high],
    le: [a.high <= b.low, a.low > b.high],
    eq: [isPoint(a) && isPoint(b) && a.low === b.low, a.high < b.low || a.low > b.high],
  };
  if (predicate === "ord" || predicate === "uno") {
    // Only what may be anything may be no number.
    if (a === anything || b === anything) return whole("i1");
    return point((Number.isNaN(a.low) || Number.isNaN(b.low)) === (predicate === "uno") ? 1 : 0);
  }
  const swapped: Record<string, string> = { gt: "lt", ge: "le" };
  const kind = predicate.slice(-2);
  if (swapped[kind]) return comparison(predicate.slice(0, -2) + swapped[kind], b, a);
  if (kind === "ne") {
    const equal = comparison("eq", a, b);
    return between(1 - equal.high, 1 - equal.low);
  }
  const [always, never] = holds[kind]!;
  return always ? point(1) : never ? point(0) : between(0, 1);
}

const bits = new DataView(new ArrayBuffer(4));
function floatOf(integer: number): number {
  bits.setInt32(0, integer);
  return bits.getFloat32(0);
}
function integerOf(float: number): number {
  bits.setFloat32(0, float);
  return bits.getInt32(0);
}

/** The least and the most of a type. */
function whole(element: ElementType): Range {
  if (element === "i1") return between(0, 1);
  return between(-(2 ** (bitsOf(element) - 1)), 2 ** (bitsOf(element) - 1) - 1);
}

function fitting(element: ElementType, low: number, high: number): Range {
  const { low: least, high: most } = whole(element);
  return low >= least && high <= most ? between(low, high) : whole(element);
}

/** `given & mask`: of masks that keep the sign, the upper or the lower bits. */
function masked(element: ElementType, given: Range, mask: number): Range {
  const { low: least } = whole(element);
  const { tail } = given;
  if (tail && (mask & ~tail.mask) === 0) return point(tail.bits & mask);
  if (given.low < 0 !== given.high < 0) return whole(element);
  if (mask === least) return point(given.low < 0 ? least : 0);
  // A power of two, negated: what is below is cut off.
  if (mask < 0 && (-mask & (-mask - 1)) === 0) {
    return { ...between(given.low & mask, given.high & mask), tail: { mask: ~mask, bits: 0 } };
  }
  return whole(element);
}

/** `given | bits`: of the sign, and of lower bits where there are none. */
function joined(element: ElementType, given: Range, bits: number): Range {
  const { low: least } = whole(element);
  if (bits === 0) return given;
  if (bits === least && given.low >= 0) return between(given.low + least, given.high + least);
  const { tail } = given;
  if (tail?.bits !== 0 || (bits & ~tail.mask) !== 0) return whole(element);
  return { ...between(given.low + bits, given.high + bits), tail: { mask: tail.mask, bits } };
}

/** An integer operation on ranges that are no points; all of the type where nothing better is known. */
function integerRange(name: string, element: ElementType, a: Range, b: Range): Range {
  const limits = whole(element);
  const clamp = (x: number): number => Math.min(limits.high, Math.max(limits.low, x));
  switch (name) {
    case "arith.addi":
      return fitting(element, a.low + b.low, a.high + b.high);
    case "arith.subi":
      return fitting(element, a.low - b.high, a.high - b.low);
    case "llvm.intr.sadd.sat":
      return between(clamp(a.low + b.low), clamp(a.high + b.high));
    case "llvm.intr.ssub.sat":
      return between(clamp(a.low - b.high), clamp(a.high - b.low));
    case "arith.minsi":
      return between(Math.min(a.low, b.low), Math.min(a.high, b.high));
    case "arith.maxsi":
      return between(Math.max(a.low, b.low), Math.max(a.high, b.high));
    case "arith.xori":
      if (isPoint(b) && b.low === 0) return a;
      if (isPoint(a) && a.low === 0) return b;
      if (isPoint(b) && b.low === -1) return between(-1 - a.high, -1 - a.low);
      if (isPoint(a) && a.low === -1) return between(-1 - b.high, -1 - b.low);
      break;
    case "arith.andi":
    case "arith.ori": {
      if (element === "i1") {
        const join = name === "arith.andi" ? Math.min : Math.max;
        return between(join(a.low, b.low), join(a.high, b.high));
      }
      const [given, other] = isPoint(a) ? [b, a] : [a, b];
      if (!isPoint(other)) break;
      return name === "arith.andi" ? masked(element, given, other.low) : joined(element, given, other.low);
    }
  }
  return limits;
}

function pointsOf(name: string, element: ElementType, from: ElementType, a: Range, b: Range): Range {
  const n = bitsOf(from);
  return point(Number(normal(element, binary[name]!(BigInt(a.low), BigInt(b.low), n))));
}

function bytesOf(range: Range, element: ElementType): readonly Range[] {
  if (range.bytes) return range.bytes;
  const count = bitsOf(element) / 8;
  if (count === 1) return [range];
  if (!isPoint(range)) return new Array(count).fill(whole("i8"));
  return Array.from({ length: count }, (_, k) =>
    point(Number(BigInt.asIntN(8, BigInt(range.low) >> BigInt(8 * k)))),
  );
}

/** The same bytes cut anew; of masks only points. */
function recut(lanes: Lanes, from: ElementType, { element, lanes: count }: Type): Lanes {
  if (from === "i1" || element === "i1") {
    const [n, to] = [bitsOf(from), bitsOf(element)];
    if (!lanes.every(isPoint)) return new Array(count).fill(whole(element));
    const all = lanes.reduce((s, v, k) => s | (BigInt.asUintN(n, BigInt(v.low)) << BigInt(k * n)), 0n);
    return Array.from({ length: count }, (_, k) => point(Number(normal(element, all >> BigInt(k * to)))));
  }
  const bytes = lanes.flatMap((lane) => bytesOf(lane, from));
  const size = bitsOf(element) / 8;
  return Array.from({ length: count }, (_, k) => {
    const own = bytes.slice(k * size, (k + 1) * size);
    if (size === 1) return own[0]!;
    if (element === "i64" || !own.every(isPoint)) return { ...whole(element), bytes: own };
    const joined = own.reduce((s, { low }, at) => s | (BigInt.asUintN(8, BigInt(low)) << BigInt(8 * at)), 0n);
    return point(Number(normal(element, joined)));
  });
}

/** A kernel's memory: what it was given, and ranges where the kernel has written. */
interface State {
  readonly values: Map<Value, Lanes>;
  readonly given: readonly ReturnType<typeof elementsOf>[];
  readonly written: readonly Map<number, Range>[];
}

const lanesOf = (state: State, value: Value): Lanes => state.values.get(value)!;

function load(state: State, operation: Operation, index: number): Range {
  const { position } = operation.buffer!;
  return state.written[position]!.get(index) ?? point(Number(state.given[position]![index]));
}

function certain(range: Range, what: string): number {
  if (!isPoint(range)) throw new Error(`${what} depends on rounding`);
  return range.low;
}

function evaluate(state: State, operation: Operation): Lanes {
  const operands = operation.operands.map((o) => lanesOf(state, o));
  const [a = [], b = [], c = [], d = []] = operands;
  const { attributes, name } = operation;
  const { type } = operation.results[0]!;
  const { element } = type;
  const from = operation.operands[0]?.type.element ?? "i1";
  const each = (f: (k: number) => Range): Lanes =>
    Array.from({ length: Math.max(1, type.lanes) }, (_, k) => f(k));
  if (unary[name]) return a.map(unary[name]);
  if (floating[name]) return each((k) => floating[name]!(element, a[k]!, b[k]!));
  if (binary[name]) {
    return each((k) => {
      const [p, q] = [a[k]!, b[k]!];
      if (isPoint(p) && isPoint(q)) return pointsOf(name, element, from, p, q);
      return integerRange(name, element, p, q);
    });
  }
  switch (name) {
    case "arith.constant": {
      const v = attributes.value as number | bigint | readonly (number | bigint)[];
      return each((k) => {
        const given = Number(typeof v === "object" ? v[k]! : v);
        return point(rounded(element, given));
      });
    }
    case "arith.cmpf":
      return each((k) => comparison(attributes.predicate as string, a[k]!, b[k]!));
    case "arith.cmpi": {
      const predicate = attributes.predicate as string;
      return each((k) => {
        const [p, q] = [a[k]!, b[k]!];
        if (!isPoint(p) || !isPoint(q))
          return predicate[0] === "u" ? whole("i1") : comparison(predicate, p, q);
        return point(compare(predicate, BigInt(p.low), BigInt(q.low), bitsOf(from)) ? 1 : 0);
      });
    }
    case "arith.select":
      return each((k) => {
        const condition = a.length === 1 ? a[0]! : a[k]!;
        return isPoint(condition) ? (condition.low === 1 ? b[k]! : c[k]!) : hull(b[k]!, c[k]!);
      });
    case "arith.bitcast":
      if (element === "f32") return a.map((r) => (r.low < 0 === r.high < 0 ? ordered(r, floatOf) : anything));
      return a.map((r) =>
        Number.isFinite(r.low) && Number.isFinite(r.high) && sameSign(r)
          ? ordered(r, integerOf)
          : whole(element),
      );
    case "arith.extsi":
      return from === "i1" ? a.map((r) => between(-r.high, -r.low)) : a;
    case "arith.index_cast":
      return a;
    case "arith.extui":
      return a.map((r) =>
        from === "i1" || r.low >= 0 ? r : between(r.low + 2 ** bitsOf(from), r.high + 2 ** bitsOf(from)),
      );
    case "arith.trunci":
      return a.map((r) =>
        isPoint(r) ? point(Number(normal(element, BigInt(r.low)))) : fitting(element, r.low, r.high),
      );
    case "vector.broadcast":
      return each(() => a[0]!);
    case "vector.shuffle": {
      const both = [...a, ...b];
      return (attributes.mask as readonly number[]).map((k) => both[k]!);
    }
    case "vector.extract":
      return [a[attributes.lane as number]!];
    case "vector.bitcast":
      return recut(a, from, type);
    case "vector.create_mask": {
      const count = certain(a[0]!, "a mask");
      return each((k) => point(k < count ? 1 : 0));
    }
    case "memref.load":
    case "vector.load": {
      const index = certain(a[0]!, "an address");
      return each((k) => load(state, operation, index + k));
    }
    case "vector.gather": {
      const index = certain(a[0]!, "an address");
      return each((k) => {
        if (certain(c[k]!, "a mask") === 0) return d[k]!;
        // Which of two numbers comes first may depend on rounding: then what is said of it is lost.
        return isPoint(b[k]!) ? load(state, operation, index + b[k]!.low) : anything;
      });
    }
    default:
      throw new Error(`no ranges for ${name}`);
  }
}

const sameSign = ({ low, high }: Range): boolean =>
  (low < 0 || Object.is(low, -0)) === (high < 0 || Object.is(high, -0));

/** The bits of floats grow with them from 0 up, and with their magnitude below. */
function ordered({ low, high, tail }: Range, f: (x: number) => number): Range {
  const ends = [f(low), f(high)] as const;
  return { ...between(Math.min(...ends), Math.max(...ends)), ...(tail ? { tail } : {}) };
}

function store(state: State, operation: Operation): void {
  const masked = operation.name === "vector.maskedstore";
  const [first, second, third] = operation.operands.map((o) => lanesOf(state, o));
  const [index, mask, values] = masked ? [first!, second!, third!] : [second!, undefined, first!];
  const memory = state.written[operation.buffer!.position]!;
  const start = certain(index[0]!, "an address");
  values.forEach((value, k) => {
    const chosen = mask?.[k] ?? point(1);
    const put = isPoint(chosen) ? value : hull(value, load(state, operation, start + k));
    if (chosen.high === 1) memory.set(start + k, put);
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
      const condition = certain(lanesOf(state, operands[0]!)[0]!, "a branch");
      give(runBlock(state, regions[condition === 1 ? 0 : 1]!));
    } else if (operation.name === "scf.for") {
      const [lower, upper, step] = operands.slice(0, 3).map((o) => certain(lanesOf(state, o)[0]!, "a loop"));
      let carried = operands.slice(3).map((o) => lanesOf(state, o));
      for (let i = lower!; i < upper!; i += step!) {
        const body = regions[0]!;
        [[point(i)], ...carried].forEach((v, k) => {
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

/** Whether one of these operations stands in a kernel. */
export function hasOperation(kernel: Kernel, names: readonly string[]): boolean {
  const inBlock = (block: Block): boolean =>
    block.operations.some((o) => names.includes(o.name) || o.regions.some(inBlock));
  return inBlock(kernel.body);
}

/** Whether a kernel computes with floats, rather than moves or compares them. */
export function hasArithmeticOfFloats(kernel: Kernel): boolean {
  return hasOperation(kernel, [...Object.keys(floating), "math.exp", "math.log"]);
}

/** What a run of a kernel may leave. */
export interface Contractions {
  /** What it writes, by position of the buffer and index of the element. */
  readonly written: readonly ReadonlyMap<number, Range>[];
  readonly result: Range | undefined;
}

/**
 * How a kernel of numbers of at most 32 bits may end.
 * @param arguments_ buffers as offsets into the memory, which stays as it is
 * @throws Error where a branch or an address depends on rounding, and for operations that no kernel needed so far.
 */
export function contractions(
  kernel: Kernel,
  memory: WebAssembly.Memory,
  arguments_: readonly number[],
): Contractions {
  const state: State = {
    values: new Map(),
    given: kernel.arguments.map((a, k) =>
      a.kind === "buffer" ? elementsOf(memory.buffer, a.buffer, arguments_[k]!) : new Int8Array(),
    ),
    written: kernel.arguments.map(() => new Map<number, Range>()),
  };
  kernel.arguments.forEach((a, k) => {
    if (a.kind === "scalar")
      state.values.set(a.value, [point(rounded(a.value.type.element, arguments_[k]!))]);
  });
  runBlock(state, kernel.body);
  return { written: state.written, result: kernel.result && lanesOf(state, kernel.result)[0] };
}
