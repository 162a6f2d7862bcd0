import { InputError } from "../../errors.js";
import type { NamedTensors } from "../engines/engine.js";
import type { OnnxModel } from "../graph/graph.js";
import { numericTensor, storedTensor } from "../operators/numeric.js";
import { toFloat32 } from "./float-width.js";

/** The model with the tensors of its Constant nodes as initializers under the same names: some exporters put weights there. */
export function withLiftedConstants(model: OnnxModel): OnnxModel {
  const initializers = new Map(model.graph.initializers);
  const nodes = model.graph.nodes.filter(({ operator, domain, attributes, outputs }) => {
    const value = attributes.value;
    if (operator !== "Constant" || domain !== "" || value?.kind !== "tensor") return true;
    initializers.set(outputs[0]!, value.value);
    return false;
  });
  return nodes.length === model.graph.nodes.length
    ? model
    : { ...model, graph: { ...model.graph, initializers, nodes } };
}

/**
 * The form of a model that is trained: float32 throughout, weights as initializers. Its inputs and outputs are float32, too:
 * a dataset of a float16 network gives float32.
 */
export function trainableForm(model: OnnxModel): OnnxModel {
  return toFloat32(withLiftedConstants(model));
}

/**
 * The model with other values of some of its weights, each rounded to the element type that it has in the model: what a training
 * gives back, in the form in which the network came.
 * @throws InputError for a name that is no weight, or a value of another shape.
 */
export function trained(model: OnnxModel, parameters: NamedTensors): OnnxModel {
  const lifted = withLiftedConstants(model);
  const initializers = new Map(lifted.graph.initializers);
  for (const [name, value] of Object.entries(parameters)) {
    const initial = initializers.get(name);
    if (initial === undefined) throw new InputError("parameters", name, "name an initializer of the model");
    if (value.shape.join() !== initial.shape.join())
      throw new InputError(name, value.shape, `give the shape [${initial.shape.join(", ")}]`);
    const { elementType } = initial;
    const isSame = value.elementType === elementType;
    initializers.set(name, isSame ? value : storedTensor({ ...numericTensor(value), elementType }));
  }
  return { ...lifted, graph: { ...lifted.graph, initializers } };
}
