import type { MapKeyName, ScalarName, ScalarValues } from "./schema.js";

/** Bytes of a scalar; of a text, those of its length. */
export const scalarBytes: Readonly<Record<ScalarName, number>> = {
  boolean: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  float32: 4,
  float64: 8,
  text: 4,
};

/** What a new key begins with where nothing is said. */
export const scalarDefaults: Readonly<ScalarValues> = {
  boolean: false,
  int8: 0,
  int16: 0,
  int32: 0,
  int64: 0n,
  uint8: 0,
  uint16: 0,
  uint32: 0,
  uint64: 0n,
  float32: 0,
  float64: 0,
  text: "",
};

export const mapKeyNames: readonly MapKeyName[] = [
  "text",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
];

function integer(least: number, greatest: number) {
  return (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= greatest;
}

/** Whether a value is of a type. */
export const scalarAccepts: Readonly<Record<ScalarName, (value: unknown) => boolean>> = {
  boolean: (value) => typeof value === "boolean",
  int8: integer(-0x80, 0x7f),
  int16: integer(-0x8000, 0x7fff),
  int32: integer(-0x8000_0000, 0x7fff_ffff),
  int64: (value) => typeof value === "bigint" && BigInt.asIntN(64, value) === value,
  uint8: integer(0, 0xff),
  uint16: integer(0, 0xffff),
  uint32: integer(0, 0xffff_ffff),
  uint64: (value) => typeof value === "bigint" && BigInt.asUintN(64, value) === value,
  float32: (value) => typeof value === "number",
  float64: (value) => typeof value === "number",
  text: (value) => typeof value === "string" && value.isWellFormed(),
};

/** What a type allows. */
export const scalarRemedies: Readonly<Record<ScalarName, string>> = {
  boolean: "give true or false",
  int8: "give an integer from -128 to 127",
  int16: "give an integer from -32768 to 32767",
  int32: "give an integer from -2147483648 to 2147483647",
  int64: "give a bigint from -2n ** 63n to 2n ** 63n - 1n",
  uint8: "give an integer from 0 to 255",
  uint16: "give an integer from 0 to 65535",
  uint32: "give an integer from 0 to 4294967295",
  uint64: "give a bigint from 0n to 2n ** 64n - 1n",
  float32: "give a number",
  float64: "give a number",
  text: "give a text without halves of surrogate pairs",
};
