import { InputError } from "../../errors.js";
import { int } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import {
  attribute,
  normalAxis,
  numberType,
  requiredConstant,
  requiredInput,
  requiredType,
} from "./arguments.js";
import { numeric } from "./numeric.js";
import type { Operator, TypedNode } from "./operator.js";

/** Applies `apply` to each run along an axis: `at` is its first element, `step` leads to the next, `size` counts them. */
export function alongAxis(
  shape: readonly number[],
  axis: number,
  apply: (at: number, step: number, size: number) => void,
): void {
  const size = shape[axis]!;
  const step = elementCount(shape.slice(axis + 1));
  const outer = elementCount(shape.slice(0, axis));
  if (size === 0) return;
  for (let block = 0; block < outer; block++)
    for (let inner = 0; inner < step; inner++) apply(block * size * step + inner, step, size);
}

function extremeForm(node: TypedNode) {
  const { shape } = numberType(node, 0);
  const axis = normalAxis(node.node, attribute(node.node, "axis", "int", 0), shape.length);
  if (shape[axis] === 0)
    throw new InputError(
      `input 0 of node ${node.node.name}`,
      shape,
      "give at least one element to choose from",
    );
  const keeps = attribute(node.node, "keepdims", "int", 1) !== 0;
  const result = keeps ? shape.with(axis, 1) : shape.toSpliced(axis, 1);
  return { axis, result, takesLast: attribute(node.node, "select_last_index", "int", 0) !== 0 };
}

/** The index of the first or last extreme along an axis. It has no gradient. */
function extremeIndex(name: string, isBetter: (value: number, best: number) => boolean): Operator {
  return {
    name,
    infer: (node) => [{ elementType: "int64", shape: extremeForm(node).result }],
    evaluate(node, inputs) {
      const { shape, data } = requiredInput(node, inputs, 0);
      const { axis, result, takesLast } = extremeForm(node);
      const indices = numeric("int64", result);
      let to = 0;
      alongAxis(shape, axis, (at, step, size) => {
        let best = 0;
        for (let i = 1; i < size; i++) {
          const [value, other] = [data[at + i * step]!, data[at + best * step]!];
          if (isBetter(value, other) || (takesLast && value === other)) best = i;
        }
        indices.data[to++] = best;
      });
      return [indices];
    },
  };
}

function cumulationForm(node: TypedNode) {
  const { shape } = numberType(node, 0);
  const [axis] = requiredConstant(node, 1).data;
  return {
    axis: normalAxis(node.node, axis ?? Number.NaN, shape.length),
    isExclusive: attribute(node.node, "exclusive", "int", 0) !== 0,
    isReverse: attribute(node.node, "reverse", "int", 0) !== 0,
  };
}

const cumulativeSum: Operator = {
  name: "CumSum",
  infer(node) {
    cumulationForm(node);
    return [requiredType(node, 0)];
  },
  evaluate(node, inputs) {
    const { elementType, shape, data } = requiredInput(node, inputs, 0);
    const { axis, isExclusive, isReverse } = cumulationForm(node);
    const result = numeric(elementType, shape);
    alongAxis(shape, axis, (at, step, size) => {
      let sum = 0;
      for (let i = 0; i < size; i++) {
        const index = at + (isReverse ? size - 1 - i : i) * step;
        const before = sum;
        sum += data[index]!;
        result.data[index] = isExclusive ? before : sum;
      }
    });
    return [result];
  },
  gradient(context) {
    const gradient = context.outputGradient(0);
    if (gradient === undefined || !context.isWanted(0)) return [];
    const { isExclusive, isReverse } = cumulationForm(context);
    return [
      context.builder.add("CumSum", [gradient, context.input(1)], {
        exclusive: int(isExclusive ? 1 : 0),
        reverse: int(isReverse ? 0 : 1),
      }),
    ];
  },
};

export const scanOperators: readonly Operator[] = [
  extremeIndex("ArgMax", (value, best) => value > best),
  extremeIndex("ArgMin", (value, best) => value < best),
  cumulativeSum,
];
