import { NeuroranError } from "../errors.js";

/** Element types. Integers are signless, as in MLIR: signedness stands in the operation. */
export type ElementType = "i1" | "i8" | "i16" | "i32" | "i64" | "f32" | "f64" | "index";

/** A scalar (`lanes` 0) or a one-dimensional vector of a power-of-two number of lanes. */
export interface Type {
  readonly element: ElementType;
  readonly lanes: number;
}

const elementBytes: Record<ElementType, number> = {
  i1: 1,
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  f32: 4,
  f64: 8,
  index: 4,
};

/** Bytes of one element in a buffer; `index` counts as the 4 bytes of a WebAssembly address. */
export function byteSize(element: ElementType): number {
  return elementBytes[element];
}

/** Whether the elements are f32 or f64. */
export function isFloat(element: ElementType): boolean {
  return element === "f32" || element === "f64";
}

/** A scalar type. */
export function scalar(element: ElementType): Type {
  return { element, lanes: 0 };
}

/**
 * A vector type of `lanes` elements.
 * @throws NeuroranError `KERNEL_TYPE` unless `lanes` is a power of two, and for lanes of `index`: use i32.
 */
export function vectorOf(element: ElementType, lanes: number): Type {
  if (element === "index") throw new NeuroranError("KERNEL_TYPE", "a vector has no lanes of index: use i32");
  if (!Number.isInteger(Math.log2(lanes)) || lanes < 1) {
    throw new NeuroranError("KERNEL_TYPE", `a vector has a power-of-two number of lanes, not ${lanes}`);
  }
  return { element, lanes };
}

/** Whether element and number of lanes are the same. */
export function sameType(a: Type, b: Type): boolean {
  return a.element === b.element && a.lanes === b.lanes;
}

/** The type as MLIR writes it: `f32`, `vector<16xi8>`. */
export function typeText(type: Type): string {
  return type.lanes === 0 ? type.element : `vector<${type.lanes}x${type.element}>`;
}

/** The same number of lanes with another element type. */
export function withElement(type: Type, element: ElementType): Type {
  return { element, lanes: type.lanes };
}
