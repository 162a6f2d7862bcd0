import { constantOf } from "../builder.js";
import type { Block, Operation, Value } from "../operation.js";
import { unsigned } from "./bytes.js";
import type { WasmType } from "./encoder.js";
import {
  blockStart,
  canonicalMaskBytes,
  emit,
  type FunctionWriter,
  get,
  inScope,
  type Local,
  laneBytes,
  newLocal,
  partCount,
  push,
  set,
  wasmScalar,
} from "./function-writer.js";
import { maskOf } from "./lanes.js";

/** WebAssembly's locals for a value that loops or branches hand on. */
function typesOfCarried(w: FunctionWriter, value: Value): { type: WasmType; count: number } {
  if (value.type.lanes === 0) return { type: wasmScalar(value.type.element), count: 1 };
  return { type: "v128", count: partCount(value.type.lanes, laneBytes(w, value)) };
}

/** Pushes all parts of a carried value; masks in their canonical width. */
function pushCarried(w: FunctionWriter, value: Value): void {
  if (value.type.element === "i1" && value.type.lanes > 0) {
    for (const part of maskOf(w, value, canonicalMaskBytes(value.type.lanes))) get(w, part);
    return;
  }
  const { count } = typesOfCarried(w, value);
  for (let p = 0; p < count; p++) push(w, value, p);
}

function takeCarried(w: FunctionWriter, value: Value): Local[] {
  const { type, count } = typesOfCarried(w, value);
  return Array.from({ length: count }, () => newLocal(w, type));
}

/** A loop that counts up. Carried values stay in locals of their own, which the results are as well. */
export function lowerFor(w: FunctionWriter, operation: Operation): void {
  const block = operation.regions[0]!;
  const [index, ...carried] = block.arguments as [Value, ...Value[]];
  const [lower, upper, step, ...initial] = operation.operands as [Value, Value, Value, ...Value[]];
  const counter = newLocal(w, "i32");
  const locals = carried.map((c) => takeCarried(w, c));
  const all = locals.flat();
  for (const v of initial) pushCarried(w, v);
  for (const local of [...all].reverse()) set(w, local);
  carried.forEach((c, k) => {
    w.parts.set(c, locals[k]!);
    w.parts.set(operation.results[k]!, locals[k]!);
  });
  w.parts.set(index, [counter]);
  push(w, lower);
  set(w, counter);

  const [first, last] = [constantOf(lower), constantOf(upper)];
  const runsOnce = first !== undefined && last !== undefined && first < last;
  if (first !== undefined && last !== undefined && first >= last) return;
  if (!runsOnce) {
    blockStart(w, 0x02);
    get(w, counter);
    push(w, upper);
    emit(w, 0x4e, 0x0d, 0);
  }
  blockStart(w, 0x03);
  inScope(w, () => {
    w.lowerBlock(w, block);
    for (const v of block.operations.at(-1)!.operands) pushCarried(w, v);
    for (const local of [...all].reverse()) set(w, local);
  });
  get(w, counter);
  push(w, step);
  emit(w, 0x6a, 0x22);
  unsigned(w.code, counter);
  push(w, upper);
  emit(w, 0x48, 0x0d, 0, 0x0b);
  if (!runsOnce) emit(w, 0x0b);
}

/** A branch. The results are in locals that both arms set. */
export function lowerIf(w: FunctionWriter, operation: Operation): void {
  const locals = operation.results.map((r) => takeCarried(w, r));
  const all = locals.flat();
  const arm = (block: Block): void =>
    inScope(w, () => {
      w.lowerBlock(w, block);
      for (const v of block.operations.at(-1)!.operands) pushCarried(w, v);
      for (const local of [...all].reverse()) set(w, local);
    });
  push(w, operation.operands[0]!);
  blockStart(w, 0x04);
  arm(operation.regions[0]!);
  if (operation.regions[1]!.operations.length > 1 || all.length > 0) {
    emit(w, 0x05);
    arm(operation.regions[1]!);
  }
  emit(w, 0x0b);
  operation.results.forEach((r, k) => {
    w.parts.set(r, locals[k]!);
  });
}
