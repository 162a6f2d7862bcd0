import type { Tensor } from "../graph/tensor.js";

/** Bits of float16 that are all set for infinities and what is no number. */
const FLOAT16_EXPONENT = 0x7c00;

/** Whether all elements are numbers, none of them infinite. */
export function holdsNumbers({ elementType, data }: Tensor): boolean {
  if (elementType === "float16") {
    for (let i = 0; i < data.length; i++)
      if (((data[i] as number) & FLOAT16_EXPONENT) === FLOAT16_EXPONENT) return false;
  } else if (data instanceof Float32Array || data instanceof Float64Array) {
    // Zero times anything but a number is none; one test at the end is quicker than one for each.
    let zero = 0;
    for (let i = 0; i < data.length; i++) zero += 0 * data[i]!;
    return zero === 0;
  }
  return true;
}
