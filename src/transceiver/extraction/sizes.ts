import { NeuroranError } from "../../errors.js";

/** Lanes of the kernels of this block: those of a 128-bit vector; more gain nothing on WebAssembly. */
export const TRANSFORM_LANES = 4;

/** @throws NeuroranError DIMENSION_MISMATCH where a dimension has not the size that the configuration gives it. */
export function checkSize(name: string, size: number, wanted: number): void {
  if (size !== wanted)
    throw new NeuroranError("DIMENSION_MISMATCH", `${name} is ${size} and must be ${wanted}`);
}
