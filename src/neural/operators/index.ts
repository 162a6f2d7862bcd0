import { activationOperators } from "./activation.js";
import { arithmeticOperators } from "./arithmetic.js";
import { comparisonOperators } from "./comparison.js";
import { conversionOperators } from "./conversion.js";
import { convolutionOperators } from "./convolution.js";
import { functionOperators } from "./functions.js";
import { indexingOperators } from "./indexing.js";
import { layoutOperators } from "./layout.js";
import { lossOperators } from "./loss.js";
import { matrixProductOperators } from "./matrix-product.js";
import { normalizationOperators } from "./normalization.js";
import type { Operator } from "./operator.js";
import { paddingOperators } from "./padding.js";
import { poolingOperators } from "./pooling.js";
import { recurrentOperators } from "./recurrent.js";
import { reductionOperators } from "./reduction.js";
import { scanOperators } from "./scan.js";
import { shapeOperators } from "./shape.js";
import { shapeValueOperators } from "./shape-values.js";
import { slicingOperators } from "./slicing.js";
import { softmaxOperators } from "./softmax.js";

const families: readonly (readonly Operator[])[] = [
  activationOperators,
  arithmeticOperators,
  comparisonOperators,
  conversionOperators,
  convolutionOperators,
  functionOperators,
  lossOperators,
  matrixProductOperators,
  normalizationOperators,
  indexingOperators,
  layoutOperators,
  paddingOperators,
  poolingOperators,
  recurrentOperators,
  reductionOperators,
  scanOperators,
  shapeOperators,
  shapeValueOperators,
  slicingOperators,
  softmaxOperators,
];

/** All operators by their ONNX name. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  families.flat().map((operator) => [operator.name, operator]),
);
