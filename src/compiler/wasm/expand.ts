import { arith, type FloatPredicate, math } from "../arith.js";
import { constant } from "../builder.js";
import type { Operation, Value } from "../operation.js";
import { byteSize, type Type } from "../type.js";
import { vector } from "../vector.js";

/** Operations that the target has no instruction for, said in operations that it has. */

function not(mask: Value): Value {
  return arith.xori(mask, constant(mask.type, 1));
}

/** Scalar minimum and maximum, and those of 64-bit lanes. */
export function expandMinMax(operation: Operation): Value {
  const [a, b] = operation.operands as [Value, Value];
  const kind = operation.name.slice("arith.".length);
  const predicate = kind === "minsi" ? "slt" : kind === "maxsi" ? "sgt" : kind === "minui" ? "ult" : "ugt";
  return arith.select(arith.cmpi(predicate, a, b), a, b);
}

/** Absolute value of a scalar: the most negative number stays. */
export function expandAbsolute(operation: Operation): Value {
  const x = operation.operands[0]!;
  return arith.select(arith.cmpi("slt", x, 0), arith.subi(constant(x.type, 0), x), x);
}

/** Saturating sums and differences of scalars and of 32- and 64-bit lanes. */
export function expandSaturating(operation: Operation): Value {
  const [a, b] = operation.operands as [Value, Value];
  const { type } = a;
  const bits = byteSize(type.element) * 8;
  const allOnes = constant(type, -1);
  switch (operation.name) {
    case "llvm.intr.uadd.sat": {
      const sum = arith.addi(a, b);
      return arith.select(arith.cmpi("ult", sum, a), allOnes, sum);
    }
    case "llvm.intr.usub.sat":
      return arith.select(arith.cmpi("ugt", a, b), arith.subi(a, b), constant(type, 0));
    default: {
      const add = operation.name === "llvm.intr.sadd.sat";
      const result = add ? arith.addi(a, b) : arith.subi(a, b);
      // Overflow is where the result's sign differs from a's while b could not have caused it.
      const overflow = add
        ? arith.andi(arith.xori(a, result), arith.xori(b, result))
        : arith.andi(arith.xori(a, b), arith.xori(a, result));
      const largest = constant(type, (1n << BigInt(bits - 1)) - 1n);
      const limit = arith.xori(arith.shrsi(a, bits - 1), largest);
      return arith.select(arith.cmpi("slt", overflow, 0), limit, result);
    }
  }
}

/** Saturating sums and differences of 8- and 16-bit scalars: exact in 32 bits, then brought into range. */
export function expandNarrowSaturating(operation: Operation): Value {
  const [a, b] = operation.operands as [Value, Value];
  const { element } = a.type;
  const bits = byteSize(element) * 8;
  const signed = operation.name.startsWith("llvm.intr.s");
  const widened = (v: Value): Value => (signed ? arith.extsi(v, "i32") : arith.extui(v, "i32"));
  const sum = (operation.name.includes("add") ? arith.addi : arith.subi)(widened(a), widened(b));
  const [low, high] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return arith.trunci(arith.minsi(arith.maxsi(sum, low), high), element);
}

/** Bits that are set in 64-bit lanes: those of the bytes, added up by a product. */
export function expandPopulationCount64(operation: Operation): Value {
  const bytes = math.ctpop(vector.bitcast(operation.operands[0]!, "i8"));
  const sums = arith.muli(vector.bitcast(bytes, "i64"), 0x0101010101010101n);
  return arith.shrui(sums, 56);
}

/** Products of 8-bit lanes, even and odd ones apart in 16 bits. */
export function expandMultiply8(operation: Operation): Value {
  const [a, b] = operation.operands as [Value, Value];
  const { lanes } = a.type;
  if (lanes < 2) return arith.trunci(arith.muli(arith.extui(a, "i16"), arith.extui(b, "i16")), "i8");
  const [x, y] = [vector.bitcast(a, "i16"), vector.bitcast(b, "i16")];
  const even = arith.andi(arith.muli(x, y), 0xff);
  const odd = arith.muli(arith.shrui(x, 8), arith.andi(y, 0xff00));
  return vector.bitcast(arith.ori(even, odd), "i8");
}

/** Shifts of vectors by an amount of its own for each lane. */
export function expandLanes(operation: Operation, operator: (a: Value, b: Value) => Value): Value {
  const [a, b] = operation.operands as [Value, Value];
  let result = constant(a.type, 0);
  for (let k = 0; k < a.type.lanes; k++) {
    result = vector.insert(operator(vector.extract(a, k), vector.extract(b, k)), result, k);
  }
  return result;
}

/** A conversion lane by lane. */
export function expandCast(operation: Operation, to: Type, convert: (v: Value) => Value): Value {
  const source = operation.operands[0]!;
  let result = constant(to, 0);
  for (let k = 0; k < to.lanes; k++) result = vector.insert(convert(vector.extract(source, k)), result, k);
  return result;
}

/** Comparisons of floats beyond the six that exist, and unsigned ones of 64-bit lanes. */
export function expandCompare(operation: Operation): Value {
  const [a, b] = operation.operands as [Value, Value];
  const predicate = operation.attributes.predicate as string;
  if (operation.name === "arith.cmpi") {
    const sign = constant(a.type, -(1n << 63n));
    const signedPredicate = predicate.replace("u", "s") as "slt" | "sle" | "sgt" | "sge";
    return arith.cmpi(signedPredicate, arith.xori(a, sign), arith.xori(b, sign));
  }
  const ordered = (): Value => arith.andi(arith.cmpf("oeq", a, a), arith.cmpf("oeq", b, b));
  const opposite: Record<string, FloatPredicate> = { ult: "oge", ule: "ogt", ugt: "ole", uge: "olt" };
  switch (predicate) {
    case "ord":
      return ordered();
    case "uno":
      return not(ordered());
    case "one":
      return arith.ori(arith.cmpf("olt", a, b), arith.cmpf("ogt", a, b));
    case "ueq":
      return not(arith.ori(arith.cmpf("olt", a, b), arith.cmpf("ogt", a, b)));
    default:
      return not(arith.cmpf(opposite[predicate]!, a, b));
  }
}
