import { NeuroranError } from "../../errors.js";
import { buildFragment } from "../builder.js";
import type { Block, Operation, Value } from "../operation.js";
import { byteSize, type ElementType, type Type } from "../type.js";
import { type Bytes, byte, bytes, float32, float64, signed32, signed64, unsigned } from "./bytes.js";
import { typeCode, type WasmType } from "./encoder.js";
import { simd } from "./opcodes.js";

/** A local variable of the WebAssembly function. */
export type Local = number;

/** WebAssembly's type for a scalar: narrow integers and `index` live in i32, upper bits undefined. */
export function wasmScalar(element: ElementType): "i32" | "i64" | "f32" | "f64" {
  if (element === "i64" || element === "f32" || element === "f64") return element;
  return "i32";
}

export function unsupported(what: string): NeuroranError {
  return new NeuroranError("KERNEL_UNSUPPORTED", `target wasm: ${what}`);
}

/**
 * The function being written. A vector is a list of 128-bit parts, each in a local; a vector below 128 bits is one
 * part whose upper bytes are undefined. A mask (`vector<Nxi1>`) is a vector of all-zeros and all-ones lanes, whose
 * width in bytes is kept beside it since it follows from what was compared.
 */
export interface FunctionWriter {
  readonly code: Bytes;
  readonly localTypes: WasmType[];
  readonly parameterCount: number;
  /** Locals that ended scopes gave back, by type. */
  readonly free: Record<WasmType, Local[]>;
  /** Locals taken in the present scope. */
  taken: [WasmType, Local][];
  readonly parts: Map<Value, readonly Local[]>;
  readonly maskBytes: Map<Value, number>;
  /** Addresses already computed, by buffer and index. */
  addresses: Map<string, Local>;
  /** How often each of the kernel's own values is an operand; of what other operations are replaced by, nothing is known. */
  readonly uses: ReadonlyMap<Value, number>;
  /** Whether the engine has relaxed SIMD. */
  readonly relaxed: boolean;
  /** Lowers the operations of a block in order. */
  readonly lowerBlock: (w: FunctionWriter, block: Block) => void;
}

/** Lowers one operation: appends code, and notes where its results are. */
export type Lowering = (w: FunctionWriter, operation: Operation) => void;

/** Element types that a lane of a vector has; a mask's lanes are apart. */
export type Lane = "i8" | "i16" | "i32" | "i64" | "f32" | "f64";

export function newLocal(w: FunctionWriter, type: WasmType): Local {
  const reused = w.free[type].pop();
  const local = reused ?? w.parameterCount + w.localTypes.push(type) - 1;
  w.taken.push([type, local]);
  return local;
}

/** Runs `body` in a scope: locals and addresses that it takes are given back after it. */
export function inScope(w: FunctionWriter, body: () => void): void {
  const { taken, addresses } = w;
  w.taken = [];
  w.addresses = new Map(addresses);
  body();
  for (const [type, local] of w.taken) w.free[type].push(local);
  w.taken = taken;
  w.addresses = addresses;
}

/** Appends opcodes and their one-byte immediates. */
export function emit(w: FunctionWriter, ...opcodes: number[]): void {
  for (const opcode of opcodes) byte(w.code, opcode);
}

export function get(w: FunctionWriter, local: Local): void {
  byte(w.code, 0x20);
  unsigned(w.code, local);
}

export function set(w: FunctionWriter, local: Local): void {
  byte(w.code, 0x21);
  unsigned(w.code, local);
}

/** Stores the top of the stack into a new local. */
export function keep(w: FunctionWriter, type: WasmType): Local {
  const local = newLocal(w, type);
  set(w, local);
  return local;
}

export function i32(w: FunctionWriter, value: number): void {
  byte(w.code, 0x41);
  signed32(w.code, value);
}

/** A SIMD instruction. */
export function vectorOp(w: FunctionWriter, opcode: number): void {
  byte(w.code, 0xfd);
  unsigned(w.code, opcode);
}

/** A SIMD instruction on a lane. */
export function laneOp(w: FunctionWriter, opcode: number, lane: number): void {
  vectorOp(w, opcode);
  emit(w, lane);
}

export function blockStart(w: FunctionWriter, opcode: 0x02 | 0x03 | 0x04, result?: WasmType): void {
  emit(w, opcode, result ? typeCode[result] : 0x40);
}

/** Bytes of a lane; a mask's follow from the comparison that made it. */
export function laneBytes(w: FunctionWriter, value: Value): number {
  if (value.type.element !== "i1") return byteSize(value.type.element);
  return w.maskBytes.get(value) ?? canonicalMaskBytes(value.type.lanes);
}

