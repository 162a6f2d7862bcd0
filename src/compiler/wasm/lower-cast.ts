import { arith } from "../arith.js";
import { constantOf } from "../builder.js";
import type { Operation, Value } from "../operation.js";
import { byteSize, type ElementType, isFloat } from "../type.js";
import { expandCast } from "./expand.js";
import {
  emit,
  type FunctionWriter,
  get,
  keep,
  type Local,
  localsOf,
  partCount,
  push,
  pushExtended,
  replace,
  vectorOp,
  wasmScalar,
} from "./function-writer.js";
import {
  joinLowHalves,
  maskOf,
  moveHighHalfDown,
  narrowLanes,
  pushBytes,
  shuffleBytes,
  widen,
} from "./lanes.js";
import { bitmask, replaceLane, simd, vectorCompare, vectorLogic } from "./opcodes.js";

/** Casts of scalars and vectors, among masks and numbers too. */
export function lowerCast(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  if (operation.name === "vector.bitcast") {
    if (result.type.element === "i1") bitsToMask(w, source, result);
    else if (source.type.element === "i1") maskToBits(w, source, result);
    else w.parts.set(result, localsOf(w, source));
  } else if (result.type.lanes === 0) {
    lowerScalarCast(w, operation);
  } else {
    lowerVectorCast(w, operation);
  }
}

const scalarCasts: Record<string, number> = {
  "arith.sitofp:i32:f32": 0xb2,
  "arith.uitofp:i32:f32": 0xb3,
  "arith.sitofp:i64:f32": 0xb4,
  "arith.uitofp:i64:f32": 0xb5,
  "arith.sitofp:i32:f64": 0xb7,
  "arith.uitofp:i32:f64": 0xb8,
  "arith.sitofp:i64:f64": 0xb9,
  "arith.uitofp:i64:f64": 0xba,
  "arith.extf:f32:f64": 0xbb,
  "arith.truncf:f64:f32": 0xb6,
  "arith.bitcast:i32:f32": 0xbe,
  "arith.bitcast:f32:i32": 0xbc,
  "arith.bitcast:i64:f64": 0xbf,
  "arith.bitcast:f64:i64": 0xbd,
};

/** Saturating conversions: second byte after 0xfc, by source and result. */
const truncations: Record<string, number> = {
  "f32:i32": 0,
  "f64:i32": 2,
  "f32:i64": 4,
  "f64:i64": 6,
};

function lowerScalarCast(w: FunctionWriter, operation: Operation): void {
  const { name } = operation;
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  const [from, to] = [source.type.element, result.type.element];
  const [wasmFrom, wasmTo] = [wasmScalar(from), wasmScalar(to)];
  const unsignedSource = name === "arith.extui" || name === "arith.uitofp";
  if (isFloat(from)) push(w, source);
  else pushInteger(w, source, unsignedSource ? "unsigned" : "signed");
  if (name === "arith.fptosi" || name === "arith.fptoui") {
    emit(w, 0xfc, truncations[`${from}:${wasmTo}`]! + (name === "arith.fptoui" ? 1 : 0));
  } else if (isFloat(from) || isFloat(to)) {
    emit(w, scalarCasts[`${name}:${wasmFrom}:${wasmTo}`]!);
  } else if (wasmFrom === "i32" && wasmTo === "i64") {
    emit(w, unsignedSource ? 0xad : 0xac);
  } else if (wasmFrom === "i64" && wasmTo === "i32") {
    emit(w, 0xa7);
  }
  if (to === "i1") emit(w, 0x41, 1, 0x71);
  w.parts.set(result, [keep(w, wasmTo)]);
}

/** An i1 is 0 or 1 in its local; its signed value is 0 or −1. */
function pushInteger(w: FunctionWriter, value: Value, how: "signed" | "unsigned"): void {
  if (value.type.element === "i1" && how === "signed") {
    emit(w, 0x41, 0);
    push(w, value);
    emit(w, 0x6b);
  } else {
    pushExtended(w, value, how);
  }
}

