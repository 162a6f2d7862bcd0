import { NeuroranError } from "../../errors.js";

/** @throws NeuroranError DIMENSION_MISMATCH where a dimension has not the size that the configuration gives it. */
export function checkSize(name: string, size: number, wanted: number): void {
  if (size !== wanted)
    throw new NeuroranError("DIMENSION_MISMATCH", `${name} is ${size} and must be ${wanted}`);
}
