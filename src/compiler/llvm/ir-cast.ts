import type { Operation } from "../operation.js";
import { byteSize, withElement } from "../type.js";
import { emit, emitResult, type IrWriter, intrinsic, irType, nameOf, suffix, typed } from "./ir-writer.js";

const instructions: Record<string, string> = {
  "arith.extsi": "sext",
  "arith.extui": "zext",
  "arith.trunci": "trunc",
  "arith.sitofp": "sitofp",
  "arith.uitofp": "uitofp",
  "arith.extf": "fpext",
  "arith.truncf": "fptrunc",
  "arith.bitcast": "bitcast",
  "vector.bitcast": "bitcast",
};

/** Casts that LLVM has an instruction for. */
export function lowerCast(w: IrWriter, operation: Operation): void {
  const to = irType(operation.results[0]!.type);
  emitResult(w, operation, `${instructions[operation.name]} ${typed(w, operation.operands[0]!)} to ${to}`);
}

/**
 * Floats to integers. What does not fit 32 bits stops at their ends, NaN is 0, and narrower integers are the lowest
 * bits of that: the numbers that WebAssembly gives.
 */
export function lowerFloatToInteger(w: IrWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const { type } = operation.results[0]!;
  const wide = withElement(type, byteSize(type.element) < 4 ? "i32" : type.element);
  const name = `${operation.name.slice("arith.".length)}.sat.${suffix(wide)}.${suffix(source.type)}`;
  const converted = emit(w, intrinsic(w, name, irType(wide), [typed(w, source)]));
  if (wide.element === type.element) w.names.set(operation.results[0]!, converted);
  else emitResult(w, operation, `trunc ${irType(wide)} ${converted} to ${irType(type)}`);
}

/** Between indices, of 64 bits here, and integers. */
export function lowerIndexCast(w: IrWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  if (irType(source.type) === irType(result.type)) {
    w.names.set(result, nameOf(w, source));
    return;
  }
  const instruction = result.type.element === "index" ? "sext" : "trunc";
  emitResult(w, operation, `${instruction} ${typed(w, source)} to ${irType(result.type)}`);
}
