import type { Value } from "../operation.js";
import { bytes as appendBytes, unsigned } from "./bytes.js";
import {
  emit,
  type FunctionWriter,
  get,
  keep,
  type Local,
  laneBytes,
  localsOf,
  partCount,
  vectorOp,
} from "./function-writer.js";
import { extend, narrow, simd, vectorLogic } from "./opcodes.js";

/** Moves between lane widths and positions: what casts, masks and shuffles are made of. */

const integerOf: Record<number, "i8" | "i16" | "i32" | "i64"> = { 1: "i8", 2: "i16", 4: "i32", 8: "i64" };

/** One shuffle of two registers by 16 byte positions (0–15 first, 16–31 second). */
export function shuffleBytes(w: FunctionWriter, a: Local, b: Local, positions: readonly number[]): Local {
  get(w, a);
  get(w, b);
  vectorOp(w, simd.shuffle);
  appendBytes(w.code, positions);
  return keep(w, "v128");
}

const lowHalves = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const highHalf = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const evenWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];

/** The low eight bytes of two registers, one after the other. */
export function joinLowHalves(w: FunctionWriter, a: Local, b: Local): Local {
  return shuffleBytes(w, a, b, lowHalves);
}

/** The high eight bytes of a register, moved down. */
export function moveHighHalfDown(w: FunctionWriter, a: Local): Local {
  return shuffleBytes(w, a, a, highHalf);
}

/** Doubles the width of integer lanes until it is `toBytes`. */
export function widen(
  w: FunctionWriter,
  parts: readonly Local[],
  lanes: number,
  fromBytes: number,
  toBytes: number,
  how: "signed" | "unsigned",
): readonly Local[] {
  let current = parts;
  for (let bytes = fromBytes; bytes < toBytes; bytes *= 2) {
    const opcodes = extend[integerOf[bytes]!]!;
    const next: Local[] = [];
    for (let p = 0; p < partCount(lanes, 2 * bytes); p++) {
      get(w, current[p >> 1]!);
      const high = (p & 1) === 1;
      vectorOp(
        w,
        how === "signed" ? (high ? opcodes.highS : opcodes.lowS) : high ? opcodes.highU : opcodes.lowU,
      );
      next.push(keep(w, "v128"));
    }
    current = next;
  }
  return current;
}

/** Halves the width of integer lanes until it is `toBytes`: upper bits dropped, or saturated. */
export function narrowLanes(
  w: FunctionWriter,
  parts: readonly Local[],
  lanes: number,
  fromBytes: number,
  toBytes: number,
  how: "wrap" | "signed" | "unsigned",
): readonly Local[] {
  let current = parts;
  for (let bytes = fromBytes; bytes > toBytes; bytes /= 2) {
    const next: Local[] = [];
    for (let p = 0; p < partCount(lanes, bytes / 2); p++) {
      const a = current[2 * p]!;
      const b = current[2 * p + 1] ?? a;
      if (bytes === 8) {
        next.push(shuffleBytes(w, a, b, evenWords));
        continue;
      }
      const opcodes = narrow[integerOf[bytes]!]!;
      for (const source of [a, b]) {
        get(w, source);
        if (how === "wrap") {
          pushBytes(w, (k) => (k % bytes < bytes / 2 ? 0xff : 0));
          vectorOp(w, vectorLogic["arith.andi"]!);
        }
      }
      // A wider lane with only its lower half set is positive, so unsigned saturation leaves bytes alone; for words
      // the same holds. A mask (all ones) narrows by signed saturation.
      vectorOp(w, how === "signed" ? opcodes.signed : opcodes.unsigned);
      next.push(keep(w, "v128"));
    }
    current = next;
  }
  return current;
}

/** A mask's parts with lanes of `bytes`. */
export function maskOf(w: FunctionWriter, mask: Value, bytes: number): readonly Local[] {
  const has = laneBytes(w, mask);
  const parts = localsOf(w, mask);
  const { lanes } = mask.type;
  if (has < bytes) return widen(w, parts, lanes, has, bytes, "signed");
  return has > bytes ? narrowLanes(w, parts, lanes, has, bytes, "signed") : parts;
}

/**
 * Lanes of the two operands in the order of `mask`. Parts that come out as a register that exists already are that
 * register.
 */
export function shuffleLanes(
  w: FunctionWriter,
  a: readonly Local[],
  b: readonly Local[],
  lanes: number,
  bytes: number,
  mask: readonly number[],
): Local[] {
  const perPart = 16 / bytes;
  const result: Local[] = [];
  for (let p = 0; p < partCount(mask.length, bytes); p++) {
    const wanted: { source: Local; byte: number }[] = [];
    for (let k = 0; k < perPart; k++) {
      const from = mask[p * perPart + k] ?? mask[p * perPart]!;
      const [registers, lane] = from < lanes ? [a, from] : [b, from - lanes];
      const source = registers[Math.floor(lane / perPart)]!;
      for (let byte = 0; byte < bytes; byte++) wanted.push({ source, byte: (lane % perPart) * bytes + byte });
    }
    const sources = [...new Set(wanted.map((x) => x.source))];
    const first = sources[0]!;
    if (
      sources.length === 1 &&
      wanted.every((x, k) => x.byte === k || k >= (mask.length - p * perPart) * bytes)
    ) {
      result.push(first);
      continue;
    }
    const second = sources[1] ?? first;
    let accumulated = shuffleBytes(
      w,
      first,
      second,
      wanted.map((x) => (x.source === first ? x.byte : x.source === second ? 16 + x.byte : 0)),
    );
    for (const source of sources.slice(2)) {
      accumulated = shuffleBytes(
        w,
        accumulated,
        source,
        wanted.map((x, k) => (x.source === source ? 16 + x.byte : k)),
      );
    }
    result.push(accumulated);
  }
  return result;
}

/** A register of 16 constant bytes on the stack. */
export function pushBytes(w: FunctionWriter, byteAt: (k: number) => number): void {
  vectorOp(w, simd.constant);
  for (let k = 0; k < 16; k++) emit(w, byteAt(k) & 255);
}

/** A memory instruction's immediate: alignment hint of none, and the offset. */
export function memoryImmediate(w: FunctionWriter, offset: number): void {
  emit(w, 0);
  unsigned(w.code, offset);
}

export function integerElement(bytes: number): "i8" | "i16" | "i32" | "i64" {
  return integerOf[bytes]!;
}
