import { InputError } from "../../errors.js";
import { fromFloat16, toFloat16 } from "../../neural/graph/float16.js";
import type { TensorType } from "../../neural/graph/graph.js";
import { type ElementType, elementArray, elementCount, type Tensor } from "../../neural/graph/tensor.js";
import type { NamedTensors } from "../../neural/index.js";

/** Of numbers in lists of lists. */
type Nested = number | boolean | readonly Nested[];

/** No operator takes more. */
const MOST_DIMENSIONS = 16;

/** The sizes of a JSON value's lists; the list that it holds in them. @throws InputError where they differ or hold no numbers */
export function flattened(port: string, value: unknown): { shape: number[]; numbers: number[] } {
  const shape: number[] = [];
  for (let at = value; Array.isArray(at); at = at[0]) shape.push(at.length);
  if (shape.length > MOST_DIMENSIONS)
    throw new InputError(`input ${port}`, `lists ${shape.length} deep`, `give at most ${MOST_DIMENSIONS}`);
  const numbers: number[] = [];
  const collect = (part: unknown, depth: number): void => {
    if (depth === shape.length) {
      if (typeof part !== "number" && typeof part !== "boolean")
        throw new InputError(`input ${port}`, part, "give numbers in lists of lists of the same length");
      numbers.push(Number(part));
      return;
    }
    if (!Array.isArray(part) || part.length !== shape[depth])
      throw new InputError(`input ${port}`, part, `give lists of ${shape[depth]} at depth ${depth + 1}`);
    for (const one of part) collect(one, depth + 1);
  };
  collect(value, 0);
  return { shape, numbers };
}

/** Numbers as a tensor of an element type. */
export function tensorOf(
  elementType: ElementType,
  shape: readonly number[],
  numbers: readonly number[],
): Tensor {
  const data = elementArray(elementType, numbers.length);
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at]!;
    if (data instanceof BigInt64Array || data instanceof BigUint64Array)
      data[at] = BigInt(Math.trunc(number));
    else data[at] = elementType === "float16" ? toFloat16(number) : number;
  }
  return { elementType, shape, data };
}

/** Tensors as JSON: numbers in lists of lists. What JSON has no number for is null. */
export function asLists(tensors: NamedTensors): Record<string, Nested> {
  return Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, lists(value)]));
}

function lists({ elementType, shape, data }: Tensor): Nested {
  const number = (at: number): number | boolean => {
    if (elementType === "bool") return data[at] !== 0;
    return elementType === "float16" ? fromFloat16(Number(data[at])) : Number(data[at]);
  };
  const part = (axis: number, from: number): Nested => {
    if (axis === shape.length) return number(from);
    const step = elementCount(shape.slice(axis + 1));
    return Array.from({ length: shape[axis]! }, (_, index) => part(axis + 1, from + index * step));
  };
  return part(0, 0);
}

/** How a type is written for people. */
export function typeText({ elementType, shape }: TensorType): string {
  return `${elementType} [${shape.join(", ")}]`;
}
