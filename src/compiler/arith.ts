import { appendOne, asIndex, constant, constantOf, KernelError, type Operand, unify } from "./builder.js";
import type { Value } from "./operation.js";
import { byteSize, type ElementType, isFloat, type Type, typeText, withElement } from "./type.js";

/** Predicates of `arith.cmpi`. */
export type IntegerPredicate = "eq" | "ne" | "slt" | "sle" | "sgt" | "sge" | "ult" | "ule" | "ugt" | "uge";
/** Predicates of `arith.cmpf`: `o…` are false, `u…` true, where an operand is not a number. */
export type FloatPredicate =
  | "oeq"
  | "ogt"
  | "oge"
  | "olt"
  | "ole"
  | "one"
  | "ord"
  | "ueq"
  | "ugt"
  | "uge"
  | "ult"
  | "ule"
  | "une"
  | "uno";

type Binary = (a: Operand, b: Operand) => Value;

function integerBinary(name: string, fold?: (a: number, b: number) => number): Binary {
  return (a: Operand, b: Operand): Value => {
    const [x, y] = unify(name, [a, b]) as [Value, Value];
    if (isFloat(x.type.element)) throw new KernelError(`${name} takes integers, not ${typeText(x.type)}`);
    if (x.type.element === "i1") throw new KernelError(`${name} takes no i1: use andi, ori, xori`);
    // Index arithmetic on constants is folded, so that addresses come out as immediate offsets.
    if (fold && x.type.element === "index") {
      const [cx, cy] = [constantOf(x), constantOf(y)];
      if (cx !== undefined && cy !== undefined) return constant(x.type, fold(Number(cx), Number(cy)));
    }
    return appendOne(name, [x, y], x.type);
  };
}

function bitwise(name: string): Binary {
  return (a: Operand, b: Operand): Value => {
    const [x, y] = unify(name, [a, b]) as [Value, Value];
    if (isFloat(x.type.element)) throw new KernelError(`${name} takes integers, not ${typeText(x.type)}`);
    return appendOne(name, [x, y], x.type);
  };
}

/** The numbers of a constant; none of what is no constant. */
function numbersOf(value: Value): readonly (number | bigint)[] {
  if (value.definition?.name !== "arith.constant") return [];
  const numbers = value.definition.attributes.value!;
  return typeof numbers === "object" ? numbers : [numbers as number | bigint];
}

function shift(name: string): Binary {
  const append = integerBinary(name);
  return (a: Operand, b: Operand): Value => {
    const [x, y] = unify(name, [a, b]) as [Value, Value];
    const width = bits(x.type.element);
    const wrong = numbersOf(y).find((n) => n < 0 || n >= width);
    if (wrong !== undefined) throw new KernelError(`${name} of ${typeText(x.type)} by ${wrong}`);
    return append(x, y);
  };
}

function division(name: string, fold?: (a: number, b: number) => number): Binary {
  const append = integerBinary(name, fold);
  return (a: Operand, b: Operand): Value => {
    const [x, y] = unify(name, [a, b]) as [Value, Value];
    if (numbersOf(y).some((n) => Number(n) === 0)) throw new KernelError(`${name} by 0`);
    return append(x, y);
  };
}

function floatBinary(name: string): Binary {
  return (a: Operand, b: Operand): Value => {
    const [x, y] = unify(name, [a, b]) as [Value, Value];
    if (!isFloat(x.type.element)) throw new KernelError(`${name} takes floats, not ${typeText(x.type)}`);
    return appendOne(name, [x, y], x.type);
  };
}

function cast(name: string, legal: (from: ElementType, to: ElementType) => boolean) {
  return (value: Value, to: ElementType): Value => {
    if (!legal(value.type.element, to))
      throw new KernelError(`${name} does not turn ${typeText(value.type)} into ${to}`);
    return appendOne(name, [value], withElement(value.type, to));
  };
}

const isInteger = (e: ElementType): boolean => !isFloat(e) && e !== "index";
const bits = (e: ElementType): number => (e === "i1" ? 1 : byteSize(e) * 8);

const plainAddi = integerBinary("arith.addi", (a, b) => a + b);

/** `arith.addi`, with `x + 0` and `(x + c) + d` of indices folded. */
function addi(a: Operand, b: Operand): Value {
  const [x, y] = unify("arith.addi", [a, b]) as [Value, Value];
  if (x.type.element === "index") {
    const [cx, cy] = [constantOf(x), constantOf(y)];
    if (cx !== undefined && cy === undefined) return addi(y, x);
    if (cy !== undefined) {
      if (Number(cy) === 0) return x;
      const inner = x.definition;
      if (inner?.name === "arith.addi") {
        const c = constantOf(inner.operands[1]!);
        if (c !== undefined) return addi(inner.operands[0]!, Number(c) + Number(cy));
      }
    }
  }
  return plainAddi(x, y);
}

/**
 * Operations of MLIR's `arith` dialect, on scalars and vectors alike. A number among the operands is a constant of
 * the other operand's type. Integers wrap around. i1 takes part in andi, ori, xori, select and casts only. `index` has
 * 32 bits on one target and 64 on another: its values are to stay within 0…2^31 − 1. All throw KernelError for
 * operands of other types than they take.
 */
