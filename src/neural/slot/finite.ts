import type { Tensor } from "../graph/tensor.js";

/** Bits of float16 that are all set for infinities and what is no number. */
const FLOAT16_EXPONENT = 0x7c00;

/** Whether all elements are numbers, none of them infinite. */
export function holdsNumbers({ elementType, data }: Tensor): boolean {
  if (elementType === "float16") {
    for (let i = 0; i < data.length; i++)
      if (((data[i] as number) & FLOAT16_EXPONENT) === FLOAT16_EXPONENT) return false;
  } else if (data instanceof Float32Array || data instanceof Float64Array) {
    // Zero times anything but a number is none; one test at the end is quicker than one for each, and four sums than one, in
    // which each has to wait for the last.
    const whole = data.length - (data.length % 4);
    let [first, second, third, fourth] = [0, 0, 0, 0];
    for (let i = 0; i < whole; i += 4) {
      first += 0 * data[i]!;
      second += 0 * data[i + 1]!;
      third += 0 * data[i + 2]!;
      fourth += 0 * data[i + 3]!;
    }
    for (let i = whole; i < data.length; i++) first += 0 * data[i]!;
    return first + second + third + fourth === 0;
  }
  return true;
}
