import { arith } from "../arith.js";
import { constantOf } from "../builder.js";
import type { Operation, Value } from "../operation.js";
import { byteSize } from "../type.js";
import {
  constantText,
  emit,
  emitResult,
  type IrLowering,
  type IrWriter,
  intrinsic,
  irType,
  nameOf,
  suffix,
  typed,
} from "./ir-writer.js";

/** Instructions of two operands of one type, by operation. */
const instructions: Record<string, string> = {
  "arith.addi": "add",
  "arith.subi": "sub",
  "arith.muli": "mul",
  "arith.andi": "and",
  "arith.ori": "or",
  "arith.xori": "xor",
  "arith.addf": "fadd",
  "arith.subf": "fsub",
  "arith.mulf": "fmul",
  "arith.divf": "fdiv",
};

/** What may become part of a fused multiply-add. */
const contractible = new Set(["arith.addf", "arith.subf", "arith.mulf"]);

/** An instruction of two operands. */
export function lowerInstruction(w: IrWriter, operation: Operation): void {
  const [a, b] = operation.operands as [Value, Value];
  const contract = w.contract && contractible.has(operation.name) ? " contract" : "";
  emitResult(w, operation, `${instructions[operation.name]}${contract} ${typed(w, a)}, ${nameOf(w, b)}`);
}

/** The condition of `extsi` of a mask, which is all ones where it is set. */
function conditionOf(value: Value): Value | undefined {
  const source = value.definition?.name === "arith.extsi" ? value.definition.operands[0]! : undefined;
  return source?.type.element === "i1" ? source : undefined;
}

/**
 * Differences. `(x ^ m) − m` with all ones in m where a mask is set negates x there: said as a choice it is one masked
 * instruction on machines that have them, which LLVM does not find.
 */
export function lowerSubtraction(w: IrWriter, operation: Operation): void {
  const [a, b] = operation.operands as [Value, Value];
  const condition = conditionOf(b);
  const inverted = a.definition?.name === "arith.xori" ? a.definition.operands : [];
  const x = inverted.find((v) => v !== b);
  if (!condition || !x || !inverted.includes(b)) {
    lowerInstruction(w, operation);
    return;
  }
  const type = irType(x.type);
  const negated = emit(w, `sub ${type} ${constantText(x.type, 0)}, ${nameOf(w, x)}`);
  emitResult(w, operation, `select ${typed(w, condition)}, ${type} ${negated}, ${typed(w, x)}`);
}

/** What an operation is as an intrinsic function on its operands, with more operands behind. */
export function asIntrinsic(name: string, ...more: readonly string[]): IrLowering {
  return (w, operation) => {
    const { type } = operation.results[0]!;
    const operands = [...operation.operands.map((o) => typed(w, o)), ...more];
    emitResult(w, operation, intrinsic(w, `${name}.${suffix(type)}`, irType(type), operands));
  };
}

const divisions: Record<string, string> = {
  "arith.divsi": "sdiv",
  "arith.divui": "udiv",
  "arith.remsi": "srem",
  "arith.remui": "urem",
};

/**
 * Quotients and remainders. Those that are undefined would end the process, so the divisor is 1 instead of 0 and where
 * the quotient does not fit.
 */
export function lowerDivision(w: IrWriter, operation: Operation): void {
  const [a, b] = operation.operands as [Value, Value];
  const { type } = b;
  const instruction = divisions[operation.name]!;
  const text = irType(type);
  const by = constantOf(b);
  // Whether by is 0 was asked when the kernel was built.
  const safe = by !== undefined && Number(by) !== -1;
  let divisor = nameOf(w, b);
  if (!safe) {
    const truth = irType({ element: "i1", lanes: type.lanes });
    const number = (v: bigint): string => constantText(type, v);
    let wrong = emit(w, `icmp eq ${text} ${divisor}, ${number(0n)}`);
    if (instruction.startsWith("s")) {
      const bits = type.element === "index" ? 64 : byteSize(type.element) * 8;
      const least = emit(w, `icmp eq ${typed(w, a)}, ${number(-(1n << BigInt(bits - 1)))}`);
      const negative = emit(w, `icmp eq ${text} ${divisor}, ${number(-1n)}`);
      const both = emit(w, `and ${truth} ${least}, ${negative}`);
      wrong = emit(w, `or ${truth} ${wrong}, ${both}`);
    }
    divisor = emit(w, `select ${truth} ${wrong}, ${text} ${number(1n)}, ${text} ${divisor}`);
  }
  emitResult(w, operation, `${instruction} ${typed(w, a)}, ${divisor}`);
}

const shifts: Record<string, string> = { "arith.shli": "shl", "arith.shrsi": "ashr", "arith.shrui": "lshr" };

/** Shifts; an amount that is not below the width counts modulo the width, so that every result is some number. */
export function lowerShift(w: IrWriter, operation: Operation): void {
  const [a, amount] = operation.operands as [Value, Value];
  const { type } = amount;
  const bits = type.element === "index" ? 64 : byteSize(type.element) * 8;
  const by =
    amount.definition?.name === "arith.constant"
      ? nameOf(w, amount)
      : emit(w, `and ${typed(w, amount)}, ${constantText(type, bits - 1)}`);
  emitResult(w, operation, `${shifts[operation.name]} ${typed(w, a)}, ${by}`);
}

/** Comparisons; the predicates bear LLVM's names. */
export function lowerCompare(w: IrWriter, operation: Operation): void {
  const [a, b] = operation.operands as [Value, Value];
  const instruction = operation.name === "arith.cmpi" ? "icmp" : "fcmp";
  emitResult(
    w,
    operation,
    `${instruction} ${operation.attributes.predicate} ${typed(w, a)}, ${nameOf(w, b)}`,
  );
}

/** Lane by lane, or one condition for all lanes. */
export function lowerSelect(w: IrWriter, operation: Operation): void {
  emitResult(w, operation, `select ${operation.operands.map((o) => typed(w, o)).join(", ")}`);
}

/** The other sign. */
export function lowerNegation(w: IrWriter, operation: Operation): void {
  emitResult(w, operation, `fneg ${typed(w, operation.operands[0]!)}`);
}

/**
 * Minimum and maximum of floats. LLVM's own intrinsic functions abort the process on x86 before LLVM 17, and this takes
 * no more instructions: a comparison with selection is one, which gives the second operand where one is not a number.
 */
export function expandExtreme(operation: Operation): Value {
  const [a, b] = operation.operands as [Value, Value];
  const least = operation.name === "arith.minimumf";
  const first = (x: Value, y: Value): Value => arith.select(arith.cmpf(least ? "olt" : "ogt", x, y), x, y);
  // No zero of the other sign equals such a constant.
  const ordinary = (v: Value): boolean => Math.abs(Number(constantOf(v) ?? 0)) > 0;
  if (ordinary(b)) return first(b, a);
  if (ordinary(a)) return first(a, b);
  const bits = a.type.element === "f32" ? "i32" : "i64";
  const join = least ? arith.ori : arith.andi;
  const equal = arith.bitcast(join(arith.bitcast(a, bits), arith.bitcast(b, bits)), a.type.element);
  const ordered = arith.select(arith.cmpf("oeq", a, b), equal, first(a, b));
  return arith.select(arith.cmpf("uno", a, a), a, ordered);
}
