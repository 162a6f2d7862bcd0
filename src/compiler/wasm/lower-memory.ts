import { constantOf } from "../builder.js";
import type { Buffer, Operation, Value } from "../operation.js";
import { byteSize } from "../type.js";
import { unsigned } from "./bytes.js";
import {
  blockStart,
  emit,
  type FunctionWriter,
  get,
  i32,
  keep,
  type Lane,
  type Local,
  laneBytes,
  laneOp,
  localsOf,
  newLocal,
  partCount,
  push,
  set,
  vectorOp,
  wasmScalar,
} from "./function-writer.js";
import { integerElement, maskOf, memoryImmediate } from "./lanes.js";
import { extractLane, scalarLoad, scalarStore, simd } from "./opcodes.js";

/**
 * Pushes the address of `buffer[index]` but for a constant, which is returned: it goes into the instruction. A
 * buffer's offset plus the variable part of an index must not be negative.
 */
function pushAddress(w: FunctionWriter, buffer: Buffer, index: Value): number {
  const size = byteSize(buffer.element);
  let root: Value | undefined = index;
  let offset = 0;
  const whole = constantOf(index);
  if (whole !== undefined) {
    root = undefined;
    offset = Number(whole) * size;
  } else if (index.definition?.name === "arith.addi") {
    const addend = constantOf(index.definition.operands[1]!);
    if (addend !== undefined) {
      root = index.definition.operands[0]!;
      offset = Number(addend) * size;
    }
  }
  if (!root) {
    get(w, buffer.position);
    return nonNegative(w, offset);
  }
  const key = `${buffer.position}:${root.id}`;
  let address = w.addresses.get(key);
  if (address === undefined) {
    get(w, buffer.position);
    push(w, root);
    if (size > 1) {
      i32(w, Math.log2(size));
      emit(w, 0x74);
    }
    emit(w, 0x6a);
    address = keep(w, "i32");
    w.addresses.set(key, address);
  }
  get(w, address);
  return nonNegative(w, offset);
}

function nonNegative(w: FunctionWriter, offset: number): number {
  if (offset >= 0) return offset;
  i32(w, offset);
  emit(w, 0x6a);
  return 0;
}

/** Reads and writes of memory. */
export function lowerMemory(w: FunctionWriter, operation: Operation): void {
  const buffer = operation.buffer!;
  const { operands } = operation;
  const element = buffer.element as Lane;
  const result = operation.results[0];
  switch (operation.name) {
    case "memref.load": {
      const offset = pushAddress(w, buffer, operands[0]!);
      emit(w, scalarLoad[element][0]);
      memoryImmediate(w, offset);
      w.parts.set(result!, [keep(w, wasmScalar(element))]);
      return;
    }
    case "memref.store": {
      const offset = pushAddress(w, buffer, operands[1]!);
      push(w, operands[0]!);
      emit(w, scalarStore[element][0]);
      memoryImmediate(w, offset);
      return;
    }
    case "vector.load":
      w.parts.set(result!, loadVector(w, buffer, operands[0]!, result!.type.lanes));
      return;
    case "vector.store":
      storeVector(w, buffer, operands[1]!, operands[0]!);
      return;
    case "vector.maskedload": {
      // Tensors are padded and memory ends in a guard, so the whole vector may be read before the mask decides.
      const [index, mask, passThrough] = operands as [Value, Value, Value];
      const loaded = loadVector(w, buffer, index, result!.type.lanes);
      const chosen = maskOf(w, mask, byteSize(element));
      w.parts.set(
        result!,
        loaded.map((part, p) => {
          get(w, part);
          push(w, passThrough, p);
          get(w, chosen[p]!);
          vectorOp(w, simd.bitselect);
          return keep(w, "v128");
        }),
      );
      return;
    }
    case "vector.maskedstore":
      storeLanes(w, operation);
      return;
    default:
      gather(w, operation);
  }
}

/** Reads one element into all lanes. */
export function lowerSplatLoad(w: FunctionWriter, operation: Operation, result: Value): void {
  const buffer = operation.buffer!;
  const size = byteSize(buffer.element);
  const offset = pushAddress(w, buffer, operation.operands[0]!);
  vectorOp(w, simd.load8Splat + Math.log2(size));
  memoryImmediate(w, offset);
  w.parts.set(result, new Array<Local>(partCount(result.type.lanes, size)).fill(keep(w, "v128")));
}