export const arith = {
  /** A constant: one number for all lanes, or a list of one number a lane. */
  constant: (type: Type, value: number | bigint | readonly (number | bigint)[]): Value =>
    constant(type, value),
  addi,
  subi: integerBinary("arith.subi", (a, b) => a - b),
  muli: integerBinary("arith.muli", (a, b) => a * b),
  /**
   * Signed quotient, towards zero. By 0, and the least number by −1, is undefined (WebAssembly traps); a constant 0
   * is a KernelError. Vectors go lane by lane: slow.
   */
  divsi: division("arith.divsi", (a, b) => Math.trunc(a / b)),
  /** Unsigned quotient; by 0 as with divsi. */
  divui: division("arith.divui"),
  /** Remainder with the sign of the dividend; by 0 as with divsi; the least number by −1 is undefined. */
  remsi: division("arith.remsi", (a, b) => a % b),
  /** Unsigned remainder; by 0 as with divsi. */
  remui: division("arith.remui"),
  andi: bitwise("arith.andi"),
  ori: bitwise("arith.ori"),
  xori: bitwise("arith.xori"),
  /**
   * Shifts left by an amount in 0…width − 1, for each lane its own. Other amounts are undefined (a constant one is a
   * KernelError). Vectors are shifted by one instruction if the amount is a constant or a broadcast, else lane by lane.
   */
  shli: shift("arith.shli"),
  /** Shifts right and keeps the sign; amounts as with shli. */
  shrsi: shift("arith.shrsi"),
  /** Shifts right and fills with zeros; amounts as with shli. */
  shrui: shift("arith.shrui"),
  minsi: integerBinary("arith.minsi", Math.min),
  maxsi: integerBinary("arith.maxsi", Math.max),
  minui: integerBinary("arith.minui"),
  maxui: integerBinary("arith.maxui"),
  addf: floatBinary("arith.addf"),
  subf: floatBinary("arith.subf"),
  mulf: floatBinary("arith.mulf"),
  /** IEEE 754 quotient: by zero gives an infinity, 0 / 0 NaN. */
  divf: floatBinary("arith.divf"),
  /** IEEE 754 minimum: a NaN on either side gives NaN; −0 is below 0. `select(cmpf("olt", a, b), a, b)` is faster. */
  minimumf: floatBinary("arith.minimumf"),
  /** IEEE 754 maximum: a NaN on either side gives NaN; 0 is above −0. */
  maximumf: floatBinary("arith.maximumf"),

  /** The other sign, of zeros and NaN too. */
  negf(value: Value): Value {
    if (!isFloat(value.type.element))
      throw new KernelError(`arith.negf takes floats, not ${typeText(value.type)}`);
    return appendOne("arith.negf", [value], value.type);
  },

  /** Compares integers; a vector gives a mask (`vector<Nxi1>`). Masks are compared by xori. */
  cmpi(predicate: IntegerPredicate, a: Operand, b: Operand): Value {
    const [x, y] = unify("arith.cmpi", [a, b]) as [Value, Value];
    if (isFloat(x.type.element) || x.type.element === "i1") {
      throw new KernelError(`arith.cmpi takes integers, not ${typeText(x.type)}`);
    }
    return appendOne("arith.cmpi", [x, y], withElement(x.type, "i1"), { attributes: { predicate } });
  },

  /** Compares floats; a vector gives a mask. */
  cmpf(predicate: FloatPredicate, a: Operand, b: Operand): Value {
    const [x, y] = unify("arith.cmpf", [a, b]) as [Value, Value];
    if (!isFloat(x.type.element)) throw new KernelError(`arith.cmpf takes floats, not ${typeText(x.type)}`);
    return appendOne("arith.cmpf", [x, y], withElement(x.type, "i1"), { attributes: { predicate } });
  },

  /** Lane by lane `condition ? a : b`; a scalar condition chooses all lanes. */
  select(condition: Value, a: Operand, b: Operand): Value {
    const [x, y] = unify("arith.select", [a, b]) as [Value, Value];
    if (
      condition.type.element !== "i1" ||
      (condition.type.lanes !== x.type.lanes && condition.type.lanes !== 0)
    ) {
      throw new KernelError(
        `arith.select: ${typeText(condition.type)} does not choose between ${typeText(x.type)}`,
      );
    }
    return appendOne("arith.select", [condition, x, y], x.type);
  },

  /** Widens with the sign; i1 gives 0 or −1. */
  extsi: cast("arith.extsi", (f, t) => isInteger(f) && isInteger(t) && bits(f) < bits(t)),
  /** Widens with zeros; i1 gives 0 or 1. */
  extui: cast("arith.extui", (f, t) => isInteger(f) && isInteger(t) && bits(f) < bits(t)),
  /** Drops the upper bits: i1 is the lowest. A clamp to the narrower signed range before it costs nothing. */
  trunci: cast("arith.trunci", (f, t) => isInteger(f) && isInteger(t) && bits(f) > bits(t)),
  /** The nearest float to a signed integer, ties to even; i1 gives 0 or −1. i64 vectors go lane by lane. */
  sitofp: cast("arith.sitofp", (f, t) => isInteger(f) && isFloat(t)),
  /** The nearest float to an unsigned integer, ties to even. */
  uitofp: cast("arith.uitofp", (f, t) => isInteger(f) && isFloat(t)),
  /**
   * Towards zero, to a signed integer. What does not fit, and NaN, give an undefined number and no trap: clamp before.
   */
  fptosi: cast("arith.fptosi", (f, t) => isFloat(f) && isInteger(t) && t !== "i1"),
  /** Towards zero, to an unsigned integer; what does not fit (−1 and below, too) as with fptosi. */
  fptoui: cast("arith.fptoui", (f, t) => isFloat(f) && isInteger(t) && t !== "i1"),
  /** f32 to f64: exact. */
  extf: cast("arith.extf", (f, t) => f === "f32" && t === "f64"),
  /** f64 to f32: the nearest, ties to even; too large gives an infinity. */
  truncf: cast("arith.truncf", (f, t) => f === "f64" && t === "f32"),
  /** The same bits as a float or an integer of equal width. */
  bitcast: cast(
    "arith.bitcast",
    (f, t) => bits(f) === bits(t) && isFloat(f) !== isFloat(t) && f !== "index" && t !== "index",
  ),

  /** Between `index` and an integer; scalars only. Narrow integers are sign-extended. */
  indexCast(value: Value, to: ElementType): Value {
    const from = value.type.element;
    const integers = [from, to].every((e) => !isFloat(e) && e !== "i1");
    if (value.type.lanes !== 0 || (from === "index") === (to === "index") || !integers) {
      throw new KernelError(`arith.index_cast does not turn ${typeText(value.type)} into ${to}`);
    }
    return appendOne("arith.index_cast", [value], withElement(value.type, to));
  },
};

