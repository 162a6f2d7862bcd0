import type { GraphNode, ValueName } from "../graph/graph.js";
import type { NetworkBuilder } from "../network/builder.js";
import { floatingType, numberType, requiredInput } from "./arguments.js";
import { numeric } from "./numeric.js";
import type { GradientContext, Operator } from "./operator.js";

/** What the gradient of a function of one number is built from. */
export interface ElementwiseGradient {
  readonly builder: NetworkBuilder;
  readonly node: GraphNode;
  /** The loss's gradient to the result. */
  readonly gradient: ValueName;
  readonly x: ValueName;
  /** The function's result. */
  readonly y: ValueName;
}

/** What an operator that applies a function to each element is made of. */
export interface Elementwise {
  readonly name: string;
  /** The function that the node's attributes choose. @throws InputError for an attribute that is not accepted. */
  readonly make: (node: GraphNode) => (x: number) => number;
  /** The loss's gradient to the input; undefined where it is 0 almost everywhere. */
  readonly slope?: (context: ElementwiseGradient) => ValueName;
  /** Whether integers are accepted, too. */
  readonly takesIntegers?: boolean;
}

/** An operator that applies a function to each element of its one input. */
export function elementwise({ name, make, slope, takesIntegers = false }: Elementwise): Operator {
  return {
    name,
    infer(node) {
      make(node.node);
      return [takesIntegers ? numberType(node, 0) : floatingType(node, 0)];
    },
    evaluate(node, inputs) {
      const { elementType, shape, data } = requiredInput(node, inputs, 0);
      const apply = make(node.node);
      const result = numeric(elementType, shape);
      for (let at = 0; at < data.length; at++) result.data[at] = apply(data[at]!);
      return [result];
    },
    gradient: (context: GradientContext) => {
      const gradient = context.outputGradient(0);
      if (gradient === undefined || slope === undefined || !context.isWanted(0)) return [];
      const { builder, node } = context;
      return [slope({ builder, node, gradient, x: context.input(0), y: context.output(0) })];
    },
  };
}