function mapParts(w: FunctionWriter, parts: readonly Local[], emit: () => void): Local[] {
  return parts.map((part) => {
    get(w, part);
    emit();
    return keep(w, "v128");
  });
}

function lowerVectorCast(w: FunctionWriter, operation: Operation): void {
  const { name } = operation;
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  const { lanes } = result.type;
  const [from, to] = [source.type.element, result.type.element];
  const bytes = byteSize(to);
  switch (name) {
    case "arith.bitcast":
      w.parts.set(result, localsOf(w, source));
      return;
    case "arith.extsi":
    case "arith.extui": {
      if (from === "i1") {
        const mask = maskOf(w, source, bytes);
        const ones = (): void => {
          pushBytes(w, (b) => (b % bytes === 0 ? 1 : 0));
          vectorOp(w, vectorLogic["arith.andi"]!);
        };
        w.parts.set(result, name === "arith.extsi" ? mask : mapParts(w, mask, ones));
        return;
      }
      const how = name === "arith.extsi" ? "signed" : "unsigned";
      w.parts.set(result, widen(w, localsOf(w, source), lanes, byteSize(from), bytes, how));
      return;
    }
    case "arith.trunci":
      truncate(w, source, result);
      return;
    case "arith.sitofp":
    case "arith.uitofp": {
      if (from === "i64") {
        const convert = arith[name.slice("arith.".length) as "sitofp" | "uitofp"];
        replace(w, operation, (o) => expandCast(o, result.type, (v) => convert(v, to)));
        return;
      }
      const signed = name === "arith.sitofp";
      const how = signed ? "signed" : "unsigned";
      const words =
        from === "i1"
          ? maskToNumbers(w, source, signed)
          : widen(w, localsOf(w, source), lanes, byteSize(from), 4, how);
      w.parts.set(
        result,
        to === "f32"
          ? mapParts(w, words, () => vectorOp(w, signed ? simd.convertF32S : simd.convertF32U))
          : doubled(w, words, lanes, signed ? simd.convertF64S : simd.convertF64U),
      );
      return;
    }
    case "arith.fptosi":
    case "arith.fptoui": {
      if (to === "i64") {
        const convert = arith[name.slice("arith.".length) as "fptosi" | "fptoui"];
        replace(w, operation, (o) => expandCast(o, result.type, (v) => convert(v, to)));
        return;
      }
      const signed = name === "arith.fptosi";
      const words =
        from === "f32"
          ? mapParts(w, localsOf(w, source), () => vectorOp(w, signed ? simd.truncF32S : simd.truncF32U))
          : halved(w, localsOf(w, source), lanes, signed ? simd.truncF64S : simd.truncF64U);
      w.parts.set(result, narrowLanes(w, words, lanes, 4, bytes, "wrap"));
      return;
    }
    case "arith.extf":
      w.parts.set(result, doubled(w, localsOf(w, source), lanes, simd.promote));
      return;
    default:
      w.parts.set(result, halved(w, localsOf(w, source), lanes, simd.demote));
  }
}

function maskToNumbers(w: FunctionWriter, mask: Value, signed: boolean): readonly Local[] {
  const parts = maskOf(w, mask, 4);
  if (signed) return parts;
  return mapParts(w, parts, () => {
    pushBytes(w, (b) => (b % 4 === 0 ? 1 : 0));
    vectorOp(w, vectorLogic["arith.andi"]!);
  });
}

/** 32-bit lanes to 64-bit ones by an instruction that takes the low half. */
function doubled(w: FunctionWriter, parts: readonly Local[], lanes: number, opcode: number): Local[] {
  const result: Local[] = [];
  for (let p = 0; p < partCount(lanes, 8); p++) {
    const part = parts[p >> 1]!;
    get(w, (p & 1) === 0 ? part : moveHighHalfDown(w, part));
    vectorOp(w, opcode);
    result.push(keep(w, "v128"));
  }
  return result;
}

/** 64-bit lanes to 32-bit ones by an instruction that leaves the upper half zero. */
function halved(w: FunctionWriter, parts: readonly Local[], lanes: number, opcode: number): Local[] {
  const low = mapParts(w, parts, () => vectorOp(w, opcode));
  const result: Local[] = [];
  for (let p = 0; p < partCount(lanes, 4); p++) {
    const second = low[2 * p + 1];
    result.push(second === undefined ? low[2 * p]! : joinLowHalves(w, low[2 * p]!, second));
  }
  return result;
}

