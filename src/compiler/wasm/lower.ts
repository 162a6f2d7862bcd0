import { arith } from "../arith.js";
import { buildFragment, constantOf } from "../builder.js";
import type { Block, Kernel, Operation, Value } from "../operation.js";
import { byteSize, isFloat } from "../type.js";
import type { WasmType } from "./encoder.js";
import { unsigned } from "./encoder.js";
import {
  expandAbsolute,
  expandCompare,
  expandExponential,
  expandLanes,
  expandLogarithm,
  expandMinMax,
  expandMultiply8,
  expandReduction,
  expandSaturating,
} from "./expand.js";
import {
  blockStart,
  canonicalMaskBytes,
  extendTop,
  type FunctionWriter,
  get,
  inScope,
  keep,
  type Local,
  laneBytes,
  localsOf,
  newLocal,
  partCount,
  push,
  pushExtended,
  set,
  unsupported,
  vectorOp,
  wasmScalar,
} from "./function-writer.js";
import { integerElement, maskOf, pushBytes, shuffleBytes, shuffleLanes } from "./lanes.js";
import { lowerCast } from "./lower-cast.js";
import { lowerMemory } from "./lower-memory.js";
import {
  bitmask,
  extensionOf,
  extractLane,
  pseudoMaximum,
  pseudoMinimum,
  relaxedMultiplyAdd,
  replaceLane,
  scalarBinary,
  scalarCompare,
  scalarUnary,
  simd,
  splat,
  vectorBinary,
  vectorCompare,
  vectorLogic,
  vectorShift,
  vectorUnary,
} from "./opcodes.js";

type Lane = "i8" | "i16" | "i32" | "i64" | "f32" | "f64";

/** Turns a kernel into the parts of a WebAssembly function. @throws NeuroranError `KERNEL_UNSUPPORTED`. */
export function lowerKernel(
  kernel: Kernel,
  relaxed: boolean,
): { parameters: WasmType[]; result: WasmType | undefined; locals: WasmType[]; code: number[] } {
  const parameters: WasmType[] = [];
  const w: FunctionWriter = {
    code: [],
    localTypes: [],
    parameterCount: kernel.arguments.length,
    free: { i32: [], i64: [], f32: [], f64: [], v128: [] },
    taken: [],
    parts: new Map(),
    maskBytes: new Map(),
    addresses: new Map(),
    relaxed,
  };
  kernel.arguments.forEach((a, position) => {
    if (a.kind === "scalar") {
      parameters.push(wasmScalar(a.value.type.element));
      w.parts.set(a.value, [position]);
    } else {
      parameters.push("i32");
    }
  });
  lowerBlock(w, kernel.body);
  if (!kernel.result) return { parameters, result: undefined, locals: w.localTypes, code: w.code };
  if (kernel.result.type.lanes !== 0) throw unsupported(`${kernel.name} returns a vector; return a scalar`);
  push(w, kernel.result);
  extendTop(w, kernel.result.type.element, "signed");
  return { parameters, result: wasmScalar(kernel.result.type.element), locals: w.localTypes, code: w.code };
}

function lowerBlock(w: FunctionWriter, block: Block): void {
  for (const operation of block.operations) lowerOperation(w, operation);
}

/** Lowers other operations in place of one and gives their result to it. */
function replace(w: FunctionWriter, operation: Operation, body: (operation: Operation) => Value): void {
  const { block, result } = buildFragment(() => body(operation));
  lowerBlock(w, block);
  const mine = operation.results[0]!;
  w.parts.set(mine, localsOf(w, result));
  if (mine.type.element === "i1" && mine.type.lanes > 0) w.maskBytes.set(mine, laneBytes(w, result));
}

