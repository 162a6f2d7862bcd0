import type { ElementType } from "../type.js";

/** Opcodes of WebAssembly 2.0 and of relaxed SIMD, under the names of the kernel language's operations. */

type Lane = "i8" | "i16" | "i32" | "i64" | "f32" | "f64";
type PerLane = Partial<Record<Lane, number>>;

/** Vector operations of two operands and one instruction. */
export const vectorBinary: Record<string, PerLane> = {
  "arith.addi": { i8: 110, i16: 142, i32: 174, i64: 206 },
  "arith.subi": { i8: 113, i16: 145, i32: 177, i64: 209 },
  "arith.muli": { i16: 149, i32: 181, i64: 213 },
  "arith.minsi": { i8: 118, i16: 150, i32: 182 },
  "arith.minui": { i8: 119, i16: 151, i32: 183 },
  "arith.maxsi": { i8: 120, i16: 152, i32: 184 },
  "arith.maxui": { i8: 121, i16: 153, i32: 185 },
  "arith.addf": { f32: 228, f64: 240 },
  "arith.subf": { f32: 229, f64: 241 },
  "arith.mulf": { f32: 230, f64: 242 },
  "arith.divf": { f32: 231, f64: 243 },
  "arith.minimumf": { f32: 232, f64: 244 },
  "arith.maximumf": { f32: 233, f64: 245 },
  "llvm.intr.sadd.sat": { i8: 111, i16: 143 },
  "llvm.intr.uadd.sat": { i8: 112, i16: 144 },
  "llvm.intr.ssub.sat": { i8: 114, i16: 146 },
  "llvm.intr.usub.sat": { i8: 115, i16: 147 },
};

/** Whole-register logic, whatever the lanes. */
export const vectorLogic: Record<string, number> = {
  "arith.andi": 78,
  "arith.ori": 80,
  "arith.xori": 81,
};

export const vectorUnary: Record<string, PerLane> = {
  "math.absi": { i8: 96, i16: 128, i32: 160, i64: 192 },
  "math.absf": { f32: 224, f64: 236 },
  "arith.negf": { f32: 225, f64: 237 },
  "math.sqrt": { f32: 227, f64: 239 },
  "math.ceil": { f32: 103, f64: 116 },
  "math.floor": { f32: 104, f64: 117 },
  "math.trunc": { f32: 105, f64: 122 },
  "math.roundeven": { f32: 106, f64: 148 },
};

export const vectorShift: Record<string, PerLane> = {
  "arith.shli": { i8: 107, i16: 139, i32: 171, i64: 203 },
  "arith.shrsi": { i8: 108, i16: 140, i32: 172, i64: 204 },
  "arith.shrui": { i8: 109, i16: 141, i32: 173, i64: 205 },
};

/** Integer comparisons; i64 has no unsigned ones. */
export const vectorCompare: Record<string, PerLane> = {
  eq: { i8: 35, i16: 45, i32: 55, i64: 214 },
  ne: { i8: 36, i16: 46, i32: 56, i64: 215 },
  slt: { i8: 37, i16: 47, i32: 57, i64: 216 },
  ult: { i8: 38, i16: 48, i32: 58 },
  sgt: { i8: 39, i16: 49, i32: 59, i64: 217 },
  ugt: { i8: 40, i16: 50, i32: 60 },
  sle: { i8: 41, i16: 51, i32: 61, i64: 218 },
  ule: { i8: 42, i16: 52, i32: 62 },
  sge: { i8: 43, i16: 53, i32: 63, i64: 219 },
  uge: { i8: 44, i16: 54, i32: 64 },
  oeq: { f32: 65, f64: 71 },
  une: { f32: 66, f64: 72 },
  olt: { f32: 67, f64: 73 },
  ogt: { f32: 68, f64: 74 },
  ole: { f32: 69, f64: 75 },
  oge: { f32: 70, f64: 76 },
};

export const splat: PerLane = { i8: 15, i16: 16, i32: 17, i64: 18, f32: 19, f64: 20 };
export const extractLane: PerLane = { i8: 21, i16: 24, i32: 27, i64: 29, f32: 31, f64: 33 };
export const replaceLane: PerLane = { i8: 23, i16: 26, i32: 28, i64: 30, f32: 32, f64: 34 };
/** By bytes of a lane: mask to bits, and all lanes set. */
export const bitmask: Record<number, number> = { 1: 100, 2: 132, 4: 164, 8: 196 };
/** By the narrower lane: low and high halves, signed and unsigned. */
export const extend: Record<string, { lowS: number; highS: number; lowU: number; highU: number }> = {
  i8: { lowS: 135, highS: 136, lowU: 137, highU: 138 },
  i16: { lowS: 167, highS: 168, lowU: 169, highU: 170 },
  i32: { lowS: 199, highS: 200, lowU: 201, highU: 202 },
};
/** By the wider lane: two registers into one with signed or unsigned saturation. */
export const narrow: Record<string, { signed: number; unsigned: number }> = {
  i16: { signed: 101, unsigned: 102 },
  i32: { signed: 133, unsigned: 134 },
};
/** By the operand's lane: minimum and maximum as `b < a ? b : a` and `a < b ? b : a`. */
export const pseudoMinimum: PerLane = { f32: 234, f64: 246 };
export const pseudoMaximum: PerLane = { f32: 235, f64: 247 };
export const relaxedMultiplyAdd: PerLane = { f32: 261, f64: 263 };

