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
  type Value,
  vector,
  vectorOf,
} from "../../src/compiler/index.js";

/**
 * Kernels that together hold every operation of the language on every type. Inputs may be any bits: divisors, shift
 * amounts and conversions are brought into the range where the operation is defined.
 */
export function operationKernels(): Kernel[] {
  const lanes = [0, 1, 4, 16, 32];
  return [
    ...integers.flatMap((e) => lanes.map((n) => integerKernel(e, n))),
    ...floats.flatMap((e) => lanes.map((n) => floatKernel(e, n))),
    ...[...integers, ...floats].flatMap((e) => [1, 2, 8, 64].map((n) => lanesKernel(e, n))),
    ...[...integers, ...floats].flatMap((e) => [1, 2, 8, 32].map((n) => memoryKernel(e, n))),
    ...[1, 2, 8, 16, 64].map(maskKernel),
    controlKernel(),
    ...lanes.map(fusedKernel),
    ...lanes.map(functionsKernel),
  ];
}

type Integer = "i8" | "i16" | "i32" | "i64";
type Stored = Integer | "f32" | "f64";
const integers: Integer[] = ["i8", "i16", "i32", "i64"];
const floats = ["f32", "f64"] as const;

/** Room for every result of a kernel of one element type. */
const room = 1 << 15;
const results = {
  i8: buffer("i8", room),
  i16: buffer("i16", room),
  i32: buffer("i32", room),
  i64: buffer("i64", room),
  f32: buffer("f32", room),
  f64: buffer("f64", room),
};
type Results = Record<Stored, Buffer>;

/** What stores each value given to it behind the last one of its type; masks and i1 as 0 or 1 of i8. */
function collector(to: Results): (...values: Value[]) => void {
  const next: Record<Stored, number> = { i8: 0, i16: 0, i32: 0, i64: 0, f32: 0, f64: 0 };
  return (...values) => {
    for (const given of values) {
      const value = given.type.element === "i1" ? arith.extui(given, "i8") : given;
      const element = value.type.element as Stored;
      if (value.type.lanes === 0) memref.store(value, to[element], next[element]);
      else vector.store(value, to[element], next[element]);
      next[element] += Math.max(1, value.type.lanes);
      if (next[element] > room) throw new Error(`no room for ${element}`);
    }
  };
}

function read(from: Buffer, index: number, lanes: number): Value {
  return lanes === 0 ? memref.load(from, index) : vector.load(from, index, lanes);
}

function integerKernel(e: Integer, lanes: number): Kernel {
  const count = Math.max(1, lanes);
  const declared = { a: buffer(e, count), b: buffer(e, count), ...results };
  return kernel(`operations_${e}_${lanes}`, declared, ({ a, b, ...to }) => {
    const put = collector(to);
    const [x, y] = [read(a, 0, lanes), read(b, 0, lanes)];
    const width = byteSize(e) * 8;
    const { addi, subi, muli, andi, ori, xori, minsi, maxsi, minui, maxui } = arith;
    const { saddSat, ssubSat, uaddSat, usubSat } = llvm;
    for (const operation of [addi, subi, muli, andi, ori, xori, minsi, maxsi, minui, maxui]) {
      put(operation(x, y));
    }
    for (const operation of [saddSat, ssubSat, uaddSat, usubSat]) put(operation(x, y));
    // An odd divisor is not 0, and a positive one not −1.
    const divisor = arith.ori(arith.shrui(y, 1), 1);
    for (const operation of [arith.divsi, arith.divui, arith.remsi, arith.remui]) put(operation(x, divisor));
    const amount = arith.andi(y, width - 1);
    for (const shift of [arith.shli, arith.shrsi, arith.shrui]) {
      put(shift(x, amount), shift(x, width - 1), shift(x, 0));
      if (lanes > 0) put(shift(x, vector.broadcast(vector.extract(amount, 0), lanes)));
    }
    put(math.absi(x), math.ctpop(x));
    for (const p of ["eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"] as const) {
      put(arith.cmpi(p, x, y), arith.select(arith.cmpi(p, x, 0), x, y));
    }
    for (const to of integers) {
      if (byteSize(to) > byteSize(e)) put(arith.extsi(x, to), arith.extui(x, to));
      if (byteSize(to) < byteSize(e)) {
        put(arith.trunci(x, to));
        const high = 2 ** (byteSize(to) * 8 - 1) - 1;
        put(arith.trunci(arith.minsi(arith.maxsi(x, -high - 1), high), to));
      }
    }
    const odd = arith.trunci(x, "i1");
    put(odd, arith.extsi(odd, e), arith.extui(odd, e));
    for (const to of floats) {
      put(arith.sitofp(x, to), arith.uitofp(x, to), arith.sitofp(odd, to), arith.uitofp(odd, to));
      if (byteSize(to) === byteSize(e)) put(arith.bitcast(x, to));
    }
    if (lanes > 0) return;
    const index = arith.indexCast(arith.andi(x, 63), "index");
    put(arith.indexCast(arith.addi(arith.muli(index, 3), 5), "i32"), arith.indexCast(index, e));
  });
}

