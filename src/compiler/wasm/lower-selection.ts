import { constantOf } from "../builder.js";
import type { Operation, Value } from "../operation.js";
import { byteSize, isFloat } from "../type.js";
import { typeCode } from "./encoder.js";
import { expandCompare } from "./expand.js";
import {
  eachPart,
  emit,
  type FunctionWriter,
  get,
  keep,
  type Lane,
  type Local,
  laneBytes,
  localsOf,
  push,
  pushExtended,
  replace,
  vectorOp,
  wasmScalar,
} from "./function-writer.js";
import { maskOf } from "./lanes.js";
import { pseudoMaximum, pseudoMinimum, scalarCompare, simd, vectorCompare } from "./opcodes.js";

/** Comparisons: a scalar gives 0 or 1, a vector a mask as wide as what is compared. */
export function lowerCompare(w: FunctionWriter, operation: Operation): void {
  const [a, b] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const predicate = operation.attributes.predicate as string;
  const element = a.type.element;
  if (result.type.lanes === 0) {
    const opcode = scalarCompare[predicate]?.[wasmScalar(element)];
    if (opcode === undefined) {
      replace(w, operation, expandCompare);
      return;
    }
    if (isFloat(element)) {
      push(w, a);
      push(w, b);
    } else {
      const how = predicate.startsWith("s") ? "signed" : "unsigned";
      pushExtended(w, a, how);
      pushExtended(w, b, how);
    }
    emit(w, opcode);
    w.parts.set(result, [keep(w, "i32")]);
    return;
  }
  const opcode = vectorCompare[predicate]?.[element as Lane];
  if (opcode === undefined) {
    replace(w, operation, expandCompare);
    return;
  }
  w.maskBytes.set(result, byteSize(element));
  eachPart(w, result, byteSize(element), (p) => {
    push(w, a, p);
    push(w, b, p);
    vectorOp(w, opcode);
  });
}

/** Lane by lane, or one condition for all lanes. */
export function lowerSelect(w: FunctionWriter, operation: Operation): void {
  const [condition, , y] = operation.operands as [Value, Value, Value];
  if (y.type.lanes === 0) lowerScalarSelect(w, operation);
  else if (condition.type.lanes === 0) lowerWholeSelect(w, operation);
  else if (!lowerPseudoMinMax(w, operation)) lowerLaneSelect(w, operation);
}

function lowerScalarSelect(w: FunctionWriter, operation: Operation): void {
  const [condition, a, b] = operation.operands as [Value, Value, Value];
  push(w, a);
  push(w, b);
  push(w, condition);
  emit(w, 0x1b);
  w.parts.set(operation.results[0]!, [keep(w, wasmScalar(a.type.element))]);
}

/** One of two vectors. */
function lowerWholeSelect(w: FunctionWriter, operation: Operation): void {
  const [condition, a, b] = operation.operands as [Value, Value, Value];
  const result = operation.results[0]!;
  const width = operandWidth(w, [a, b]);
  const [x, y] = [partsOf(w, a, width), partsOf(w, b, width)];
  if (a.type.element === "i1") w.maskBytes.set(result, width);
  eachPart(w, result, width, (p) => {
    get(w, x[p]!);
    get(w, y[p]!);
    push(w, condition);
    emit(w, 0x1c, 1, typeCode.v128);
  });
}

function lowerLaneSelect(w: FunctionWriter, operation: Operation): void {
  const [condition, a, b] = operation.operands as [Value, Value, Value];
  const result = operation.results[0]!;
  const masks = a.type.element === "i1";
  const width = masks ? laneBytes(w, condition) : byteSize(a.type.element);
  const mask = maskOf(w, condition, width);
  const [x, y] = masks ? [maskOf(w, a, width), maskOf(w, b, width)] : [];
  if (masks) w.maskBytes.set(result, width);
  eachPart(w, result, width, (p) => {
    if (x && y) {
      get(w, x[p]!);
      get(w, y[p]!);
    } else {
      push(w, a, p);
      push(w, b, p);
    }
    get(w, mask[p]!);
    vectorOp(w, simd.bitselect);
  });
}

/** Bytes of a lane of two values of one type: of masks, those of the one that is no constant. */
function operandWidth(w: FunctionWriter, [a, b]: readonly [Value, Value]): number {
  return laneBytes(w, constantOf(a) === undefined ? a : b);
}

function partsOf(w: FunctionWriter, value: Value, width: number): readonly Local[] {
  return value.type.element === "i1" ? maskOf(w, value, width) : localsOf(w, value);
}

/** `x < y ? x : y` of floats is one instruction. */
function lowerPseudoMinMax(w: FunctionWriter, operation: Operation): boolean {
  const [condition, a, b] = operation.operands as [Value, Value, Value];
  const compare = condition.definition;
  if (compare?.name !== "arith.cmpf" || compare.operands[0] !== a || compare.operands[1] !== b) return false;
  const predicate = compare.attributes.predicate;
  const table = predicate === "olt" ? pseudoMinimum : predicate === "ogt" ? pseudoMaximum : undefined;
  const opcode = table?.[a.type.element as Lane];
  if (opcode === undefined) return false;
  eachPart(w, operation.results[0]!, byteSize(a.type.element), (p) => {
    push(w, b, p);
    push(w, a, p);
    vectorOp(w, opcode);
  });
  return true;
}