function lowerOperation(w: FunctionWriter, operation: Operation): void {
  const { name } = operation;
  const vector = (operation.results[0]?.type.lanes ?? 0) > 0;
  switch (name) {
    case "arith.constant":
    case "scf.yield":
      return;
    case "scf.for":
      return lowerFor(w, operation);
    case "scf.if":
      return lowerIf(w, operation);
    case "memref.load":
    case "memref.store":
    case "vector.load":
    case "vector.store":
    case "vector.maskedload":
    case "vector.maskedstore":
    case "vector.gather":
      return lowerMemory(w, operation);
    case "arith.cmpi":
    case "arith.cmpf":
      return lowerCompare(w, operation);
    case "arith.select":
      return lowerSelect(w, operation);
    case "vector.broadcast":
      return lowerBroadcast(w, operation);
    case "vector.shuffle":
      return lowerShuffle(w, operation);
    case "vector.extract":
      return lowerExtract(w, operation);
    case "vector.insert":
      return lowerInsert(w, operation);
    case "vector.reduction":
      return lowerReduction(w, operation);
    case "vector.create_mask":
      return lowerCreateMask(w, operation);
    case "math.exp":
      return replace(w, operation, expandExponential);
    case "math.log":
      return replace(w, operation, expandLogarithm);
    case "math.fma":
      return lowerMultiplyAdd(w, operation);
    case "math.ctpop":
      return lowerPopulationCount(w, operation);
    default:
      if (/^arith\.(ext|trunc|sitofp|uitofp|fptosi|fptoui|bitcast|index_cast)|^vector\.bitcast/.test(name)) {
        return lowerCast(w, operation, (body) => replace(w, operation, body));
      }
      if (operation.operands.length === 1)
        return vector ? lowerVectorUnary(w, operation) : lowerScalarUnary(w, operation);
      if (operation.operands.length === 2)
        return vector ? lowerVectorBinary(w, operation) : lowerScalarBinary(w, operation);
      throw unsupported(`no lowering for ${name}`);
  }
}

/** Emits `emit` for each part and keeps the results. */
function eachPart(w: FunctionWriter, result: Value, bytes: number, emit: (part: number) => void): void {
  const parts: Local[] = [];
  for (let p = 0; p < partCount(result.type.lanes, bytes); p++) {
    emit(p);
    parts.push(keep(w, "v128"));
  }
  w.parts.set(result, parts);
}

function lowerVectorBinary(w: FunctionWriter, operation: Operation): void {
  const { name } = operation;
  const [a, b] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const element = result.type.element;
  if (vectorLogic[name] !== undefined) {
    if (element === "i1") {
      // A constant mask has no width of its own: the other operand decides.
      const first = constantOf(a) === undefined ? a : b;
      const bytes = laneBytes(w, first);
      const [x, y] = [maskOf(w, a, bytes), maskOf(w, b, bytes)];
      w.maskBytes.set(result, bytes);
      eachPart(w, result, bytes, (p) => {
        get(w, x[p]!);
        get(w, y[p]!);
        vectorOp(w, vectorLogic[name]!);
      });
      return;
    }
    eachPart(w, result, byteSize(element), (p) => {
      push(w, a, p);
      push(w, b, p);
      vectorOp(w, vectorLogic[name]!);
    });
    return;
  }
  if (vectorShift[name]) return lowerShift(w, operation);
  const opcode = vectorBinary[name]?.[element as Lane];
  if (opcode === undefined) {
    if (/^arith\.(min|max)[su]i$/.test(name)) return replace(w, operation, expandMinMax);
    if (name.startsWith("llvm.intr.")) return replace(w, operation, expandSaturating);
    if (name === "arith.muli" && element === "i8") return replace(w, operation, expandMultiply8);
    const perLane = (arith as Record<string, unknown>)[name.slice("arith.".length)];
    if (typeof perLane !== "function") throw unsupported(`${name} on lanes of ${element}`);
    return replace(w, operation, (o) => expandLanes(o, perLane as (x: Value, y: Value) => Value));
  }
  eachPart(w, result, byteSize(element), (p) => {
    push(w, a, p);
    push(w, b, p);
    vectorOp(w, opcode);
  });
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
    return replace(w, operation, (o) => expandLanes(o, perLane));
  }
  eachPart(w, result, byteSize(element), (p) => {
    push(w, a, p);
    if (scalar) {
      push(w, scalar);
      if (element === "i64") w.code.push(0xa7);
    } else {
      w.code.push(0x41);
      unsigned(w.code, Number(splatted));
    }
    vectorOp(w, opcode);
  });
}

function lowerVectorUnary(w: FunctionWriter, operation: Operation): void {
  const result = operation.results[0]!;
  const opcode = vectorUnary[operation.name]?.[result.type.element as Lane];
  if (opcode === undefined) throw unsupported(`${operation.name} on lanes of ${result.type.element}`);
  eachPart(w, result, byteSize(result.type.element), (p) => {
    push(w, operation.operands[0]!, p);
    vectorOp(w, opcode);
  });
}

function lowerScalarUnary(w: FunctionWriter, operation: Operation): void {
  const result = operation.results[0]!;
  if (operation.name === "math.absi") return replace(w, operation, expandAbsolute);
  const type = wasmScalar(result.type.element);
  const opcode = scalarUnary[operation.name]?.[type];
  if (opcode === undefined) throw unsupported(`${operation.name} on ${result.type.element}`);
  push(w, operation.operands[0]!);
  w.code.push(opcode);
  w.parts.set(result, [keep(w, type)]);
}