function loadVector(w: FunctionWriter, buffer: Buffer, index: Value, lanes: number): Local[] {
  const size = byteSize(buffer.element);
  const total = lanes * size;
  const parts: Local[] = [];
  for (let p = 0; p < partCount(lanes, size); p++) {
    const offset = pushAddress(w, buffer, index) + 16 * p;
    const small: Record<number, number> = {
      8: simd.load64Zero,
      4: simd.load32Zero,
      2: simd.load8Splat + 1,
      1: simd.load8Splat,
    };
    vectorOp(w, total >= 16 ? simd.load : small[total]!);
    memoryImmediate(w, offset);
    parts.push(keep(w, "v128"));
  }
  return parts;
}

function storeVector(w: FunctionWriter, buffer: Buffer, index: Value, value: Value): void {
  const size = byteSize(buffer.element);
  const total = value.type.lanes * size;
  for (let p = 0; p < partCount(value.type.lanes, size); p++) {
    const offset = pushAddress(w, buffer, index) + 16 * p;
    push(w, value, p);
    if (total >= 16) {
      vectorOp(w, simd.store);
      memoryImmediate(w, offset);
    } else {
      vectorOp(w, simd.store8Lane + Math.log2(total));
      memoryImmediate(w, offset);
      emit(w, 0);
    }
  }
}

/** Lane by lane, so that memory beside the chosen lanes is not touched: another thread may own it. */
function storeLanes(w: FunctionWriter, operation: Operation): void {
  const buffer = operation.buffer!;
  const [index, mask, value] = operation.operands as [Value, Value, Value];
  const size = byteSize(buffer.element);
  const perPart = 16 / size;
  const parts = localsOf(w, value);
  const chosen = maskOf(w, mask, size);
  for (let lane = 0; lane < value.type.lanes; lane++) {
    const part = Math.floor(lane / perPart);
    // The address may be computed here for the first time: it must not be inside a branch that others do not take.
    const offset = pushAddress(w, buffer, index) + lane * size;
    const address = keep(w, "i32");
    pushMaskLane(w, chosen[part]!, size, lane % perPart);
    blockStart(w, 0x04);
    get(w, address);
    get(w, parts[part]!);
    vectorOp(w, simd.store8Lane + Math.log2(size));
    memoryImmediate(w, offset);
    emit(w, lane % perPart, 0x0b);
  }
}

function pushMaskLane(w: FunctionWriter, part: Local, bytes: number, lane: number): void {
  get(w, part);
  laneOp(w, extractLane[integerElement(bytes)]!, lane);
  if (bytes === 8) emit(w, 0xa7);
}

function gather(w: FunctionWriter, operation: Operation): void {
  const buffer = operation.buffer!;
  const [index, indices, mask, passThrough] = operation.operands as [Value, Value, Value, Value];
  const result = operation.results[0]!;
  const size = byteSize(buffer.element);
  const perPart = 16 / size;
  const always = constantOf(mask) !== undefined && Number(constantOf(mask)) !== 0;
  const chosen = always ? [] : maskOf(w, mask, size);
  const indexBytes = laneBytes(w, indices);
  const indexParts = localsOf(w, indices);
  const offset = pushAddress(w, buffer, index);
  const base = keep(w, "i32");
  const parts: Local[] = [];
  for (let p = 0; p < partCount(result.type.lanes, size); p++) {
    const accumulator = newLocal(w, "v128");
    push(w, passThrough, p);
    set(w, accumulator);
    for (let k = 0; k < perPart && p * perPart + k < result.type.lanes; k++) {
      const lane = p * perPart + k;
      if (!always) {
        pushMaskLane(w, chosen[p]!, size, k);
        blockStart(w, 0x04);
      }
      get(w, base);
      get(w, indexParts[Math.floor((lane * indexBytes) / 16)]!);
      laneOp(w, extractLane[integerElement(indexBytes)]!, lane % (16 / indexBytes));
      if (indexBytes === 8) emit(w, 0xa7);
      if (size > 1) {
        i32(w, Math.log2(size));
        emit(w, 0x74);
      }
      emit(w, 0x6a);
      get(w, accumulator);
      vectorOp(w, simd.load8Lane + Math.log2(size));
      emit(w, 0);
      unsigned(w.code, offset);
      emit(w, k);
      set(w, accumulator);
      if (!always) emit(w, 0x0b);
    }
    parts.push(accumulator);
  }
  w.parts.set(result, parts);
}