function floatKernel(e: "f32" | "f64", lanes: number): Kernel {
  const count = Math.max(1, lanes);
  const declared = { a: buffer(e, count), b: buffer(e, count), ...results };
  return kernel(`operations_${e}_${lanes}`, declared, ({ a, b, ...to }) => {
    const put = collector(to);
    const [x, y] = [read(a, 0, lanes), read(b, 0, lanes)];
    const { addf, subf, mulf, divf, minimumf, maximumf } = arith;
    for (const operation of [addf, subf, mulf, divf, minimumf, maximumf]) put(operation(x, y));
    const { absf, sqrt, floor, ceil, trunc, roundeven } = math;
    for (const operation of [arith.negf, absf, sqrt, floor, ceil, trunc, roundeven]) put(operation(x));
    const predicates = "oeq ogt oge olt ole one ord ueq ugt uge ult ule une uno".split(" ");
    for (const p of predicates as Parameters<typeof arith.cmpf>[0][]) {
      put(arith.cmpf(p, x, y), arith.select(arith.cmpf(p, x, y), x, y));
    }
    // NaN is brought to 0 and the rest into the range of every integer type.
    const number = arith.select(arith.cmpf("ord", x, x), x, 0);
    const within = arith.minimumf(arith.maximumf(number, -127.5), 127.5);
    for (const to of integers) {
      put(arith.fptosi(within, to), arith.fptoui(math.absf(within), to));
      if (byteSize(to) === byteSize(e)) put(arith.bitcast(x, to));
    }
    put(e === "f32" ? arith.extf(x, "f64") : arith.truncf(x, "f32"));
    put(
      arith.addf(x, Number.POSITIVE_INFINITY),
      arith.mulf(x, -0),
      arith.addf(x, 1e-40),
      arith.mulf(x, 1e21),
    );
    put(arith.select(arith.cmpf("uno", x, x), arith.constant(x.type, Number.NaN), x));
  });
}

function lanesKernel(e: Stored, lanes: number): Kernel {
  const name = `lanes_${e}_${lanes}`;
  const declared = { a: buffer(e, lanes), b: buffer(e, lanes), n: argument("i32"), ...results };
  return kernel(name, declared, ({ a, b, n, ...to }) => {
    const put = collector(to);
    const [x, y] = [vector.load(a, 0, lanes), vector.load(b, 0, lanes)];
    put(
      vector.broadcast(vector.extract(x, lanes - 1), lanes),
      vector.insert(vector.extract(y, 0), x, lanes - 1),
    );
    put(vector.insert(3, x, 0), vector.extract(x, lanes >> 1), vector.rotate(x, 3));
    put(vector.interleave(x, y), vector.concatenate(x, y), ...vector.deinterleave(x, y));
    put(vector.shuffle(x, y, [2 * lanes - 1, 0, 0, lanes]), vector.shuffle(x, y, [lanes]));
    put(arith.select(arith.cmpi("sgt", n, 0), x, y));
    const list = Array.from({ length: lanes }, (_, k) => (k % 3) - 1);
    const one = arith.constant(x.type, list);
    if (e === "f32" || e === "f64") {
      put(arith.mulf(x, one));
      for (const kind of ["add", "mul", "minimumf", "maximumf"] as const) put(vector.reduction(kind, x));
      return;
    }
    put(arith.muli(x, one));
    const kinds = ["add", "mul", "minsi", "minui", "maxsi", "maxui", "and", "or", "xor"] as const;
    for (const kind of kinds) put(vector.reduction(kind, x));
    for (const other of integers) {
      if ((lanes * byteSize(e)) % byteSize(other) === 0) put(vector.bitcast(x, other));
    }
  });
}

