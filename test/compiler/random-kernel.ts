import {
  argument,
  arith,
  type Buffer,
  buffer,
  byteSize,
  type Kernel,
  kernel,
  llvm,
  math,
  memref,
  scf,
  type Type,
  type Value,
  vector,
} from "../../src/compiler/index.js";

/** Random kernels of integers: vectors, masks and scalars through nested loops and branches, from and to memory. */

type Integer = "i8" | "i16" | "i32" | "i64";
const integers: Integer[] = ["i8", "i16", "i32", "i64"];
const laneCounts = [0, 1, 2, 4, 8, 16, 32];

/** Elements of each buffer: enough for any index the kernels make. */
export const bufferLength = 320;

interface Writer {
  readonly next: () => number;
  readonly memory: Record<Integer, Buffer>;
  /** Values in reach, latest last; scopes copy it. */
  values: Value[];
  /** Values of type index that are within 0…127. */
  readonly small: Set<Value>;
  depth: number;
}

function pick<T>(w: Writer, list: readonly T[]): T {
  return list[w.next() % list.length]!;
}

/** A value of the type, mostly a late one; a constant where there is none. */
function ofType(w: Writer, { element, lanes }: Type): Value {
  const all = w.values.filter((v) => v.type.element === element && v.type.lanes === lanes);
  if (all.length > 0 && w.next() % 8 > 0) {
    const late = all.slice(-4);
    return w.next() % 3 > 0 ? pick(w, late) : pick(w, all);
  }
  const one = (): number => (element === "i1" ? w.next() % 2 : (w.next() % 256) - 128);
  const type = { element, lanes };
  return arith.constant(type, lanes > 0 && w.next() % 2 === 0 ? Array.from({ length: lanes }, one) : one());
}

/**
 * An index of memory with room for 32 lanes behind it: a small one and a constant. The same small ones serve again and
 * again, inside and outside of loops, so that their addresses are shared.
 */
function place(w: Writer): Value | number {
  const roots = w.values.filter((v) => w.small.has(v));
  if (roots.length === 0 || w.next() % 4 === 0) return w.next() % 200;
  return arith.addi(pick(w, roots.slice(-3)), w.next() % 64);
}

/** An index in 0…127. */
function smallIndex(w: Writer, value: Value): Value {
  const index = arith.andi(value, 127);
  w.small.add(index);
  return index;
}

function anyType(w: Writer): Type {
  return { element: pick(w, integers), lanes: pick(w, laneCounts) };
}

function maskType(w: Writer): Type {
  return { element: "i1", lanes: pick(w, laneCounts) };
}

const operators = [
  ...[arith.addi, arith.subi, arith.muli, arith.andi, arith.ori, arith.xori],
  ...[arith.minsi, arith.maxsi, arith.minui, arith.maxui],
  ...[llvm.saddSat, llvm.ssubSat, llvm.uaddSat, llvm.usubSat],
];
const predicates = ["eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"] as const;
const reductions = ["add", "mul", "minsi", "minui", "maxsi", "maxui", "and", "or", "xor"] as const;

