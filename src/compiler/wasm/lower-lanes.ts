import { arith } from "../arith.js";
import { buildFragment } from "../builder.js";
import type { Operation, Value } from "../operation.js";
import { byteSize } from "../type.js";
import {
  canonicalMaskBytes,
  eachPart,
  emit,
  type FunctionWriter,
  get,
  keep,
  type Lane,
  type Local,
  laneBytes,
  localsOf,
  partCount,
  push,
  unsupported,
  vectorOp,
  wasmScalar,
} from "./function-writer.js";
import { integerElement, maskOf, pushBytes, shuffleLanes } from "./lanes.js";
import { extractLane, replaceLane, splat, vectorCompare } from "./opcodes.js";

/** One scalar in all lanes. */
export function lowerBroadcast(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  const { element, lanes } = result.type;
  if (element === "i1") {
    const bytes = canonicalMaskBytes(lanes);
    w.maskBytes.set(result, bytes);
    emit(w, 0x41, 0);
    push(w, source);
    emit(w, 0x6b);
    vectorOp(w, splat.i32!);
    w.parts.set(result, new Array<Local>(partCount(lanes, bytes)).fill(keep(w, "v128")));
    return;
  }
  push(w, source);
  vectorOp(w, splat[element as Lane]!);
  w.parts.set(result, new Array<Local>(partCount(lanes, byteSize(element))).fill(keep(w, "v128")));
}

/** Lanes of two vectors in any order. */
export function lowerShuffle(w: FunctionWriter, operation: Operation): void {
  const [a, b] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const mask = operation.attributes.mask as readonly number[];
  const bytes = laneBytes(w, a);
  const masks = a.type.element === "i1";
  if (masks) w.maskBytes.set(result, bytes);
  const [x, y] = masks ? [maskOf(w, a, bytes), maskOf(w, b, bytes)] : [localsOf(w, a), localsOf(w, b)];
  w.parts.set(result, shuffleLanes(w, x, y, a.type.lanes, bytes, mask));
}

/** One lane as a scalar. */
export function lowerExtract(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  const lane = operation.attributes.lane as number;
  const bytes = laneBytes(w, source);
  const perPart = 16 / bytes;
  const element = source.type.element === "i1" ? integerElement(bytes) : (source.type.element as Lane);
  push(w, source, Math.floor(lane / perPart));
  vectorOp(w, extractLane[element]!);
  emit(w, lane % perPart);
  if (source.type.element === "i1") {
    if (element === "i64") emit(w, 0xa7);
    emit(w, 0x41, 1, 0x71);
  }
  w.parts.set(result, [keep(w, wasmScalar(result.type.element))]);
}

/** A scalar into one lane. */
export function lowerInsert(w: FunctionWriter, operation: Operation): void {
  const [element, into] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const lane = operation.attributes.lane as number;
  const parts = [...localsOf(w, into)];
  const bytes = laneBytes(w, into);
  const perPart = 16 / bytes;
  const part = Math.floor(lane / perPart);
  get(w, parts[part]!);
  if (into.type.element === "i1") {
    w.maskBytes.set(result, bytes);
    emit(w, 0x41, 0);
    push(w, element);
    emit(w, 0x6b);
    if (bytes === 8) emit(w, 0xac);
    vectorOp(w, replaceLane[integerElement(bytes)]!);
  } else {
    push(w, element);
    vectorOp(w, replaceLane[into.type.element as Lane]!);
  }
  emit(w, lane % perPart);
  parts[part] = keep(w, "v128");
  w.parts.set(result, parts);
}

/** The first lanes set. */
export function lowerCreateMask(w: FunctionWriter, operation: Operation): void {
  const count = operation.operands[0]!;
  const result = operation.results[0]!;
  const { lanes } = result.type;
  // Lane numbers and the count must fit an unsigned byte.
  if (lanes > 128) throw unsupported(`vector.create_mask of ${lanes} lanes: 128 at most`);
  const bytes = canonicalMaskBytes(lanes);
  w.maskBytes.set(result, bytes);
  // The count is brought into 0…lanes first, so that it fits a lane.
  const { block, result: clamped } = buildFragment(() => arith.minsi(arith.maxsi(count, 0), lanes));
  w.lowerBlock(w, block);
  push(w, clamped);
  if (bytes === 8) emit(w, 0xad);
  const element = integerElement(bytes);
  vectorOp(w, splat[element]!);
  const limit = keep(w, "v128");
  const perPart = 16 / bytes;
  eachPart(w, result, bytes, (p) => {
    pushBytes(w, (b) => (b % bytes === 0 ? p * perPart + b / bytes : 0));
    get(w, limit);
    vectorOp(w, bytes === 8 ? vectorCompare.slt!.i64! : vectorCompare.ult![element]!);
  });
}