function lowerScalarBinary(w: FunctionWriter, operation: Operation): void {
  const { name } = operation;
  const [a, b] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  if (/^arith\.(min|max)[su]i$/.test(name)) return replace(w, operation, expandMinMax);
  if (name.startsWith("llvm.intr.")) {
    const { element } = result.type;
    // In 8 and 16 bits the sum wraps inside i32, so the sign tests look at extended operands.
    if (element !== "i8" && element !== "i16") return replace(w, operation, expandSaturating);
    return replace(w, operation, (o) => {
      const signed = o.name.startsWith("llvm.intr.s");
      const widened = (v: Value): Value => (signed ? arith.extsi(v, "i32") : arith.extui(v, "i32"));
      const bits = byteSize(element) * 8;
      const sum = (o.name.includes("add") ? arith.addi : arith.subi)(widened(a), widened(b));
      const [low, high] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
      return arith.trunci(arith.minsi(arith.maxsi(sum, low), high), element);
    });
  }
  const type = wasmScalar(result.type.element);
  const opcode = scalarBinary[name]?.[type];
  if (opcode === undefined) throw unsupported(`${name} on ${result.type.element}`);
  const extension = extensionOf[name];
  if (extension) pushExtended(w, a, extension);
  else push(w, a);
  if (extension) pushExtended(w, b, name.startsWith("arith.shr") ? "unsigned" : extension);
  else if (name === "arith.shli") pushExtended(w, b, "unsigned");
  else push(w, b);
  w.code.push(opcode);
  if (result.type.element === "i1" && !/\.(and|or|xor)i$/.test(name)) w.code.push(0x41, 1, 0x71);
  w.parts.set(result, [keep(w, type)]);
}

function lowerCompare(w: FunctionWriter, operation: Operation): void {
  const [a, b] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const predicate = operation.attributes["predicate"] as string;
  const element = a.type.element;
  if (result.type.lanes === 0) {
    const opcode = scalarCompare[predicate]?.[wasmScalar(element)];
    if (opcode === undefined) return replace(w, operation, expandCompare);
    if (isFloat(element)) {
      push(w, a);
      push(w, b);
    } else {
      const how = predicate.startsWith("s") ? "signed" : "unsigned";
      pushExtended(w, a, how);
      pushExtended(w, b, how);
    }
    w.code.push(opcode);
    w.parts.set(result, [keep(w, "i32")]);
    return;
  }
  if (element === "i1") throw unsupported("arith.cmpi on masks: use arith.xori");
  const opcode = vectorCompare[predicate]?.[element as Lane];
  if (opcode === undefined) return replace(w, operation, expandCompare);
  w.maskBytes.set(result, byteSize(element));
  eachPart(w, result, byteSize(element), (p) => {
    push(w, a, p);
    push(w, b, p);
    vectorOp(w, opcode);
  });
}