/**
 * Operations that `arith` lacks and MLIR takes from the `llvm` dialect: sums and differences that stop at the ends of
 * the signed (s…) or unsigned (u…) range. i8 and i16 vectors: one instruction.
 */
export const llvm = {
  saddSat: saturating("llvm.intr.sadd.sat"),
  uaddSat: saturating("llvm.intr.uadd.sat"),
  ssubSat: saturating("llvm.intr.ssub.sat"),
  usubSat: saturating("llvm.intr.usub.sat"),
};

function saturating(name: string) {
  return (a: Operand, b: Operand): Value => {
    const [x, y] = unify(name, [a, b]) as [Value, Value];
    if (!isInteger(x.type.element) || x.type.element === "i1") {
      throw new KernelError(`${name} takes integers, not ${typeText(x.type)}`);
    }
    return appendOne(name, [x, y], x.type);
  };
}

function floatUnary(name: string, only32 = false) {
  return (value: Value): Value => {
    if (!isFloat(value.type.element) || (only32 && value.type.element !== "f32")) {
      throw new KernelError(`${name} takes ${only32 ? "f32" : "floats"}, not ${typeText(value.type)}`);
    }
    return appendOne(name, [value], value.type);
  };
}

function integerUnary(name: string) {
  return (value: Value): Value => {
    if (!isInteger(value.type.element) || value.type.element === "i1") {
      throw new KernelError(`${name} takes integers, not ${typeText(value.type)}`);
    }
    return appendOne(name, [value], value.type);
  };
}

/** Operations of MLIR's `math` dialect, on scalars and vectors alike. */
export const math = {
  /** Absolute value; the least number stays itself. */
  absi: integerUnary("math.absi"),
  /** Number of bits that are set. */
  ctpop: integerUnary("math.ctpop"),
  /** Without the sign, of zeros and NaN too. */
  absf: floatUnary("math.absf"),
  /** The nearest float to the root; NaN below −0. */
  sqrt: floatUnary("math.sqrt"),
  floor: floatUnary("math.floor"),
  ceil: floatUnary("math.ceil"),
  trunc: floatUnary("math.trunc"),
  /** To the nearest whole number, ties to even. */
  roundeven: floatUnary("math.roundeven"),
  /** f32, within 2 units in the last place; results below the smallest normal number are 0; too large is infinity. */
  exp: floatUnary("math.exp", true),
  /** f32, natural, within 2 units in the last place; 0 gives −infinity, a negative number NaN. */
  log: floatUnary("math.log", true),
  /**
   * `a·b + c`. One rounding where the target has it (vectors under relaxed SIMD, native code), else two: results
   * differ between targets in the last place.
   */
  fma(a: Operand, b: Operand, c: Operand): Value {
    const [x, y, z] = unify("math.fma", [a, b, c]) as [Value, Value, Value];
    if (!isFloat(x.type.element)) throw new KernelError(`math.fma takes floats, not ${typeText(x.type)}`);
    return appendOne("math.fma", [x, y, z], x.type);
  },
};

/** `index` arithmetic that callers need often: `a + b` of operands that may be numbers. */
export function indexSum(a: Operand, b: Operand): Value {
  return addi(asIndex(a), asIndex(b));
}
