import { InputError } from "../../errors.js";
import { float, type GraphNode, int, type ValueName } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import { matricesTransposed, reshaped, scaled } from "../network/expressions.js";
import {
  attribute,
  broadcastIndices,
  broadcastShape,
  numberType,
  requiredInput,
  requireSameType,
} from "./arguments.js";
import { unbroadcast } from "./arithmetic.js";
import { numeric } from "./numeric.js";
import type { GradientContext, NumericTensor, Operator } from "./operator.js";

interface Matrix {
  readonly data: Float64Array;
  readonly offset: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** Adds the product of a rows × inner and an inner × columns matrix to `result`, which is row-major from `at` on. */
function accumulateProduct(
  result: Float64Array,
  at: number,
  [rows, inner, columns]: readonly [number, number, number],
  a: Matrix,
  b: Matrix,
): void {
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const factor = a.data[a.offset + row * a.rowStep + k * a.columnStep]!;
      const from = b.offset + k * b.rowStep;
      for (let column = 0; column < columns; column++)
        result[at + row * columns + column]! += factor * b.data[from + column * b.columnStep]!;
    }
  }
}

/** The shapes of a product: vectors are matrices of one row on the left, of one column on the right. */
function productShapes(node: GraphNode, a: readonly number[], b: readonly number[]) {
  if (a.length === 0 || b.length === 0)
    throw new InputError(`inputs of node ${node.name}`, "a scalar", "give vectors or matrices");
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const [rows, inner] = left.slice(-2) as [number, number];
  const [alsoInner, columns] = right.slice(-2) as [number, number];
  if (inner !== alsoInner)
    throw new InputError(
      `shapes of node ${node.name}`,
      `[${a.join(", ")}] and [${b.join(", ")}]`,
      "give as many columns on the left as rows on the right",
    );
  const batch = broadcastShape(node, left.slice(0, -2), right.slice(0, -2));
  const shape = [...batch, ...(a.length === 1 ? [] : [rows]), ...(b.length === 1 ? [] : [columns])];
  return { left, right, batch, rows, inner, columns, shape };
}

const matrixProduct: Operator = {
  name: "MatMul",
  infer(node) {
    const [a, b] = [numberType(node, 0), numberType(node, 1)];
    requireSameType(node, 0, 1);
    return [{ elementType: a.elementType, shape: productShapes(node.node, a.shape, b.shape).shape }];
  },
  evaluate(node, inputs) {
    const [a, b] = [requiredInput(node, inputs, 0), requiredInput(node, inputs, 1)];
    const { left, right, batch, rows, inner, columns, shape } = productShapes(node.node, a.shape, b.shape);
    const result = numeric(a.elementType, shape);
    const fromLeft = broadcastIndices(left.slice(0, -2), batch);
    const fromRight = broadcastIndices(right.slice(0, -2), batch);
    for (let index = 0; index < fromLeft.length; index++) {
      const leftOffset = fromLeft[index]! * rows * inner;
      const rightOffset = fromRight[index]! * inner * columns;
      accumulateProduct(
        result.data,
        index * rows * columns,
        [rows, inner, columns],
        { data: a.data, offset: leftOffset, rowStep: inner, columnStep: 1 },
        { data: b.data, offset: rightOffset, rowStep: columns, columnStep: 1 },
      );
    }
    return [result];
  },
  gradient(context) {
    const { builder, node, inputTypes, outputGradient, isWanted } = context;
    const given = outputGradient(0);
    if (given === undefined) return [];
    const [aShape, bShape] = [inputTypes[0]!.shape, inputTypes[1]!.shape];
    const { left, right, batch, rows, inner, columns } = productShapes(node, aShape, bShape);
    const a = reshaped(builder, context.input(0), left);
    const b = reshaped(builder, context.input(1), right);
    const gradient = reshaped(builder, given, [...batch, rows, columns]);

    /** Products of plain matrices take their transposes along, without moving anything. */
    function toLeft(): ValueName {
      const product =
        batch.length === 0
          ? builder.add("Gemm", [gradient, b], { transB: int(1) })
          : builder.add("MatMul", [gradient, matricesTransposed(builder, b)]);
      return reshaped(builder, unbroadcast(context, product, left), aShape);
    }

    function toRight(): ValueName {
      if (right.length > 2) {
        const product = builder.add("MatMul", [matricesTransposed(builder, a), gradient]);
        return reshaped(builder, unbroadcast(context, product, right), bShape);
      }
      // One matrix on the right: the batch is part of the sum.
      const height = elementCount(batch) * rows;
      const [flat, flatGradient] = [
        reshaped(builder, a, [height, inner]),
        reshaped(builder, gradient, [height, columns]),
      ];
      return reshaped(builder, builder.add("Gemm", [flat, flatGradient], { transA: int(1) }), bShape);
    }

    return [isWanted(0) ? toLeft() : undefined, isWanted(1) ? toRight() : undefined];
  },
};

