import { InputError } from "../../errors.js";
import { int, type ValueName } from "../graph/graph.js";
import { tensor } from "../graph/tensor.js";
import type { NetworkBuilder } from "../network/builder.js";
import { converted } from "../network/expressions.js";

/** Mean of all elements, of shape []. */
function mean(builder: NetworkBuilder, value: ValueName): ValueName {
  return builder.add("ReduceMean", [value], { keepdims: int(0) });
}

/** Mean of all elements with these weights, of shape []. */
function weightedMean(builder: NetworkBuilder, value: ValueName, weight: ValueName | undefined): ValueName {
  if (weight === undefined) return mean(builder, value);
  const { shape } = builder.typeOf(value);
  const weightShape = builder.typeOf(weight).shape;
  if (shape.join() !== weightShape.join())
    throw new InputError(
      "weight of a loss",
      `[${weightShape.join(", ")}]`,
      `give one of the shape [${shape.join(", ")}]`,
    );
  const sum = builder.add("ReduceSum", [builder.add("Mul", [value, weight])], { keepdims: int(0) });
  const total = builder.add("ReduceSum", [weight], { keepdims: int(0) });
  // A batch in which nothing counts has the loss 0, not NaN.
  return builder.add("Div", [sum, builder.add("Max", [total, builder.constant(1e-30)])]);
}

/** Mean over all elements of the squared difference, of shape []; with `weight`, of the same shape, the weighted mean. */
export function meanSquaredError(
  builder: NetworkBuilder,
  prediction: ValueName,
  target: ValueName,
  weight?: ValueName,
): ValueName {
  const difference = builder.add("Sub", [prediction, target]);
  return weightedMean(builder, builder.add("Mul", [difference, difference]), weight);
}

/**
 * Mean over all elements of the binary cross entropy in nats, of shape [].
 *
 * No logit overflows it.
 * @param logits log P(target = 1) / P(target = 0): the opposite of the project's soft bits
 * @param targets of the logits' shape, from 0 to 1
 * @param weight of the logits' shape: what an element counts, such as 0 where a resource element carries no data. The
 * mean is that of the weights; of no weight at all it is 0.
 */
export function binaryCrossEntropy(
  builder: NetworkBuilder,
  logits: ValueName,
  targets: ValueName,
  weight?: ValueName,
): ValueName {
  // max(z, 0) + log(1 + exp(-|z|)) - z t, whose first two terms are what runtimes compute as Softplus without overflow.
  const normalizer = builder.add("Softplus", [logits]);
  const loss = builder.add("Sub", [normalizer, builder.add("Mul", [logits, targets])]);
  return weightedMean(builder, loss, weight);
}

/**
 * Mean over the rows of the cross entropy in nats between softmax(logits) over the last axis and the targets, of shape [].
 *
 * @param targets the classes' numbers (int64, of the logits' shape without the last axis), or their probabilities (of the
 * logits' shape)
 */
export function softmaxCrossEntropy(
  builder: NetworkBuilder,
  logits: ValueName,
  targets: ValueName,
): ValueName {
  const probabilities =
    builder.typeOf(targets).elementType === "int64" ? oneHot(builder, logits, targets) : targets;
  const logarithms = builder.add("LogSoftmax", [logits], { axis: int(-1) });
  const classes = builder.typeOf(logits).shape.at(-1)!;
  // The mean over all elements is that over the rows divided by the number of classes.
  return builder.add("Mul", [
    mean(builder, builder.add("Mul", [probabilities, logarithms])),
    builder.constant(-classes),
  ]);
}

function oneHot(builder: NetworkBuilder, logits: ValueName, targets: ValueName): ValueName {
  const classes = builder.typeOf(logits).shape.at(-1)!;
  const axis = builder.constant(tensor("int64", [1], BigInt64Array.of(-1n)));
  const numbers = BigInt64Array.from({ length: classes }, (_, index) => BigInt(index));
  const isClass = builder.add("Equal", [
    builder.add("Unsqueeze", [targets, axis]),
    builder.constant(tensor("int64", [classes], numbers)),
  ]);
  return converted(builder, isClass, "float32");
}

/** Sum of losses of shape [], each with its weight. @throws InputError for no loss. */
export function mixedLoss(
  builder: NetworkBuilder,
  terms: readonly { readonly weight: number; readonly loss: ValueName }[],
): ValueName {
  if (terms.length === 0) throw new InputError("terms of a mixed loss", terms, "give at least one");
  return terms
    .map(({ weight, loss }) => (weight === 1 ? loss : builder.add("Mul", [loss, builder.constant(weight)])))
    .reduce((sum, term) => builder.add("Add", [sum, term]));
}

/** Share of the bits that the logits' signs get wrong, of shape []. Targets are 0 and 1; a logit of 0 says 0. */
export function bitErrorRate(
  builder: NetworkBuilder,
  logits: ValueName,
  targets: ValueName,
  weight?: ValueName,
): ValueName {
  const decided = converted(builder, builder.add("Greater", [logits, builder.constant(0)]), "float32");
  return meanSquaredError(builder, decided, targets, weight);
}

/** Share of the rows whose largest logit is not that of the class (int64), of shape []. */
export function classErrorRate(builder: NetworkBuilder, logits: ValueName, targets: ValueName): ValueName {
  const decided = builder.add("ArgMax", [logits], { axis: int(-1), keepdims: int(0) });
  const isRight = converted(builder, builder.add("Equal", [decided, targets]), "float32");
  return builder.add("Sub", [builder.constant(1), mean(builder, isRight)]);
}
