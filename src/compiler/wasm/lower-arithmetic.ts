import { arith } from "../arith.js";
import { constantOf } from "../builder.js";
import type { Operation, Value } from "../operation.js";
import { byteSize } from "../type.js";
import {
  expandAbsolute,
  expandLanes,
  expandMinMax,
  expandMultiply8,
  expandNarrowSaturating,
  expandPopulationCount64,
  expandSaturating,
} from "./expand.js";
import {
  eachPart,
  emit,
  type FunctionWriter,
  get,
  i32,
  keep,
  type Lane,
  laneBytes,
  push,
  pushExtended,
  replace,
  vectorOp,
  wasmScalar,
} from "./function-writer.js";
import { maskOf } from "./lanes.js";
import {
  extensionOf,
  relaxedMultiplyAdd,
  scalarBinary,
  scalarUnary,
  simd,
  vectorBinary,
  vectorLogic,
  vectorShift,
  vectorUnary,
} from "./opcodes.js";

/** Operations of two operands: one instruction, or others in its place. */
export function lowerBinary(w: FunctionWriter, operation: Operation): void {
  if (operation.results[0]!.type.lanes === 0) lowerScalarBinary(w, operation);
  else if (vectorLogic[operation.name] !== undefined) lowerLogic(w, operation);
  else if (vectorShift[operation.name]) lowerShift(w, operation);
  else lowerVectorBinary(w, operation);
}

/** Operations of one operand: one instruction, or others in its place. */
export function lowerUnary(w: FunctionWriter, operation: Operation): void {
  const result = operation.results[0]!;
  if (result.type.lanes === 0) {
    lowerScalarUnary(w, operation);
    return;
  }
  const opcode = vectorUnary[operation.name]![result.type.element as Lane]!;
  eachPart(w, result, byteSize(result.type.element), (p) => {
    push(w, operation.operands[0]!, p);
    vectorOp(w, opcode);
  });
}

/** And, or, exclusive or of vectors and masks. */
function lowerLogic(w: FunctionWriter, operation: Operation): void {
  const [a, b] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const opcode = vectorLogic[operation.name]!;
  if (result.type.element !== "i1") {
    eachPart(w, result, byteSize(result.type.element), (p) => {
      push(w, a, p);
      push(w, b, p);
      vectorOp(w, opcode);
    });
    return;
  }
  // A constant mask has no width of its own: the other operand decides.
  const width = laneBytes(w, constantOf(a) === undefined ? a : b);
  const [x, y] = [maskOf(w, a, width), maskOf(w, b, width)];
  w.maskBytes.set(result, width);
  eachPart(w, result, width, (p) => {
    get(w, x[p]!);
    get(w, y[p]!);
    vectorOp(w, opcode);
  });
}

function lowerVectorBinary(w: FunctionWriter, operation: Operation): void {
  const { name } = operation;
  const [a, b] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const element = result.type.element as Lane;
  const opcode = vectorBinary[name]?.[element];
  if (opcode !== undefined) {
    eachPart(w, result, byteSize(element), (p) => {
      push(w, a, p);
      push(w, b, p);
      vectorOp(w, opcode);
    });
  } else if (/^arith\.(min|max)[su]i$/.test(name)) {
    replace(w, operation, expandMinMax);
  } else if (name.startsWith("llvm.intr.")) {
    replace(w, operation, expandSaturating);
  } else if (name === "arith.muli") {
    replace(w, operation, expandMultiply8);
  } else {
    const perLane = arith[name.slice("arith.".length) as "divsi" | "divui" | "remsi" | "remui"];
    replace(w, operation, (o) => expandLanes(o, perLane));
  }
}

function lowerShift(w: FunctionWriter, operation: Operation): void {
  const [a, amount] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const element = result.type.element as Lane;
  const opcode = vectorShift[operation.name]![element]!;
  const splatted = constantOf(amount);
  const scalar = amount.definition?.name === "vector.broadcast" ? amount.definition.operands[0]! : undefined;
  if (splatted === undefined && !scalar) {
    const perLane = arith[operation.name.slice("arith.".length) as "shli" | "shrsi" | "shrui"];
    replace(w, operation, (o) => expandLanes(o, perLane));
    return;
  }
  eachPart(w, result, byteSize(element), (p) => {
    push(w, a, p);
    if (scalar) {
      push(w, scalar);
      if (element === "i64") emit(w, 0xa7);
    } else {
      i32(w, Number(splatted));
    }
    vectorOp(w, opcode);
  });
}

function lowerScalarUnary(w: FunctionWriter, operation: Operation): void {
  const result = operation.results[0]!;
  if (operation.name === "math.absi") {
    replace(w, operation, expandAbsolute);
    return;
  }
  const type = wasmScalar(result.type.element);
  push(w, operation.operands[0]!);
  emit(w, scalarUnary[operation.name]![type]!);
  w.parts.set(result, [keep(w, type)]);
}

function lowerScalarBinary(w: FunctionWriter, operation: Operation): void {
  const { name } = operation;
  const [a, b] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const { element } = result.type;
  if (/^arith\.(min|max)[su]i$/.test(name)) {
    replace(w, operation, expandMinMax);
    return;
  }
  if (name.startsWith("llvm.intr.")) {
    const narrow = element === "i8" || element === "i16";
    replace(w, operation, narrow ? expandNarrowSaturating : expandSaturating);
    return;
  }
  const type = wasmScalar(element);
  const extension = extensionOf[name];
  if (extension) pushExtended(w, a, extension);
  else push(w, a);
  if (name.startsWith("arith.sh")) pushExtended(w, b, "unsigned");
  else if (extension) pushExtended(w, b, extension);
  else push(w, b);
  emit(w, scalarBinary[name]![type]!);
  w.parts.set(result, [keep(w, type)]);
}

/** Fused for vectors under relaxed SIMD, else a product and a sum. */
export function lowerMultiplyAdd(w: FunctionWriter, operation: Operation): void {
  const [a, b, c] = operation.operands as [Value, Value, Value];
  const result = operation.results[0]!;
  const element = result.type.element as "f32" | "f64";
  if (result.type.lanes === 0 || !w.relaxed) {
    replace(w, operation, () => arith.addf(arith.mulf(a, b), c));
    return;
  }
  eachPart(w, result, byteSize(element), (p) => {
    push(w, a, p);
    push(w, b, p);
    push(w, c, p);
    vectorOp(w, relaxedMultiplyAdd[element]!);
  });
}

/** Bits that are set. */
export function lowerPopulationCount(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  const { element, lanes } = result.type;
  if (lanes === 0) {
    pushExtended(w, source, "unsigned");
    emit(w, element === "i64" ? 0x7b : 0x69);
    w.parts.set(result, [keep(w, wasmScalar(element))]);
    return;
  }
  if (element === "i64") {
    replace(w, operation, expandPopulationCount64);
    return;
  }
  eachPart(w, result, byteSize(element), (p) => {
    push(w, source, p);
    vectorOp(w, simd.popcount8);
    if (element !== "i8") vectorOp(w, simd.extaddPairwise8U);
    if (element === "i32") vectorOp(w, simd.extaddPairwise16U);
  });
}
