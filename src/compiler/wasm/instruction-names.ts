/**
 * The names of instructions in WebAssembly's text format by opcode: all that kernels are made of, and what stands
 * between them in the specification's tables. Each run is the first opcode, what the names begin with, and the names
 * in order; `-` is an opcode that means nothing.
 */
type Run = readonly [first: number, prefix: string, names: string];

const integerTests = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u";
const floatTests = "eq ne lt gt le ge";
const integerArithmetic =
  "clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr";
const floatArithmetic = "abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign";
const vectorFloat = "abs neg - sqrt add sub mul div min max pmin pmax";

function named(runs: readonly Run[]): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [first, prefix, text] of runs) {
    for (const [k, name] of text.split(" ").entries()) if (name !== "-") names.set(first + k, prefix + name);
  }
  return names;
}

/** Instructions of one byte. */
export const plainNames = named([
  [0x02, "", "block loop if else"],
  [0x0b, "", "end br br_if"],
  [0x1a, "", "drop select select"],
  [0x20, "local.", "get set tee"],
  [0x28, "", "i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u"],
  [0x36, "", "i32.store i64.store f32.store f64.store i32.store8 i32.store16"],
  [0x41, "", "i32.const i64.const f32.const f64.const i32.eqz"],
  [0x46, "i32.", integerTests],
  [0x50, "i64.", `eqz ${integerTests}`],
  [0x5b, "f32.", floatTests],
  [0x61, "f64.", floatTests],
  [0x67, "i32.", integerArithmetic],
  [0x79, "i64.", integerArithmetic],
  [0x8b, "f32.", floatArithmetic],
  [0x99, "f64.", floatArithmetic],
  [0xa7, "i32.", "wrap_i64 trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u"],
  [0xac, "i64.", "extend_i32_s extend_i32_u trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u"],
  [0xb2, "f32.", "convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64"],
  [0xb7, "f64.", "convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32"],
  [0xbc, "", "i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64"],
  [0xc0, "i32.", "extend8_s extend16_s"],
]);

/** Instructions behind the byte 0xfc. */
export const miscellaneousNames = named([
  [0, "i32.trunc_sat_", "f32_s f32_u f64_s f64_u"],
  [4, "i64.trunc_sat_", "f32_s f32_u f64_s f64_u"],
]);

/** Instructions behind the byte 0xfd: SIMD and relaxed SIMD. */
export const vectorNames = named([
  [0, "v128.", "load load8x8_s load8x8_u load16x4_s load16x4_u load32x2_s load32x2_u"],
  [7, "v128.", "load8_splat load16_splat load32_splat load64_splat store const"],
  [13, "i8x16.", "shuffle swizzle splat"],
  [16, "", "i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat"],
  [21, "i8x16.", "extract_lane_s extract_lane_u replace_lane"],
  [24, "i16x8.", "extract_lane_s extract_lane_u replace_lane"],
  [27, "", "i32x4.extract_lane i32x4.replace_lane i64x2.extract_lane i64x2.replace_lane"],
  [31, "", "f32x4.extract_lane f32x4.replace_lane f64x2.extract_lane f64x2.replace_lane"],
  [35, "i8x16.", integerTests],
  [45, "i16x8.", integerTests],
  [55, "i32x4.", integerTests],
  [65, "f32x4.", floatTests],
  [71, "f64x2.", floatTests],
  [77, "v128.", "not and andnot or xor bitselect any_true"],
  [84, "v128.", "load8_lane load16_lane load32_lane load64_lane"],
  [88, "v128.", "store8_lane store16_lane store32_lane store64_lane load32_zero load64_zero"],
  [94, "", "f32x4.demote_f64x2_zero f64x2.promote_low_f32x4"],
  [96, "i8x16.", "abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u"],
  [103, "f32x4.", "ceil floor trunc nearest"],
  [107, "i8x16.", "shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u"],
  [116, "f64x2.", "ceil floor"],
  [118, "i8x16.", "min_s min_u max_s max_u"],
  [122, "", "f64x2.trunc i8x16.avgr_u"],
  [124, "i16x8.extadd_pairwise_", "i8x16_s i8x16_u"],
  [126, "i32x4.extadd_pairwise_", "i16x8_s i16x8_u"],
  [128, "i16x8.", "abs neg q15mulr_sat_s all_true bitmask narrow_i32x4_s narrow_i32x4_u"],
  [135, "i16x8.extend_", "low_i8x16_s high_i8x16_s low_i8x16_u high_i8x16_u"],
  [139, "i16x8.", "shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u"],
  [148, "", "f64x2.nearest"],
  [149, "i16x8.", "mul min_s min_u max_s max_u - avgr_u"],
  [156, "i16x8.extmul_", "low_i8x16_s high_i8x16_s low_i8x16_u high_i8x16_u"],
  [160, "i32x4.", "abs neg - all_true bitmask"],
  [167, "i32x4.extend_", "low_i16x8_s high_i16x8_s low_i16x8_u high_i16x8_u"],
  [171, "i32x4.", "shl shr_s shr_u add - - sub - - - mul min_s min_u max_s max_u dot_i16x8_s"],
  [188, "i32x4.extmul_", "low_i16x8_s high_i16x8_s low_i16x8_u high_i16x8_u"],
  [192, "i64x2.", "abs neg - all_true bitmask"],
  [199, "i64x2.extend_", "low_i32x4_s high_i32x4_s low_i32x4_u high_i32x4_u"],
  [203, "i64x2.", "shl shr_s shr_u add - - sub - - - mul eq ne lt_s gt_s le_s ge_s"],
  [220, "i64x2.extmul_", "low_i32x4_s high_i32x4_s low_i32x4_u high_i32x4_u"],
  [224, "f32x4.", vectorFloat],
  [236, "f64x2.", vectorFloat],
  [248, "i32x4.", "trunc_sat_f32x4_s trunc_sat_f32x4_u"],
  [250, "f32x4.", "convert_i32x4_s convert_i32x4_u"],
  [252, "i32x4.", "trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero"],
  [254, "f64x2.", "convert_low_i32x4_s convert_low_i32x4_u"],
  [261, "", "f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd"],
]);
