import { expandReduction } from "../expand.js";
import type { Operation } from "../operation.js";
import { byteSize } from "../type.js";
import {
  emit,
  type FunctionWriter,
  get,
  keep,
  type Lane,
  laneBytes,
  localsOf,
  replace,
  vectorOp,
  wasmScalar,
} from "./function-writer.js";
import { pushBytes, shuffleBytes } from "./lanes.js";
import { bitmask, extractLane, simd, vectorBinary, vectorLogic } from "./opcodes.js";

/** All lanes into one: halves joined until one lane is left, where the order does not matter. */
export function lowerReduction(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  const kind = operation.attributes.kind as string;
  const { element, lanes } = source.type;
  if (element === "i1") {
    lowerMaskReduction(w, operation);
    return;
  }
  const name = /^(min|max)/.test(kind) ? `arith.${kind}` : `arith.${kind}i`;
  const opcode = vectorLogic[name] ?? vectorBinary[name]?.[element as Lane];
  // Sums and products of floats are of one order: the table has none of theirs under these names.
  if (opcode === undefined) {
    replace(w, operation, expandReduction);
    return;
  }
  const bytes = byteSize(element);
  const parts = localsOf(w, source);
  let total = parts[0]!;
  for (const part of parts.slice(1)) {
    get(w, total);
    get(w, part);
    vectorOp(w, opcode);
    total = keep(w, "v128");
  }
  for (let half = Math.min(16, lanes * bytes) / 2; half >= bytes; half /= 2) {
    const moved = shuffleBytes(
      w,
      total,
      total,
      Array.from({ length: 16 }, (_, k) => (k + half) % 16),
    );
    get(w, total);
    get(w, moved);
    vectorOp(w, opcode);
    total = keep(w, "v128");
  }
  get(w, total);
  vectorOp(w, extractLane[element as Lane]!);
  emit(w, 0);
  w.parts.set(result, [keep(w, wasmScalar(element))]);
}

function lowerMaskReduction(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const kind = operation.attributes.kind as string;
  const { lanes } = source.type;
  const bytes = laneBytes(w, source);
  const valid = Math.min(16, lanes * bytes);
  const parts = localsOf(w, source);
  parts.forEach((part, k) => {
    get(w, part);
    if (kind === "and") vectorOp(w, simd.not);
    if (valid < 16) {
      pushBytes(w, (b) => (b < valid ? 255 : 0));
      vectorOp(w, vectorLogic["arith.andi"]!);
    }
    if (kind === "xor") {
      vectorOp(w, bitmask[bytes]!);
      emit(w, 0x69, 0x41, 1, 0x71);
    } else {
      vectorOp(w, simd.anyTrue);
    }
    if (k > 0) emit(w, kind === "xor" ? 0x73 : 0x72);
  });
  if (kind === "and") emit(w, 0x45);
  w.parts.set(operation.results[0]!, [keep(w, "i32")]);
}
