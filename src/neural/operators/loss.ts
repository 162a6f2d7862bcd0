import { InputError } from "../../errors.js";
import { int, type TensorType, type ValueName } from "../graph/graph.js";
import { elementCount, int64Tensor } from "../graph/tensor.js";
import { converted, masked, reshaped, scalarLike, summed } from "../network/expressions.js";
import { attribute, floatingType, requiredInput, requiredType, requireSameType } from "./arguments.js";
import { numeric } from "./numeric.js";
import type { GradientContext, NumericTensor, Operator, TypedNode } from "./operator.js";
import { logarithmicShares } from "./softmax.js";

const reductions = ["mean", "sum", "none"] as const;

function lossForm(node: TypedNode) {
  const scores = floatingType(node, 0);
  const labels = requiredType(node, 1);
  if (scores.shape.length < 2 || scores.shape[1] === 0)
    throw new InputError(
      `input 0 of node ${node.node.name}`,
      scores.shape,
      "give scores of [batch, classes, …]",
    );
  const shape = scores.shape.toSpliced(1, 1);
  if (labels.shape.length !== shape.length || shape.some((size, axis) => size !== labels.shape[axis]))
    throw new InputError(
      `input 1 of node ${node.node.name}`,
      labels.shape,
      `give labels of [${shape.join(", ")}]`,
    );
  if (labels.elementType !== "int64" && labels.elementType !== "int32")
    throw new InputError(`input 1 of node ${node.node.name}`, labels.elementType, "give int64 or int32");
  const classes = scores.shape[1]!;
  if (node.inputTypes[2] !== undefined) {
    requireSameType(node, 0, 2);
    const weights = node.inputTypes[2].shape;
    if (weights.length !== 1 || weights[0] !== classes)
      throw new InputError(`input 2 of node ${node.node.name}`, weights, `give weights of [${classes}]`);
  }
  const given = attribute(node.node, "reduction", "string", "mean");
  const reduction = reductions.find((one) => one === given);
  if (reduction === undefined)
    throw new InputError(
      `attribute reduction of node ${node.node.name}`,
      given,
      `give ${reductions.join(", ")}`,
    );
  const ignored = attribute(node.node, "ignore_index", "int", undefined);
  return { scores, labels, shape, classes, reduction, ignored };
}

/** −w[label] · log softmax(scores)[label] over the classes of axis 1; the mean is weighted by w, too. */
const softmaxCrossEntropy: Operator = {
  name: "SoftmaxCrossEntropyLoss",
  infer(node): readonly TensorType[] {
    const { scores, shape, reduction } = lossForm(node);
    return [{ elementType: scores.elementType, shape: reduction === "none" ? shape : [] }, scores];
  },
  evaluate(node, inputs) {
    const { shape, classes, reduction, ignored } = lossForm(node);
    const logarithms = logarithmicShares(requiredInput(node, inputs, 0), 1);
    const labels = requiredInput(node, inputs, 1).data;
    const inner = elementCount(shape.slice(1));
    const losses = new Float64Array(labels.length);
    let weight = 0;
    labels.forEach((label, at) => {
      if (label === ignored) return;
      if (!(label >= 0 && label < classes))
        throw new InputError(`labels of node ${node.node.name}`, label, `give 0 to ${classes - 1}`);
      const own = inputs[2]?.data[label] ?? 1;
      const from = Math.floor(at / inner) * classes * inner + label * inner + (at % inner);
      losses[at] = -own * logarithms.data[from]!;
      weight += own;
    });
    return [reducedLoss(losses, shape, reduction, weight, logarithms), logarithms];
  },
  gradient(context) {
    if (context.isWanted(2))
      throw new InputError(
        `input 2 of node ${context.node.name}`,
        context.input(2),
        "ask for no gradient to it",
      );
    if (!context.isWanted(0)) return [];
    const parts = [lossGradient(context), logarithmGradient(context)].filter((part) => part !== undefined);
    return [parts.length === 2 ? context.builder.add("Add", parts) : parts[0]];
  },
};

function reducedLoss(
  losses: Float64Array,
  shape: readonly number[],
  reduction: (typeof reductions)[number],
  weight: number,
  { elementType }: NumericTensor,
): NumericTensor {
  if (reduction === "none") return numeric(elementType, shape, losses);
  const sum = losses.reduce((all, loss) => all + loss, 0);
  return numeric(elementType, [], Float64Array.of(reduction === "mean" ? sum / weight : sum));
}

function logarithmsOf({ builder, node, input, output }: GradientContext): ValueName {
  return node.outputs[1] ? output(1) : builder.add("LogSoftmax", [input(0)], { axis: int(1) });
}

/** Each score's share less 1 for the label's, weighted as the label is. */
function lossGradient(context: GradientContext): ValueName | undefined {
  const { builder, input } = context;
  const { scores, shape, classes, reduction, ignored } = lossForm(context);
  const given = context.outputGradient(0);
  if (given === undefined) return undefined;
  const single = [shape[0]!, 1, ...shape.slice(1)];
  const across = [classes, ...shape.slice(1).map(() => 1)];
  const labels = reshaped(builder, converted(builder, input(1), "int64"), single);
  const numbers = int64Tensor(
    Array.from({ length: classes }, (_, index) => index),
    across,
  );
  const isLabel = builder.add("Equal", [labels, builder.constant(numbers)]);
  const hits = converted(builder, isLabel, scores.elementType);
  const weights = labelWeights();
  const shares = builder.add("Exp", [logarithmsOf(context)]);
  const slope = builder.add("Mul", [weights, builder.add("Sub", [shares, hits])]);
  return builder.add("Mul", [slope, toEach(given)]);

  function labelWeights(): ValueName {
    const own =
      context.inputTypes[2] === undefined
        ? scalarLike(builder, hits, 1)
        : summed(builder, builder.add("Mul", [hits, reshaped(builder, input(2), across)]), [1]);
    const all = builder.add("Expand", [own, builder.constant(int64Tensor(single))]);
    if (ignored === undefined) return all;
    const isKept = builder.add("Not", [
      builder.add("Equal", [labels, builder.constant(int64Tensor([ignored], []))]),
    ]);
    return masked(builder, isKept, all);
  }

  function toEach(gradient: ValueName): ValueName {
    if (reduction === "none") return reshaped(builder, gradient, single);
    if (reduction === "sum") return gradient;
    const axes = single.map((_, axis) => axis);
    return builder.add("Div", [gradient, summed(builder, weights, axes, false)]);
  }
}

function logarithmGradient(context: GradientContext): ValueName | undefined {
  const { builder } = context;
  const given = context.outputGradient(1);
  if (given === undefined) return undefined;
  const shares = builder.add("Exp", [logarithmsOf(context)]);
  return builder.add("Sub", [given, builder.add("Mul", [shares, summed(builder, given, [1])])]);
}

export const lossOperators: readonly Operator[] = [softmaxCrossEntropy];