/** Makes of values in reach one more. */
const makers: ((w: Writer) => Value)[] = [
  (w) => {
    const type = anyType(w);
    return pick(w, operators)(ofType(w, type), ofType(w, type));
  },
  (w) => {
    const type = anyType(w);
    return pick(w, operators)(ofType(w, type), ofType(w, type));
  },
  (w) => {
    const type = anyType(w);
    return arith.cmpi(pick(w, predicates), ofType(w, type), ofType(w, type));
  },
  (w) => {
    const type = w.next() % 3 === 0 ? maskType(w) : anyType(w);
    const condition = { element: "i1", lanes: w.next() % 3 === 0 ? 0 : type.lanes } as const;
    return arith.select(ofType(w, condition), ofType(w, type), ofType(w, type));
  },
  (w) => {
    const type = maskType(w);
    return pick(w, [arith.andi, arith.ori, arith.xori])(ofType(w, type), ofType(w, type));
  },
  (w) => {
    const type = anyType(w);
    const bits = byteSize(type.element) * 8;
    const shift = pick(w, [arith.shli, arith.shrsi, arith.shrui]);
    const amount = arith.andi(ofType(w, type), bits - 1);
    if (w.next() % 3 === 0) return shift(ofType(w, type), w.next() % bits);
    if (type.lanes === 0 || w.next() % 2 === 0) return shift(ofType(w, type), amount);
    return shift(ofType(w, type), vector.broadcast(vector.extract(amount, 0), type.lanes));
  },
  (w) => {
    const type = anyType(w);
    const divisor = arith.ori(arith.shrui(ofType(w, type), 1), 1);
    return pick(w, [arith.divsi, arith.divui, arith.remsi, arith.remui])(ofType(w, type), divisor);
  },
  (w) => pick(w, [math.absi, math.ctpop])(ofType(w, anyType(w))),
  (w) => {
    const source = w.next() % 3 === 0 ? maskType(w) : anyType(w);
    const wider = integers.filter((e) => source.element === "i1" || byteSize(e) > byteSize(source.element));
    const value = ofType(w, source);
    if (wider.length === 0) return arith.trunci(value, pick(w, ["i1", "i8", "i16", "i32"]));
    return pick(w, [arith.extsi, arith.extui])(value, pick(w, wider));
  },
  (w) => {
    const value = ofType(w, { element: pick(w, ["i16", "i32", "i64"]), lanes: pick(w, laneCounts) });
    const narrower = integers.filter((e) => byteSize(e) < byteSize(value.type.element));
    const to = pick(w, narrower);
    const high = 2 ** (byteSize(to) * 8 - 1) - 1;
    return arith.trunci(w.next() % 2 === 0 ? value : arith.minsi(arith.maxsi(value, -high - 1), high), to);
  },
  (w) => {
    const type = w.next() % 2 === 0 ? maskType(w) : anyType(w);
    const lanes = Math.max(1, type.lanes);
    const source = { ...type, lanes };
    const mask = Array.from({ length: pick(w, [1, 2, 4, 8, 16, 32]) }, () => w.next() % (2 * lanes));
    return vector.shuffle(ofType(w, source), ofType(w, source), mask);
  },
  (w) => {
    const type = w.next() % 2 === 0 ? maskType(w) : anyType(w);
    const lanes = Math.max(1, type.lanes);
    const into = ofType(w, { ...type, lanes });
    const lane = w.next() % lanes;
    if (w.next() % 2 === 0) return vector.extract(into, lane);
    return vector.insert(ofType(w, { ...type, lanes: 0 }), into, lane);
  },
  (w) =>
    vector.broadcast(
      ofType(w, { ...(w.next() % 2 ? maskType(w) : anyType(w)), lanes: 0 }),
      pick(w, laneCounts.slice(1)),
    ),
  (w) => {
    const type = w.next() % 3 === 0 ? maskType(w) : anyType(w);
    const value = ofType(w, { ...type, lanes: Math.max(1, type.lanes) });
    return vector.reduction(
      type.element === "i1" ? pick(w, ["and", "or", "xor"]) : pick(w, reductions),
      value,
    );
  },
  (w) => {
    const lanes = pick(w, [8, 16, 32]);
    if (w.next() % 2 === 0) return vector.bitcast(ofType(w, { element: "i1", lanes }), "i8");
    return vector.bitcast(ofType(w, { element: "i8", lanes: lanes / 8 }), "i1");
  },
  (w) => {
    const value = ofType(w, { element: pick(w, integers), lanes: 8 });
    return vector.bitcast(value, pick(w, integers));
  },
  (w) =>
    vector.createMask(
      arith.indexCast(ofType(w, { element: "i8", lanes: 0 }), "index"),
      pick(w, laneCounts.slice(1)),
    ),
  (w) => smallIndex(w, arith.indexCast(ofType(w, { element: pick(w, integers), lanes: 0 }), "index")),
  (w) => arith.indexCast(ofType(w, { element: "index", lanes: 0 }), pick(w, integers)),
  ...[0, 1, 2].map(() => (w: Writer): Value => {
    const { element, lanes } = anyType(w);
    const memory = w.memory[element as Integer];
    const at = place(w);
    if (lanes === 0) return memref.load(memory, at);
    if (w.next() % 3 > 0) return vector.load(memory, at, lanes);
    const mask = ofType(w, { element: "i1", lanes });
    const rest = ofType(w, { element, lanes });
    if (w.next() % 2 === 0) return vector.maskedLoad(memory, at, mask, rest);
    return vector.gather(
      memory,
      w.next() % 64,
      arith.andi(ofType(w, { element: "i32", lanes }), 127),
      mask,
      rest,
    );
  }),
];

