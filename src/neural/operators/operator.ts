import type { GraphNode, TensorType, ValueName } from "../graph/graph.js";
import type { ElementType } from "../graph/tensor.js";
import type { NetworkBuilder } from "../network/builder.js";

/** A tensor of the interpreter: every element as a double, whatever its type; integers are exact to 2^53. */
export interface NumericTensor {
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** A node whose inputs' types are known, all dimensions bound. */
export interface TypedNode {
  readonly node: GraphNode;
  /** Version of the operator set that gives the node its meaning. */
  readonly opset: number;
  /** undefined where an optional input is left out. */
  readonly inputTypes: readonly (TensorType | undefined)[];
  /** The value of an input that does not depend on the graph's inputs, if that is known. */
  constant(input: number): NumericTensor | undefined;
}

/** What the gradient of a node is built from. */
export interface GradientContext extends TypedNode {
  /** Takes the nodes of the gradient. */
  readonly builder: NetworkBuilder;
  readonly outputTypes: readonly TensorType[];
  input(index: number): ValueName;
  output(index: number): ValueName;
  /** The loss's gradient to an output; undefined where the loss does not depend on it. */
  outputGradient(index: number): ValueName | undefined;
  /** Whether the gradient to an input is wanted. */
  isWanted(input: number): boolean;
}

/**
 * What an ONNX operator means. All operators of the project are of this shape.
 *
 * Inference and evaluation check what a hostile file may hold (ranks, sizes, attributes) and refuse with an InputError
 * that names the node, the value and what is allowed.
 */
export interface Operator {
  readonly name: string;
  /** Whether the outputs' values follow from the inputs' types, as those of Shape do. */
  readonly dependsOnTypesOnly?: true;
  /** Types of the outputs. */
  infer(node: TypedNode): readonly TensorType[];
  /** Values of the outputs in double precision, as the specification defines them. */
  evaluate(node: TypedNode, inputs: readonly (NumericTensor | undefined)[]): readonly NumericTensor[];
  /**
   * Appends the loss's gradient to each input that is wanted, of the input's shape. Absent where the operator has none,
   * as of ArgMax. The graph that it builds uses operators of this project only, so that it can be interpreted.
   */
  gradient?(context: GradientContext): readonly (ValueName | undefined)[];
}
