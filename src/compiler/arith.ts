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

function integerBinary(name: string, fold?: (a: number, b: number) => number) {
  return (a: Operand, b: Operand): Value => {
    const [x, y] = unify(name, [a, b]) as [Value, Value];
    if (isFloat(x.type.element)) throw new KernelError(`${name} takes integers, not ${typeText(x.type)}`);
    // Index arithmetic on constants is folded, so that addresses come out as immediate offsets.
    if (fold && x.type.element === "index") {
      const [cx, cy] = [constantOf(x), constantOf(y)];
      if (cx !== undefined && cy !== undefined) return constant(x.type, fold(Number(cx), Number(cy)));
    }
    return appendOne(name, [x, y], x.type);
  };
}

function floatBinary(name: string) {
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

/** Operations of MLIR's `arith` dialect, on scalars and vectors alike. A number among the operands is a constant. */
export const arith = {
  constant: (type: Type, value: number | bigint | readonly (number | bigint)[]): Value =>
    constant(type, value),
  addi,
  subi: integerBinary("arith.subi", (a, b) => a - b),
  muli: integerBinary("arith.muli", (a, b) => a * b),
  divsi: integerBinary("arith.divsi", (a, b) => Math.trunc(a / b)),
  divui: integerBinary("arith.divui"),
  remsi: integerBinary("arith.remsi", (a, b) => a % b),
  remui: integerBinary("arith.remui"),
  andi: integerBinary("arith.andi"),
  ori: integerBinary("arith.ori"),
  xori: integerBinary("arith.xori"),
  shli: integerBinary("arith.shli"),
  shrsi: integerBinary("arith.shrsi"),
  shrui: integerBinary("arith.shrui"),
  minsi: integerBinary("arith.minsi", Math.min),
  maxsi: integerBinary("arith.maxsi", Math.max),
  minui: integerBinary("arith.minui"),
  maxui: integerBinary("arith.maxui"),
  addf: floatBinary("arith.addf"),
  subf: floatBinary("arith.subf"),
  mulf: floatBinary("arith.mulf"),
  divf: floatBinary("arith.divf"),
  /** IEEE 754 minimum: a NaN on either side gives NaN. */
  minimumf: floatBinary("arith.minimumf"),
  maximumf: floatBinary("arith.maximumf"),

  negf(value: Value): Value {
    if (!isFloat(value.type.element))
      throw new KernelError(`arith.negf takes floats, not ${typeText(value.type)}`);
    return appendOne("arith.negf", [value], value.type);
  },

  cmpi(predicate: IntegerPredicate, a: Operand, b: Operand): Value {
    const [x, y] = unify("arith.cmpi", [a, b]) as [Value, Value];
    if (isFloat(x.type.element)) throw new KernelError(`arith.cmpi takes integers, not ${typeText(x.type)}`);
    return appendOne("arith.cmpi", [x, y], withElement(x.type, "i1"), { attributes: { predicate } });
  },

  cmpf(predicate: FloatPredicate, a: Operand, b: Operand): Value {
    const [x, y] = unify("arith.cmpf", [a, b]) as [Value, Value];
    if (!isFloat(x.type.element)) throw new KernelError(`arith.cmpf takes floats, not ${typeText(x.type)}`);
    return appendOne("arith.cmpf", [x, y], withElement(x.type, "i1"), { attributes: { predicate } });
  },

  /** Lane by lane `condition ? a : b`. */
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

  extsi: cast("arith.extsi", (f, t) => isInteger(f) && isInteger(t) && bits(f) < bits(t)),
  extui: cast("arith.extui", (f, t) => isInteger(f) && isInteger(t) && bits(f) < bits(t)),
  /** Drops the upper bits. */
  trunci: cast("arith.trunci", (f, t) => isInteger(f) && isInteger(t) && bits(f) > bits(t)),
  sitofp: cast("arith.sitofp", (f, t) => isInteger(f) && isFloat(t)),
  uitofp: cast("arith.uitofp", (f, t) => isInteger(f) && isFloat(t)),
  /** Rounds towards zero; out of range is undefined, so clamp before. */
  fptosi: cast("arith.fptosi", (f, t) => isFloat(f) && isInteger(t)),
  fptoui: cast("arith.fptoui", (f, t) => isFloat(f) && isInteger(t)),
  extf: cast("arith.extf", (f, t) => f === "f32" && t === "f64"),
  truncf: cast("arith.truncf", (f, t) => f === "f64" && t === "f32"),
  /** The same bits as another type of equal width. */
  bitcast: cast("arith.bitcast", (f, t) => bits(f) === bits(t) && f !== "index" && t !== "index"),

  /** Between `index` and an integer; scalars only. Narrow integers are sign-extended. */
  indexCast(value: Value, to: ElementType): Value {
    const from = value.type.element;
    if (value.type.lanes !== 0 || (from === "index") === (to === "index") || isFloat(from) || isFloat(to)) {
      throw new KernelError(`arith.index_cast does not turn ${typeText(value.type)} into ${to}`);
    }
    return appendOne("arith.index_cast", [value], withElement(value.type, to));
  },
};

/** Operations that `arith` lacks and MLIR takes from the `llvm` dialect: saturating additions and subtractions. */
export const llvm = {
  saddSat: saturating("llvm.intr.sadd.sat"),
  uaddSat: saturating("llvm.intr.uadd.sat"),
  ssubSat: saturating("llvm.intr.ssub.sat"),
  usubSat: saturating("llvm.intr.usub.sat"),
};

function saturating(name: string) {
  return (a: Operand, b: Operand): Value => {
    const [x, y] = unify(name, [a, b]) as [Value, Value];
    if (!isInteger(x.type.element)) throw new KernelError(`${name} takes integers, not ${typeText(x.type)}`);
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
    if (!isInteger(value.type.element))
      throw new KernelError(`${name} takes integers, not ${typeText(value.type)}`);
    return appendOne(name, [value], value.type);
  };
}

/** Operations of MLIR's `math` dialect. */
export const math = {
  absi: integerUnary("math.absi"),
  ctpop: integerUnary("math.ctpop"),
  absf: floatUnary("math.absf"),
  sqrt: floatUnary("math.sqrt"),
  floor: floatUnary("math.floor"),
  ceil: floatUnary("math.ceil"),
  trunc: floatUnary("math.trunc"),
  roundeven: floatUnary("math.roundeven"),
  /** f32, within 2 units in the last place; results below the smallest normal number are 0. */
  exp: floatUnary("math.exp", true),
  /** f32, natural, within 2 units in the last place; 0 gives -infinity, a negative number NaN. */
  log: floatUnary("math.log", true),
  /** `a·b + c`: one rounding where the target has it, else two. */
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