function memoryKernel(e: Stored, lanes: number): Kernel {
  const declared = {
    a: buffer(e, 256),
    b: buffer("i32", lanes),
    n: argument("index"),
    c: buffer(e, 256),
    ...results,
  };
  return kernel(`memory_${e}_${lanes}`, declared, ({ a, b, n, c, ...to }) => {
    const put = collector(to);
    const mask = vector.createMask(n, lanes);
    const indices = arith.andi(vector.load(b, 0, lanes), 127);
    const x = vector.load(a, n, lanes);
    put(x, vector.maskedLoad(a, arith.addi(n, 5), mask, x), memref.load(a, arith.addi(n, 9)));
    put(vector.gather(a, 1, indices), vector.gather(a, n, indices, mask, x));
    put(vector.gather(a, 100, arith.trunci(indices, "i8"), arith.cmpi("sgt", indices, 40)));
    vector.maskedStore(x, c, 3, mask);
    vector.maskedStore(x, c, arith.addi(n, 64), arith.cmpi("slt", indices, 64));
    memref.store(vector.extract(x, 0), c, arith.addi(n, 200));
    // What was written is read again.
    put(vector.load(c, 2, lanes), vector.load(c, 64, lanes));
  });
}

function maskKernel(lanes: number): Kernel {
  const declared = {
    a: buffer("i8", lanes),
    b: buffer("i16", lanes),
    c: buffer("f64", lanes),
    n: argument("index"),
    ...results,
  };
  return kernel(`masks_${lanes}`, declared, ({ a, b, c, n, ...to }) => {
    const put = collector(to);
    const x = arith.cmpi("slt", vector.load(a, 0, lanes), 0);
    const y = arith.cmpi("ugt", vector.load(b, 0, lanes), 9000);
    const z = arith.cmpf("ogt", vector.load(c, 0, lanes), 0);
    const few = vector.createMask(n, lanes);
    const list = arith.constant(
      vectorOf("i1", lanes),
      Array.from({ length: lanes }, (_, k) => ((k * k) % 3) & 1),
    );
    const masks = [x, y, z, few, list];
    for (const p of masks) {
      put(p, arith.xori(p, 1), arith.extsi(p, "i64"), arith.extui(p, "i16"), arith.uitofp(p, "f32"));
      put(arith.sitofp(p, "f64"), vector.rotate(p, 1), vector.extract(p, lanes - 1));
      put(vector.insert(vector.extract(x, 0), p, lanes - 1));
      for (const kind of ["and", "or", "xor"] as const) put(vector.reduction(kind, p));
      for (const q of masks) {
        put(arith.andi(p, q), arith.ori(p, q), arith.xori(q, p), arith.select(p, q, z));
        put(arith.select(vector.extract(p, 0), q, y), vector.interleave(p, q));
      }
      if (lanes >= 8) put(vector.bitcast(p, "i8"));
      if (lanes >= 32) put(vector.bitcast(p, "i32"));
    }
    put(vector.broadcast(vector.extract(y, 0), lanes));
    if (lanes >= 8) put(vector.bitcast(vector.load(a, 0, lanes / 8), "i1"));
  });
}

function controlKernel(): Kernel {
  const declared = { a: buffer("i16", 64), n: argument("index"), m: argument("i32"), ...results };
  return kernel("control", declared, ({ a, n, m, ...to }) => {
    const put = collector(to);
    const first = vector.load(a, 0, 8);
    const seen = arith.cmpi("slt", first, 0);
    const [sum, mask, total] = scf.for(0, n, 1, [first, seen, m], (i, [s, k, t]) => {
      const next = vector.load(a, arith.addi(i, 3), 8);
      const [inner] = scf.for(i, 12, 2, [t!], (j, [u]) => [
        arith.addi(arith.muli(u!, 3), arith.indexCast(j, "i32")),
      ]);
      const [chosen, other] = scf.if(
        arith.cmpi("sgt", inner!, 0),
        () => [arith.addi(s!, next), arith.xori(k!, arith.cmpi("sgt", next, s!))],
        () => [arith.subi(next, s!), k!],
      );
      return [chosen!, other!, inner!];
    });
    put(sum!, mask!, total!);
    scf.if(arith.cmpi("eq", n, 3), () => memref.store(7, to.i8, 4000));
  });
}

/** Apart from the others: targets differ in the rounding. */
function fusedKernel(lanes: number): Kernel {
  const count = Math.max(1, lanes);
  const declared = { a: buffer("f32", 3 * count), b: buffer("f64", 3 * count), ...results };
  return kernel(`fused_${lanes}`, declared, ({ a, b, ...to }) => {
    const put = collector(to);
    for (const from of [a, b]) {
      put(math.fma(read(from, 0, lanes), read(from, count, lanes), read(from, 2 * count, lanes)));
    }
  });
}

/** Apart from the others: other targets take these from a library, with rounding of its own. */
function functionsKernel(lanes: number): Kernel {
  const count = Math.max(1, lanes);
  return kernel(`functions_${lanes}`, { a: buffer("f32", count), ...results }, ({ a, ...to }) => {
    const put = collector(to);
    const x = read(a, 0, lanes);
    put(math.exp(x), math.log(x));
  });
}