function writeMemory(w: Writer): void {
  const { element, lanes } = anyType(w);
  const memory = w.memory[element as Integer];
  const value = ofType(w, { element, lanes });
  const at = place(w);
  if (lanes === 0) memref.store(value, memory, at);
  else if (w.next() % 2 === 0) vector.store(value, memory, at);
  else vector.maskedStore(value, memory, at, ofType(w, { element: "i1", lanes }));
}

/** Runs `body` where values made in it are forgotten after. */
function inner<T>(w: Writer, body: () => T): T {
  const saved = w.values;
  w.values = [...saved];
  w.depth++;
  const result = body();
  w.values = saved;
  w.depth--;
  return result;
}

/** Types to carry: any, with masks and index among them. */
function carriedTypes(w: Writer): Type[] {
  const index: Type = { element: "index", lanes: 0 };
  return Array.from({ length: w.next() % 5 }, () => pick(w, [anyType(w), anyType(w), maskType(w), index]));
}

function writeLoop(w: Writer): void {
  const initial = carriedTypes(w).map((type) => ofType(w, type));
  const index = w.values.filter((v) => v.type.element === "index");
  const variable = index.length > 0 && w.next() % 2 === 0;
  const upper = variable ? arith.andi(pick(w, index), 3) : w.next() % 5;
  const results = scf.for(w.next() % 3, upper, 1 + (w.next() % 2), initial, (i, carried) =>
    inner(w, () => {
      w.values.push(i, ...carried);
      w.small.add(i);
      writeBlock(w);
      return carried.map((c) => ofType(w, c.type));
    }),
  );
  w.values.push(...results);
}

function writeBranch(w: Writer): void {
  const types = carriedTypes(w);
  const condition = ofType(w, { element: "i1", lanes: 0 });
  const arm = (): Value[] =>
    inner(w, () => {
      writeBlock(w);
      return types.map((type) => ofType(w, type));
    });
  w.values.push(...scf.if(condition, arm, arm));
}

function writeBlock(w: Writer): void {
  const count = 4 + (w.next() % 10);
  for (let k = 0; k < count; k++) {
    const kind = w.next() % 16;
    if (kind === 0 && w.depth < 3) writeLoop(w);
    else if (kind === 1 && w.depth < 3) writeBranch(w);
    else if (kind < 4) writeMemory(w);
    else w.values.push(pick(w, makers)(w));
  }
}

/** A kernel of random operations on four buffers, which it reads and writes, and three scalars. */
export function randomKernel(seed: number, next: () => number): Kernel {
  const memory = {
    i8: buffer("i8", bufferLength),
    i16: buffer("i16", bufferLength),
    i32: buffer("i32", bufferLength),
    i64: buffer("i64", bufferLength),
  };
  const scalars = { n: argument("index"), s: argument("i8"), t: argument("i32") };
  return kernel(`random_${seed}`, { ...memory, ...scalars }, ({ n, s, t, ...to }) => {
    const w: Writer = { next, memory: to, values: [n, s, t], small: new Set([n]), depth: 0 };
    for (let k = 0; k < 4; k++) writeBlock(w);
    // A small index that every scope has used before is used after all of them.
    vector.store(vector.load(to.i16, arith.addi(n, 3), 8), to.i16, arith.addi(n, 40));
    // What has not reached memory yet does so here.
    for (const [k, value] of w.values.slice(-40).entries()) {
      const { element, lanes } = value.type;
      const shown =
        element === "i1"
          ? arith.extui(value, "i8")
          : element === "index"
            ? arith.indexCast(value, "i32")
            : value;
      const stored = lanes === 0 ? vector.broadcast(shown, 1) : shown;
      vector.store(stored, to[stored.type.element as Integer], 5 * k);
    }
    return ofType(w, vectorlessType(w));
  });
}

function vectorlessType(w: Writer): Type {
  return { element: pick(w, ["i1", "i8", "i16", "i32", "index"]), lanes: 0 };
}