function lowerSelect(w: FunctionWriter, operation: Operation): void {
  const [condition, a, b] = operation.operands as [Value, Value, Value];
  const result = operation.results[0]!;
  if (result.type.lanes === 0 || condition.type.lanes === 0) {
    const scalar = result.type.lanes === 0;
    const type = scalar ? wasmScalar(result.type.element) : "v128";
    const [x, y] = scalar ? [[], []] : [selectable(w, a, result), selectable(w, b, result)];
    const count = scalar ? 1 : partCount(result.type.lanes, laneBytes(w, result));
    const parts: Local[] = [];
    for (let p = 0; p < count; p++) {
      if (scalar) push(w, a);
      else get(w, x[p]!);
      if (scalar) push(w, b);
      else get(w, y[p]!);
      push(w, condition);
      if (scalar) w.code.push(0x1b);
      else w.code.push(0x1c, 1, 0x7b);
      parts.push(keep(w, type));
    }
    w.parts.set(result, parts);
    return;
  }
  if (lowerPseudoMinMax(w, operation)) return;
  const bytes = result.type.element === "i1" ? laneBytes(w, condition) : byteSize(result.type.element);
  if (result.type.element === "i1") w.maskBytes.set(result, bytes);
  const mask = maskOf(w, condition, bytes);
  const [x, y] =
    result.type.element === "i1" ? [maskOf(w, a, bytes), maskOf(w, b, bytes)] : [undefined, undefined];
  eachPart(w, result, bytes, (p) => {
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

function selectable(w: FunctionWriter, value: Value, result: Value): readonly Local[] {
  if (value.type.element !== "i1") return localsOf(w, value);
  const bytes = canonicalMaskBytes(value.type.lanes);
  w.maskBytes.set(result, bytes);
  return maskOf(w, value, bytes);
}

/** `x < y ? x : y` of floats is one instruction. */
function lowerPseudoMinMax(w: FunctionWriter, operation: Operation): boolean {
  const [condition, a, b] = operation.operands as [Value, Value, Value];
  const compare = condition.definition;
  if (compare?.name !== "arith.cmpf" || compare.operands[0] !== a || compare.operands[1] !== b) return false;
  const predicate = compare.attributes["predicate"];
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

function lowerBroadcast(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  const { element, lanes } = result.type;
  if (element === "i1") {
    const bytes = canonicalMaskBytes(lanes);
    w.maskBytes.set(result, bytes);
    w.code.push(0x41, 0);
    push(w, source);
    w.code.push(0x6b);
    vectorOp(w, splat.i32!);
    w.parts.set(result, new Array<Local>(partCount(lanes, bytes)).fill(keep(w, "v128")));
    return;
  }
  push(w, source);
  vectorOp(w, splat[element as Lane]!);
  w.parts.set(result, new Array<Local>(partCount(lanes, byteSize(element))).fill(keep(w, "v128")));
}

function lowerShuffle(w: FunctionWriter, operation: Operation): void {
  const [a, b] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const mask = operation.attributes["mask"] as readonly number[];
  const bytes = laneBytes(w, a);
  const masks = a.type.element === "i1";
  if (masks) w.maskBytes.set(result, bytes);
  const [x, y] = masks ? [maskOf(w, a, bytes), maskOf(w, b, bytes)] : [localsOf(w, a), localsOf(w, b)];
  w.parts.set(result, shuffleLanes(w, x, y, a.type.lanes, bytes, mask));
}

function lowerExtract(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  const lane = operation.attributes["lane"] as number;
  const bytes = laneBytes(w, source);
  const perPart = 16 / bytes;
  const element = source.type.element === "i1" ? integerElement(bytes) : (source.type.element as Lane);
  push(w, source, Math.floor(lane / perPart));
  vectorOp(w, extractLane[element]!);
  w.code.push(lane % perPart);
  if (source.type.element === "i1") {
    if (element === "i64") w.code.push(0xa7);
    w.code.push(0x41, 1, 0x71);
  }
  w.parts.set(result, [keep(w, wasmScalar(result.type.element))]);
}

function lowerInsert(w: FunctionWriter, operation: Operation): void {
  const [element, into] = operation.operands as [Value, Value];
  const result = operation.results[0]!;
  const lane = operation.attributes["lane"] as number;
  const parts = [...localsOf(w, into)];
  const bytes = laneBytes(w, into);
  const perPart = 16 / bytes;
  const part = Math.floor(lane / perPart);
  get(w, parts[part]!);
  if (into.type.element === "i1") {
    w.maskBytes.set(result, bytes);
    w.code.push(0x41, 0);
    push(w, element);
    w.code.push(0x6b);
    if (bytes === 8) w.code.push(0xac);
    vectorOp(w, replaceLane[integerElement(bytes)]!);
  } else {
    push(w, element);
    vectorOp(w, replaceLane[into.type.element as Lane]!);
  }
  w.code.push(lane % perPart);
  parts[part] = keep(w, "v128");
  w.parts.set(result, parts);
}

function lowerReduction(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  const kind = operation.attributes["kind"] as string;
  const { element, lanes } = source.type;
  if (element === "i1") return lowerMaskReduction(w, operation);
  const dialect = ["and", "or"].includes(kind)
    ? `arith.${kind}i`
    : kind === "xor"
      ? "arith.xori"
      : `arith.${kind}`;
  const name = kind === "add" || kind === "mul" ? `arith.${kind}i` : dialect;
  const opcode = vectorLogic[name] ?? vectorBinary[name]?.[element as Lane];
  const ordered = isFloat(element) && (kind === "add" || kind === "mul");
  if (ordered || opcode === undefined) return replace(w, operation, expandReduction);
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
  w.code.push(0);
  w.parts.set(result, [keep(w, wasmScalar(element))]);
}

function lowerMaskReduction(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const kind = operation.attributes["kind"] as string;
  const { lanes } = source.type;
  const bytes = laneBytes(w, source);
  const valid = Math.min(16, lanes * bytes);
  const parts = localsOf(w, source);
  if (kind !== "or" && kind !== "and" && kind !== "xor")
    throw unsupported(`vector.reduction <${kind}> on a mask`);
  parts.forEach((part, k) => {
    get(w, part);
    if (kind === "and") vectorOp(w, simd.not);
    if (valid < 16) {
      pushBytes(w, (b) => (b < valid ? 255 : 0));
      vectorOp(w, vectorLogic["arith.andi"]!);
    }
    if (kind === "xor") {
      vectorOp(w, bitmask[bytes]!);
      w.code.push(0x69, 0x41, 1, 0x71);
    } else {
      vectorOp(w, simd.anyTrue);
    }
    if (k > 0) w.code.push(kind === "xor" ? 0x73 : 0x72);
  });
  if (kind === "and") w.code.push(0x45);
  w.parts.set(operation.results[0]!, [keep(w, "i32")]);
}

function lowerCreateMask(w: FunctionWriter, operation: Operation): void {
  const count = operation.operands[0]!;
  const result = operation.results[0]!;
  const { lanes } = result.type;
  const bytes = canonicalMaskBytes(lanes);
  w.maskBytes.set(result, bytes);
  // The count is brought into 0…lanes first, so that it fits a lane.
  const { block, result: clamped } = buildFragment(() => arith.minsi(arith.maxsi(count, 0), lanes));
  lowerBlock(w, block);
  push(w, clamped);
  if (bytes === 8) w.code.push(0xad);
  const element = integerElement(bytes);
  vectorOp(w, splat[element]!);
  const limit = keep(w, "v128");
  const perPart = 16 / bytes;
  eachPart(w, result, bytes, (p) => {
    pushBytes(w, (b) => (b % bytes === 0 ? p * perPart + b / bytes : 0));
    get(w, limit);
    vectorOp(w, bytes === 8 ? vectorCompare["slt"]!.i64! : vectorCompare["ult"]![element]!);
  });
}

function lowerMultiplyAdd(w: FunctionWriter, operation: Operation): void {
  const [a, b, c] = operation.operands as [Value, Value, Value];
  const result = operation.results[0]!;
  const element = result.type.element as "f32" | "f64";
  if (result.type.lanes === 0 || !w.relaxed) {
    return replace(w, operation, () => arith.addf(arith.mulf(a, b), c));
  }
  eachPart(w, result, byteSize(element), (p) => {
    push(w, a, p);
    push(w, b, p);
    push(w, c, p);
    vectorOp(w, relaxedMultiplyAdd[element]!);
  });
}

function lowerPopulationCount(w: FunctionWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const result = operation.results[0]!;
  const { element, lanes } = result.type;
  if (lanes === 0) {
    pushExtended(w, source, "unsigned");
    w.code.push(element === "i64" ? 0x7b : 0x69);
    w.parts.set(result, [keep(w, wasmScalar(element))]);
    return;
  }
  if (element === "i64") throw unsupported("math.ctpop on lanes of i64");
  eachPart(w, result, byteSize(element), (p) => {
    push(w, source, p);
    vectorOp(w, simd.popcount8);
    if (element !== "i8") vectorOp(w, simd.extaddPairwise8U);
    if (element === "i32") vectorOp(w, simd.extaddPairwise16U);
  });
}

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

function lowerFor(w: FunctionWriter, operation: Operation): void {
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
    w.code.push(0x4e, 0x0d, 0);
  }
  blockStart(w, 0x03);
  inScope(w, () => {
    lowerBlock(w, block);
    for (const v of block.operations.at(-1)!.operands) pushCarried(w, v);
    for (const local of [...all].reverse()) set(w, local);
  });
  get(w, counter);
  push(w, step);
  w.code.push(0x6a);
  w.code.push(0x22);
  unsigned(w.code, counter);
  push(w, upper);
  w.code.push(0x48, 0x0d, 0, 0x0b);
  if (!runsOnce) w.code.push(0x0b);
}

function lowerIf(w: FunctionWriter, operation: Operation): void {
  const locals = operation.results.map((r) => takeCarried(w, r));
  const all = locals.flat();
  const arm = (block: Block): void =>
    inScope(w, () => {
      lowerBlock(w, block);
      for (const v of block.operations.at(-1)!.operands) pushCarried(w, v);
      for (const local of [...all].reverse()) set(w, local);
    });
  push(w, operation.operands[0]!);
  blockStart(w, 0x04);
  arm(operation.regions[0]!);
  if (operation.regions[1]!.operations.length > 1 || all.length > 0) {
    w.code.push(0x05);
    arm(operation.regions[1]!);
  }
  w.code.push(0x0b);
  operation.results.forEach((r, k) => w.parts.set(r, locals[k]!));
}
