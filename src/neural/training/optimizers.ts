import { InputError } from "../../errors.js";
import { int, type ValueName } from "../graph/graph.js";
import { int64Tensor } from "../graph/tensor.js";
import type { NetworkBuilder } from "../network/builder.js";
import { converted, filled, scaled } from "../network/expressions.js";
import type { ParameterLayout } from "./parameters.js";
import type { OptimizerSpecification } from "./specification.js";

/** Values of an update: flat vectors of all parameters, of shape [layout.length]. */
export interface UpdateValues {
  readonly parameters: ValueName;
  readonly gradient: ValueName;
  /** In the order of `Optimizer.state`. */
  readonly state: readonly ValueName[];
  /** float32 of shape []. */
  readonly learningRate: ValueName;
  /** int64 of shape []: the number of this update, from 1. */
  readonly step: ValueName;
  readonly layout: ParameterLayout;
}

/** How parameters follow their gradients, as a piece of a graph. The state begins with zeros. */
export interface Optimizer {
  /** Names of the vectors that it keeps, each as long as the parameters. */
  readonly state: readonly string[];
  /** Appends the update; gives the new parameters and the new state. */
  update(builder: NetworkBuilder, values: UpdateValues): { parameters: ValueName; state: ValueName[] };
}

/** @throws InputError for numbers that make no sense. */
export function optimizer(specification: OptimizerSpecification): Optimizer {
  return specification.kind === "sgd" ? sgd(specification) : adaptive(specification);
}

/** Stochastic gradient descent; momentum as Sutskever et al. 2013 in the form v ← μv + g, θ ← θ − η v (or g + μv). */
function sgd(specification: OptimizerSpecification & { kind: "sgd" }): Optimizer {
  const { momentum = 0, nesterov = false, weightDecay = 0 } = specification;
  checkShare("optimizer.momentum", momentum);
  checkDecay(weightDecay);
  if (nesterov && momentum === 0)
    throw new InputError("optimizer.nesterov", nesterov, "give a momentum above 0, too");
  return {
    state: momentum === 0 ? [] : ["velocity"],
    update(builder, { parameters, gradient, state, learningRate }) {
      const slope = decayed(builder, gradient, parameters, weightDecay);
      if (momentum === 0)
        return { parameters: descended(builder, parameters, slope, learningRate), state: [] };
      const velocity = builder.add("Add", [scaled(builder, state[0]!, momentum), slope]);
      const direction = nesterov
        ? builder.add("Add", [slope, scaled(builder, velocity, momentum)])
        : velocity;
      return { parameters: descended(builder, parameters, direction, learningRate), state: [velocity] };
    },
  };
}

/**
 * Adam (Kingma and Ba 2015, algorithm 1), AdamW (Loshchilov and Hutter 2019, algorithm 2) and LAMB (You et al. 2020,
 * algorithm 2, with the norm itself for φ; a tensor whose norm or whose update's norm is 0 moves by the plain update).
 */
function adaptive(specification: Exclude<OptimizerSpecification, { kind: "sgd" }>): Optimizer {
  const { kind, beta1 = 0.9, beta2 = 0.999, weightDecay = 0 } = specification;
  const { epsilon = kind === "lamb" ? 1e-6 : 1e-8 } = specification;
  checkShare("optimizer.beta1", beta1);
  checkShare("optimizer.beta2", beta2);
  checkDecay(weightDecay);
  if (!(epsilon > 0)) throw new InputError("optimizer.epsilon", epsilon, "give a positive number");
  return {
    state: ["mean", "variance"],
    update(builder, { parameters, gradient, state, learningRate, step, layout }) {
      const slope = kind === "adam" ? decayed(builder, gradient, parameters, weightDecay) : gradient;
      const mean = moved(builder, state[0]!, slope, beta1);
      const variance = moved(builder, state[1]!, builder.add("Mul", [slope, slope]), beta2);
      // m̂ / (√v̂ + ε) is m / (√v + ε √(1 − β₂ᵗ)) times a number: that spares two passes over all parameters.
      const { ratio: correction, root } = biasesOf(builder, step, beta1, beta2);
      const smallest = scaled(builder, root, epsilon);
      const spread = builder.add("Add", [builder.add("Sqrt", [variance]), smallest]);
      const ratio = builder.add("Div", [mean, spread]);
      if (kind === "adam") {
        const rate = builder.add("Mul", [learningRate, correction]);
        return { parameters: descended(builder, parameters, ratio, rate), state: [mean, variance] };
      }
      const direction = decayed(builder, builder.add("Mul", [ratio, correction]), parameters, weightDecay);
      const trusted = kind === "lamb" ? layerwise(builder, direction, parameters, layout) : direction;
      return { parameters: descended(builder, parameters, trusted, learningRate), state: [mean, variance] };
    },
  };
}

