import { add, multiply } from "./arithmetic.js";
import type { Operator } from "./operator.js";

/** All operators by their ONNX name. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  [add, multiply].map((operator) => [operator.name, operator]),
);