function truncate(w: FunctionWriter, source: Value, result: Value): void {
  const { lanes } = result.type;
  const from = source.type.element;
  const fromBytes = byteSize(from);
  if (result.type.element === "i1") {
    w.maskBytes.set(result, fromBytes);
    const zero = keepConstant(w, () => 0);
    w.parts.set(
      result,
      mapParts(w, localsOf(w, source), () => {
        pushBytes(w, (b) => (b % fromBytes === 0 ? 1 : 0));
        vectorOp(w, vectorLogic["arith.andi"]!);
        get(w, zero);
        vectorOp(w, vectorCompare.ne![from as "i8"]!);
      }),
    );
    return;
  }
  const toBytes = byteSize(result.type.element);
  const clamped = clampedOperand(source, result.type.element);
  w.parts.set(
    result,
    clamped
      ? narrowLanes(w, localsOf(w, clamped), lanes, fromBytes, toBytes, "signed")
      : narrowLanes(w, localsOf(w, source), lanes, fromBytes, toBytes, "wrap"),
  );
}

function keepConstant(w: FunctionWriter, byteAt: (k: number) => number): Local {
  pushBytes(w, byteAt);
  return keep(w, "v128");
}

/** What is clamped to exactly the range of the narrower type: the saturating instruction does both. */
function clampedOperand(source: Value, to: ElementType): Value | undefined {
  if (source.type.element === "i64" || (to !== "i8" && to !== "i16")) return undefined;
  const high = 2 ** (byteSize(to) * 8 - 1) - 1;
  const outer = source.definition;
  const inner = outer?.operands[0]?.definition;
  if (outer?.operands.length !== 2 || inner?.operands.length !== 2) return undefined;
  const limits = new Map([
    [outer.name, constantOf(outer.operands[1]!)],
    [inner.name, constantOf(inner.operands[1]!)],
  ]);
  const fits = limits.get("arith.minsi") === high && limits.get("arith.maxsi") === -high - 1;
  return fits ? inner.operands[0] : undefined;
}

/** A mask's lanes as bits, lane 0 lowest. */
function maskToBits(w: FunctionWriter, mask: Value, result: Value): void {
  const { lanes } = mask.type;
  // 16 mask lanes at a time fill 16 bits of the result.
  const bytes = lanes >= 16 ? 1 : 2;
  const parts = maskOf(w, mask, bytes);
  const registers: Local[] = [];
  parts.forEach((part, k) => {
    const lane = k % 8;
    if (lane === 0) pushBytes(w, () => 0);
    else get(w, registers.at(-1)!);
    get(w, part);
    vectorOp(w, bitmask[bytes]!);
    vectorOp(w, replaceLane.i16!);
    emit(w, lane);
    const register = keep(w, "v128");
    if (lane === 0) registers.push(register);
    else registers[registers.length - 1] = register;
  });
  w.parts.set(result, registers);
}

/** Bits as a mask, the lowest bit lane 0. */
function bitsToMask(w: FunctionWriter, bits: Value, result: Value): void {
  const { lanes } = result.type;
  w.maskBytes.set(result, 1);
  const sources = localsOf(w, bits);
  const parts: Local[] = [];
  for (let p = 0; p < partCount(lanes, 1); p++) {
    const source = sources[Math.floor((2 * p) / 16)]!;
    const spread = shuffleBytes(
      w,
      source,
      source,
      Array.from({ length: 16 }, (_, k) => ((2 * p) % 16) + (k >> 3)),
    );
    const weights = keepConstant(w, (k) => 1 << (k & 7));
    get(w, spread);
    get(w, weights);
    vectorOp(w, vectorLogic["arith.andi"]!);
    get(w, weights);
    vectorOp(w, vectorCompare.eq!.i8!);
    parts.push(keep(w, "v128"));
  }
  w.parts.set(result, parts);
}