export const simd = {
  load: 0,
  load8Splat: 7,
  store: 11,
  constant: 12,
  shuffle: 13,
  not: 77,
  bitselect: 82,
  anyTrue: 83,
  load8Lane: 84,
  store8Lane: 88,
  load32Zero: 92,
  load64Zero: 93,
  demote: 94,
  promote: 95,
  popcount8: 98,
  extaddPairwise8U: 125,
  extaddPairwise16U: 127,
  truncF32S: 248,
  truncF32U: 249,
  convertF32S: 250,
  convertF32U: 251,
  truncF64S: 252,
  truncF64U: 253,
  convertF64S: 254,
  convertF64U: 255,
} as const;

/** Scalar operations: i8 and i16 live in i32. */
type Scalar = "i32" | "i64" | "f32" | "f64";
export const scalarBinary: Record<string, Partial<Record<Scalar, number>>> = {
  "arith.addi": { i32: 0x6a, i64: 0x7c },
  "arith.subi": { i32: 0x6b, i64: 0x7d },
  "arith.muli": { i32: 0x6c, i64: 0x7e },
  "arith.divsi": { i32: 0x6d, i64: 0x7f },
  "arith.divui": { i32: 0x6e, i64: 0x80 },
  "arith.remsi": { i32: 0x6f, i64: 0x81 },
  "arith.remui": { i32: 0x70, i64: 0x82 },
  "arith.andi": { i32: 0x71, i64: 0x83 },
  "arith.ori": { i32: 0x72, i64: 0x84 },
  "arith.xori": { i32: 0x73, i64: 0x85 },
  "arith.shli": { i32: 0x74, i64: 0x86 },
  "arith.shrsi": { i32: 0x75, i64: 0x87 },
  "arith.shrui": { i32: 0x76, i64: 0x88 },
  "arith.addf": { f32: 0x92, f64: 0xa0 },
  "arith.subf": { f32: 0x93, f64: 0xa1 },
  "arith.mulf": { f32: 0x94, f64: 0xa2 },
  "arith.divf": { f32: 0x95, f64: 0xa3 },
  "arith.minimumf": { f32: 0x96, f64: 0xa4 },
  "arith.maximumf": { f32: 0x97, f64: 0xa5 },
};

/** Which operand bits beyond the type's width an operation looks at, for i8 and i16 in i32. */
export const extensionOf: Record<string, "signed" | "unsigned"> = {
  "arith.divsi": "signed",
  "arith.remsi": "signed",
  "arith.shrsi": "signed",
  "arith.minsi": "signed",
  "arith.maxsi": "signed",
  "arith.divui": "unsigned",
  "arith.remui": "unsigned",
  "arith.shrui": "unsigned",
  "arith.minui": "unsigned",
  "arith.maxui": "unsigned",
};

export const scalarUnary: Record<string, Partial<Record<Scalar, number>>> = {
  "math.absf": { f32: 0x8b, f64: 0x99 },
  "arith.negf": { f32: 0x8c, f64: 0x9a },
  "math.ceil": { f32: 0x8d, f64: 0x9b },
  "math.floor": { f32: 0x8e, f64: 0x9c },
  "math.trunc": { f32: 0x8f, f64: 0x9d },
  "math.roundeven": { f32: 0x90, f64: 0x9e },
  "math.sqrt": { f32: 0x91, f64: 0x9f },
};

export const scalarCompare: Record<string, Partial<Record<Scalar, number>>> = {
  eq: { i32: 0x46, i64: 0x51 },
  ne: { i32: 0x47, i64: 0x52 },
  slt: { i32: 0x48, i64: 0x53 },
  ult: { i32: 0x49, i64: 0x54 },
  sgt: { i32: 0x4a, i64: 0x55 },
  ugt: { i32: 0x4b, i64: 0x56 },
  sle: { i32: 0x4c, i64: 0x57 },
  ule: { i32: 0x4d, i64: 0x58 },
  sge: { i32: 0x4e, i64: 0x59 },
  uge: { i32: 0x4f, i64: 0x5a },
  oeq: { f32: 0x5b, f64: 0x61 },
  une: { f32: 0x5c, f64: 0x62 },
  olt: { f32: 0x5d, f64: 0x63 },
  ogt: { f32: 0x5e, f64: 0x64 },
  ole: { f32: 0x5f, f64: 0x65 },
  oge: { f32: 0x60, f64: 0x66 },
};

/** Memory: opcode and natural alignment (log2 of bytes). Narrow integers are read with zeros above. */
export const scalarLoad: Record<Exclude<ElementType, "i1" | "index">, [number, number]> = {
  i8: [0x2d, 0],
  i16: [0x2f, 1],
  i32: [0x28, 2],
  i64: [0x29, 3],
  f32: [0x2a, 2],
  f64: [0x2b, 3],
};
export const scalarStore: Record<Exclude<ElementType, "i1" | "index">, [number, number]> = {
  i8: [0x3a, 0],
  i16: [0x3b, 1],
  i32: [0x36, 2],
  i64: [0x37, 3],
  f32: [0x38, 2],
  f64: [0x39, 3],
};