/** The gradient scaled down to at most this Euclidean norm. @throws InputError for a norm that is not positive. */
export function clipped(builder: NetworkBuilder, gradient: ValueName, norm: number): ValueName {
  if (!(norm > 0)) throw new InputError("clipNorm", norm, "give a positive number");
  const limit = builder.constant(norm);
  const share = builder.add("Div", [limit, builder.add("Max", [normOf(builder, gradient), limit])]);
  return builder.add("Mul", [gradient, share]);
}

function normOf(builder: NetworkBuilder, value: ValueName): ValueName {
  const squares = builder.add("ReduceSum", [builder.add("Mul", [value, value])], { keepdims: int(0) });
  return builder.add("Sqrt", [squares]);
}

function decayed(
  builder: NetworkBuilder,
  value: ValueName,
  parameters: ValueName,
  weightDecay: number,
): ValueName {
  return weightDecay === 0 ? value : builder.add("Add", [value, scaled(builder, parameters, weightDecay)]);
}

function descended(
  builder: NetworkBuilder,
  parameters: ValueName,
  direction: ValueName,
  learningRate: ValueName,
): ValueName {
  return builder.add("Sub", [parameters, builder.add("Mul", [direction, learningRate])]);
}

/** β average + (1 − β) value. */
function moved(builder: NetworkBuilder, average: ValueName, value: ValueName, beta: number): ValueName {
  return builder.add("Add", [scaled(builder, average, beta), scaled(builder, value, 1 - beta)]);
}

/**
 * √(1 − β₂^step) and that divided by 1 − β₁^step. In double precision: float32 would lose half of the digits in the first
 * steps.
 */
function biasesOf(
  builder: NetworkBuilder,
  step: ValueName,
  beta1: number,
  beta2: number,
): { ratio: ValueName; root: ValueName } {
  const count = converted(builder, step, "float64");
  const double = (value: number): ValueName => builder.constant(filled(value, "float64"));
  const biasOf = (beta: number): ValueName =>
    builder.add("Sub", [double(1), builder.add("Pow", [double(beta), count])]);
  const root = builder.add("Sqrt", [biasOf(beta2)]);
  const ratio = builder.add("Div", [root, biasOf(beta1)]);
  return { ratio: converted(builder, ratio, "float32"), root: converted(builder, root, "float32") };
}

/** Each parameter's part of the direction, scaled to the parameter's own norm. */
function layerwise(
  builder: NetworkBuilder,
  direction: ValueName,
  parameters: ValueName,
  layout: ParameterLayout,
): ValueName {
  const sizes = builder.constant(int64Tensor(layout.parts.map(({ length }) => length)));
  const count = layout.parts.length;
  const directions = builder.addMany("Split", [direction, sizes], count, { axis: int(0) });
  const values = builder.addMany("Split", [parameters, sizes], count, { axis: int(0) });
  const zero = builder.constant(0);
  const parts = directions.map((part, index) => {
    const [norm, length] = [normOf(builder, values[index]!), normOf(builder, part)];
    const isUsable = builder.add("Greater", [builder.add("Mul", [norm, length]), zero]);
    const ratio = builder.add("Where", [isUsable, builder.add("Div", [norm, length]), builder.constant(1)]);
    return builder.add("Mul", [part, ratio]);
  });
  return parts.length === 1 ? parts[0]! : builder.add("Concat", parts, { axis: int(0) });
}

function checkShare(field: string, value: number): void {
  if (!(value >= 0 && value < 1)) throw new InputError(field, value, "give a number from 0 to below 1");
}

function checkDecay(value: number): void {
  if (!(value >= 0)) throw new InputError("optimizer.weightDecay", value, "give a number from 0");
}