/** What Gemm's attributes and types say: op(A) is rows × inner, op(B) inner × columns. */
function gemmForm(node: GraphNode, a: readonly number[], b: readonly number[]) {
  if (a.length !== 2 || b.length !== 2)
    throw new InputError(
      `shapes of node ${node.name}`,
      `[${a.join(", ")}] and [${b.join(", ")}]`,
      "give two matrices",
    );
  const isLeftTransposed = attribute(node, "transA", "int", 0) !== 0;
  const isRightTransposed = attribute(node, "transB", "int", 0) !== 0;
  const [rows, inner] = isLeftTransposed ? [a[1]!, a[0]!] : [a[0]!, a[1]!];
  const [alsoInner, columns] = isRightTransposed ? [b[1]!, b[0]!] : [b[0]!, b[1]!];
  if (inner !== alsoInner)
    throw new InputError(
      `shapes of node ${node.name}`,
      `[${a.join(", ")}] and [${b.join(", ")}]`,
      "give matrices whose product exists",
    );
  const [alpha, beta] = [attribute(node, "alpha", "float", 1), attribute(node, "beta", "float", 1)];
  return { isLeftTransposed, isRightTransposed, rows, inner, columns, alpha, beta };
}

function gemmMatrix({ data, shape }: NumericTensor, isTransposed: boolean): Matrix {
  const width = shape[1]!;
  return {
    data,
    offset: 0,
    rowStep: isTransposed ? 1 : width,
    columnStep: isTransposed ? width : 1,
  };
}

const gemm: Operator = {
  name: "Gemm",
  infer(node) {
    const [a, b] = [numberType(node, 0), numberType(node, 1)];
    requireSameType(node, 0, 1);
    const { rows, columns } = gemmForm(node.node, a.shape, b.shape);
    const added = node.inputTypes[2];
    if (added !== undefined) {
      requireSameType(node, 0, 2);
      const shape = broadcastShape(node.node, [rows, columns], added.shape);
      if (shape.length !== 2 || shape[0] !== rows || shape[1] !== columns)
        throw new InputError(
          `input 2 of node ${node.node.name}`,
          added.shape,
          `give what broadcasts to [${rows}, ${columns}]`,
        );
    }
    return [{ elementType: a.elementType, shape: [rows, columns] }];
  },
  evaluate(node, inputs) {
    const [a, b] = [requiredInput(node, inputs, 0), requiredInput(node, inputs, 1)];
    const form = gemmForm(node.node, a.shape, b.shape);
    const { rows, inner, columns, alpha, beta } = form;
    const result = numeric(a.elementType, [rows, columns]);
    accumulateProduct(
      result.data,
      0,
      [rows, inner, columns],
      gemmMatrix(a, form.isLeftTransposed),
      gemmMatrix(b, form.isRightTransposed),
    );
    const added = inputs[2];
    const from = added === undefined ? undefined : broadcastIndices(added.shape, [rows, columns]);
    for (let at = 0; at < result.data.length; at++)
      result.data[at] = alpha * result.data[at]! + (from === undefined ? 0 : beta * added!.data[from[at]!]!);
    return [result];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined) return [];
    return [gemmGradientToLeft, gemmGradientToRight, gemmGradientToAdded].map((make, index) =>
      context.isWanted(index) ? make(context, gradient) : undefined,
    );
  },
};

function product(
  { builder }: GradientContext,
  factors: readonly [ValueName, ValueName],
  isLeftTransposed: boolean,
  isRightTransposed: boolean,
  alpha: number,
): ValueName {
  return builder.add("Gemm", factors, {
    transA: int(isLeftTransposed ? 1 : 0),
    transB: int(isRightTransposed ? 1 : 0),
    alpha: float(alpha),
  });
}

function gemmGradientToLeft(context: GradientContext, gradient: ValueName): ValueName {
  const { node, inputTypes } = context;
  const form = gemmForm(node, inputTypes[0]!.shape, inputTypes[1]!.shape);
  const b = context.input(1);
  return form.isLeftTransposed
    ? product(context, [b, gradient], form.isRightTransposed, true, form.alpha)
    : product(context, [gradient, b], false, !form.isRightTransposed, form.alpha);
}

function gemmGradientToRight(context: GradientContext, gradient: ValueName): ValueName {
  const { node, inputTypes } = context;
  const form = gemmForm(node, inputTypes[0]!.shape, inputTypes[1]!.shape);
  const a = context.input(0);
  return form.isRightTransposed
    ? product(context, [gradient, a], true, form.isLeftTransposed, form.alpha)
    : product(context, [a, gradient], !form.isLeftTransposed, false, form.alpha);
}

function gemmGradientToAdded(context: GradientContext, gradient: ValueName): ValueName {
  const beta = attribute(context.node, "beta", "float", 1);
  return scaled(context.builder, unbroadcast(context, gradient, context.inputTypes[2]!.shape), beta);
}

export const matrixProductOperators: readonly Operator[] = [matrixProduct, gemm];
