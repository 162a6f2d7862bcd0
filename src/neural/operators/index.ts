import { activationOperators } from "./activation.js";
import { arithmeticOperators } from "./arithmetic.js";
import { comparisonOperators } from "./comparison.js";
import { conversionOperators } from "./conversion.js";
import { convolutionOperators } from "./convolution.js";
import { functionOperators } from "./functions.js";
import { joiningOperators } from "./joining.js";
import { lossOperators } from "./loss.js";
import { matrixProductOperators } from "./matrix-product.js";
import { normalizationOperators } from "./normalization.js";
import type { Operator } from "./operator.js";
import { reductionOperators } from "./reduction.js";
import { scanOperators } from "./scan.js";
import { shapeOperators } from "./shape.js";
import { softmaxOperators } from "./softmax.js";

const families: readonly (readonly Operator[])[] = [
  activationOperators,
  arithmeticOperators,
  comparisonOperators,
  conversionOperators,
  convolutionOperators,
  functionOperators,
  joiningOperators,
  lossOperators,
  matrixProductOperators,
  normalizationOperators,
  reductionOperators,
  scanOperators,
  shapeOperators,
  softmaxOperators,
];

/** All operators by their ONNX name. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  families.flat().map((operator) => [operator.name, operator]),
);
