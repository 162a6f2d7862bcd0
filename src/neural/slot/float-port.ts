import { InputError } from "../../errors.js";
import type { NamedTensors } from "../engines/engine.js";

/**
 * The numbers of a port of a network in the slot path.
 * @param tensors its inputs, or its outputs
 * @param length how many they must be
 * @throws InputError where it has no such port, or one of another type or size
 */
export function floatPort(
  model: string,
  tensors: NamedTensors,
  port: string,
  length: number,
): Float32Array<ArrayBufferLike> {
  const found = Object.hasOwn(tensors, port) ? tensors[port] : undefined;
  if (found?.data instanceof Float32Array && found.data.length === length) return found.data;
  throw new InputError(
    `port ${port} of model ${model}`,
    found && `${found.elementType} [${found.shape.join(", ")}]`,
    `give one of ${length} numbers of float32`,
  );
}
