import type { ValueName } from "../graph/graph.js";
import type { NetworkBuilder } from "./builder.js";
import { matricesTransposed } from "./expressions.js";

/** Complex numbers in a graph: two values of one shape. */
export interface ComplexValue {
  readonly re: ValueName;
  readonly im: ValueName;
}

/** a + b, broadcast. */
export function complexSum(builder: NetworkBuilder, a: ComplexValue, b: ComplexValue): ComplexValue {
  return { re: builder.add("Add", [a.re, b.re]), im: builder.add("Add", [a.im, b.im]) };
}

/** a − b, broadcast. */
export function complexDifference(builder: NetworkBuilder, a: ComplexValue, b: ComplexValue): ComplexValue {
  return { re: builder.add("Sub", [a.re, b.re]), im: builder.add("Sub", [a.im, b.im]) };
}

/** a · b element by element, broadcast. */
export function complexProduct(builder: NetworkBuilder, a: ComplexValue, b: ComplexValue): ComplexValue {
  return productBy(builder, "Mul", a, b);
}

/** The product of matrices in the last two axes, the axes before them broadcast, as MatMul has it. */
export function complexMatrixProduct(
  builder: NetworkBuilder,
  a: ComplexValue,
  b: ComplexValue,
): ComplexValue {
  return productBy(builder, "MatMul", a, b);
}

/** The complex conjugate. */
export function conjugate(builder: NetworkBuilder, { re, im }: ComplexValue): ComplexValue {
  return { re, im: builder.add("Neg", [im]) };
}

/** The conjugate transpose of each matrix in the last two axes. */
export function conjugateTransposed(builder: NetworkBuilder, { re, im }: ComplexValue): ComplexValue {
  return conjugate(builder, { re: matricesTransposed(builder, re), im: matricesTransposed(builder, im) });
}

/** |a|², a real value. */
export function squaredMagnitude(builder: NetworkBuilder, { re, im }: ComplexValue): ValueName {
  return builder.add("Add", [builder.add("Mul", [re, re]), builder.add("Mul", [im, im])]);
}

/** By four real products: three would be faster for large matrices, but lose digits where parts differ in size. */
function productBy(
  builder: NetworkBuilder,
  operator: "Mul" | "MatMul",
  a: ComplexValue,
  b: ComplexValue,
): ComplexValue {
  const part = (one: ValueName, other: ValueName) => builder.add(operator, [one, other]);
  return {
    re: builder.add("Sub", [part(a.re, b.re), part(a.im, b.im)]),
    im: builder.add("Add", [part(a.re, b.im), part(a.im, b.re)]),
  };
}
