import { InputError } from "../../errors.js";
import type { GraphNode, ValueName } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import type { NetworkBuilder } from "../network/builder.js";
import { expanded, filled } from "../network/expressions.js";
import { isFloating } from "../operators/arguments.js";
import { operatorOf } from "../operators/inference.js";

/**
 * Appends the gradient of `loss`, a value of one element, to each of the `wanted` values (parameters, inputs or values
 * between) and returns its name, by the value's. A gradient has the shape and element type of its value. Only nodes
 * on a path from a wanted value to the loss are differentiated; a value that the loss does not depend on, or only by
 * operators that are constant almost everywhere, gets zeros.
 *
 * The nodes that are appended are ONNX operators of the builder's operator set, so that an engine runs them, too.
 *
 * @throws InputError for a loss of more than one element or of integers, for a wanted value of integers, for a builder
 * with a named dimension that has no size (gradients hold sizes), and for a path through an operator that has no
 * gradient, by node and operator.
 */
export function differentiate(
  builder: NetworkBuilder,
  loss: ValueName,
  wanted: readonly ValueName[],
): Record<ValueName, ValueName> {
  check(builder, loss, wanted);
  const nodes = builder.nodes();
  const reached = valuesFrom(nodes, wanted);
  const { elementType, shape } = builder.typeOf(loss);
  const gradients = new Map<ValueName, ValueName>();
  if (reached.has(loss)) gradients.set(loss, builder.constant(filled(1, elementType, shape)));
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index]!;
    const isOnPath =
      node.outputs.some((value) => gradients.has(value)) && node.inputs.some((value) => reached.has(value));
    if (!isOnPath) continue;
    const made = nodeGradients(builder, node, gradients, reached);
    node.inputs.forEach((value, input) => {
      const part = made[input];
      if (part === undefined || !reached.has(value)) return;
      const sum = gradients.get(value);
      gradients.set(value, sum === undefined ? part : builder.add("Add", [sum, part]));
    });
  }
  return Object.fromEntries(
    wanted.map((value) => [value, gradients.get(value) ?? zerosLike(builder, value)]),
  );
}

function check(builder: NetworkBuilder, loss: ValueName, wanted: readonly ValueName[]): void {
  const { elementType, shape } = builder.typeOf(loss);
  if (elementCount(shape) !== 1 || !isFloating(elementType))
    throw new InputError(
      `loss ${loss}`,
      `${elementType} [${shape.join(", ")}]`,
      "give one floating-point number",
    );
  for (const value of wanted) {
    const type = builder.typeOf(value).elementType;
    if (!isFloating(type))
      throw new InputError(`value ${value}`, type, "ask for gradients to floating-point numbers");
  }
  const [open] = builder.unboundDimensions();
  if (open !== undefined)
    throw new InputError(
      `dimension ${open}`,
      undefined,
      "give its size to the builder before differentiating",
    );
}

/** The wanted values and all that is computed from them. */
function valuesFrom(nodes: readonly GraphNode[], wanted: readonly ValueName[]): ReadonlySet<ValueName> {
  const reached = new Set(wanted);
  for (const { inputs, outputs } of nodes) {
    if (inputs.some((value) => reached.has(value))) for (const value of outputs) reached.add(value);
  }
  reached.delete("");
  return reached;
}

function nodeGradients(
  builder: NetworkBuilder,
  node: GraphNode,
  gradients: ReadonlyMap<ValueName, ValueName>,
  reached: ReadonlySet<ValueName>,
): readonly (ValueName | undefined)[] {
  const { gradient } = operatorOf({ node });
  if (gradient === undefined)
    throw new InputError(
      `node ${node.name}`,
      node.operator,
      "it has no gradient, and a wanted value acts on the loss through it",
    );
  const typeOf = (value: ValueName) => (value === "" ? undefined : builder.typeOf(value));
  return gradient({
    builder,
    node,
    opset: builder.opset,
    inputTypes: node.inputs.map(typeOf),
    // An output that is left out has no name, and nothing asks for its type.
    outputTypes: node.outputs.map((value) => typeOf(value) ?? builder.typeOf(node.outputs[0]!)),
    constant: (index) => builder.constantOf(node.inputs[index] ?? ""),
    input: (index) => node.inputs[index]!,
    output: (index) => node.outputs[index]!,
    outputGradient: (index) => gradients.get(node.outputs[index] ?? ""),
    isWanted: (index) => reached.has(node.inputs[index] ?? ""),
  });
}

function zerosLike(builder: NetworkBuilder, value: ValueName): ValueName {
  const { elementType, shape } = builder.typeOf(value);
  return expanded(builder, builder.constant(filled(0, elementType)), shape);
}
