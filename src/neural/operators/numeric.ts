import { fromFloat16, toFloat16 } from "../graph/float16.js";
import { type ElementType, elementArray, elementCount, type Tensor } from "../graph/tensor.js";
import type { NumericTensor } from "./operator.js";

/** A tensor of the interpreter, of zeros unless given data, which is not copied. */
export function numeric(
  elementType: ElementType,
  shape: readonly number[],
  data: Float64Array = new Float64Array(elementCount(shape)),
): NumericTensor {
  return { elementType, shape, data };
}

/** The interpreter's form of a tensor. */
export function numericTensor({ elementType, shape, data }: Tensor): NumericTensor {
  const doubles = new Float64Array(data.length);
  if (elementType === "float16")
    for (let i = 0; i < doubles.length; i++) doubles[i] = fromFloat16(data[i] as number);
  else for (let i = 0; i < doubles.length; i++) doubles[i] = Number(data[i]);
  return { elementType, shape, data: doubles };
}

/** The tensor of the interpreter's form, each element rounded to its type. */
export function storedTensor({ elementType, shape, data }: NumericTensor): Tensor {
  const stored = elementArray(elementType, data.length);
  if (elementType === "float16") for (let i = 0; i < data.length; i++) stored[i] = toFloat16(data[i]!);
  else if (stored instanceof BigInt64Array || stored instanceof BigUint64Array)
    for (let i = 0; i < data.length; i++) stored[i] = BigInt(Math.trunc(data[i]!));
  else for (let i = 0; i < data.length; i++) stored[i] = data[i]!;
  return { elementType, shape, data: stored };
}
