import { InputError } from "../../errors.js";
import type { NamedTensors } from "../engines/engine.js";
import type { OnnxModel } from "../graph/graph.js";
import { numericTensor, storedTensor } from "../operators/numeric.js";

/**
 * The model with other values of some of its initializers, each rounded to the element type that it has in the model.
 * @throws InputError for a name that is no initializer, or a value of another shape.
 */
export function trained(model: OnnxModel, parameters: NamedTensors): OnnxModel {
  const initializers = new Map(model.graph.initializers);
  for (const [name, value] of Object.entries(parameters)) {
    const initial = initializers.get(name);
    if (initial === undefined) throw new InputError("parameters", name, "name an initializer of the model");
    if (value.shape.join() !== initial.shape.join())
      throw new InputError(name, value.shape, `give the shape [${initial.shape.join(", ")}]`);
    const same = value.elementType === initial.elementType;
    initializers.set(
      name,
      same ? value : storedTensor({ ...numericTensor(value), elementType: initial.elementType }),
    );
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