/** The width of a mask that nothing else decides: the one that fills a register, between 1 and 8 bytes. */
export function canonicalMaskBytes(lanes: number): number {
  return Math.min(8, Math.max(1, 16 / lanes));
}

export function partCount(lanes: number, bytes: number): number {
  return Math.max(1, (lanes * bytes) / 16);
}

/** Pushes one part of a value. */
export function push(w: FunctionWriter, value: Value, part = 0): void {
  const known = w.parts.get(value);
  if (known) {
    get(w, known[part]!);
    return;
  }
  const constant =
    value.definition?.name === "arith.constant" ? value.definition.attributes.value : undefined;
  if (constant === undefined) throw unsupported("a value is used outside the block that defines it");
  pushConstant(w, value.type, constant as number | bigint | readonly (number | bigint)[], part);
}

function pushConstant(
  w: FunctionWriter,
  type: Type,
  value: number | bigint | readonly (number | bigint)[],
  part: number,
): void {
  if (type.lanes === 0) {
    const v = value as number | bigint;
    if (type.element === "f32") {
      emit(w, 0x43);
      float32(w.code, Number(v));
    } else if (type.element === "f64") {
      emit(w, 0x44);
      float64(w.code, Number(v));
    } else if (type.element === "i64") {
      emit(w, 0x42);
      signed64(w.code, BigInt(v));
    } else {
      i32(w, Number(v));
    }
    return;
  }
  const width = type.element === "i1" ? canonicalMaskBytes(type.lanes) : byteSize(type.element);
  const register = new DataView(new ArrayBuffer(16));
  const perPart = 16 / width;
  for (let k = 0; k < perPart; k++) {
    const v = Array.isArray(value)
      ? ((value as readonly (number | bigint)[])[part * perPart + k] ?? 0)
      : (value as number | bigint);
    if (type.element === "i1")
      for (let b = 0; b < width; b++) register.setUint8(k * width + b, Number(v) ? 255 : 0);
    else if (type.element === "f32") register.setFloat32(k * 4, Number(v), true);
    else if (type.element === "f64") register.setFloat64(k * 8, Number(v), true);
    else if (type.element === "i64") register.setBigInt64(k * 8, BigInt.asIntN(64, BigInt(v)), true);
    else if (width === 4) register.setInt32(k * 4, Number(v), true);
    else if (width === 2) register.setInt16(k * 2, Number(v), true);
    else register.setInt8(k, Number(v));
  }
  vectorOp(w, simd.constant);
  bytes(w.code, new Uint8Array(register.buffer));
}

/** The locals of all parts; a constant is put into new ones. */
export function localsOf(w: FunctionWriter, value: Value): readonly Local[] {
  const known = w.parts.get(value);
  if (known) return known;
  const count = value.type.lanes === 0 ? 1 : partCount(value.type.lanes, laneBytes(w, value));
  const locals: Local[] = [];
  for (let p = 0; p < count; p++) {
    push(w, value, p);
    locals.push(keep(w, value.type.lanes === 0 ? wasmScalar(value.type.element) : "v128"));
  }
  return locals;
}

/** Pushes an i8 or i16 scalar with its upper bits defined. */
export function pushExtended(w: FunctionWriter, value: Value, how: "signed" | "unsigned"): void {
  push(w, value);
  extendTop(w, value.type.element, how);
}

/** Defines the upper bits of the narrow integer on top of the stack. */
export function extendTop(w: FunctionWriter, element: ElementType, how: "signed" | "unsigned"): void {
  if (element !== "i8" && element !== "i16") return;
  if (how === "signed") {
    emit(w, element === "i8" ? 0xc0 : 0xc1);
  } else {
    i32(w, element === "i8" ? 0xff : 0xffff);
    emit(w, 0x71);
  }
}

/** Emits `part` for each 128-bit part of a result of lanes of `width` bytes and keeps what it leaves. */
export function eachPart(
  w: FunctionWriter,
  result: Value,
  width: number,
  emitPart: (part: number) => void,
): void {
  const parts: Local[] = [];
  for (let p = 0; p < partCount(result.type.lanes, width); p++) {
    emitPart(p);
    parts.push(keep(w, "v128"));
  }
  w.parts.set(result, parts);
}

/** Lowers other operations in place of one and gives their result to it. */
export function replace(
  w: FunctionWriter,
  operation: Operation,
  body: (operation: Operation) => Value,
): void {
  const { block, result } = buildFragment(() => body(operation));
  w.lowerBlock(w, block);
  const mine = operation.results[0]!;
  w.parts.set(mine, localsOf(w, result));
  if (mine.type.element === "i1" && mine.type.lanes > 0) w.maskBytes.set(mine, laneBytes(w, result));
}
