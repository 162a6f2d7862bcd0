import { InputError } from "../../errors.js";
import { elementTypeCodes } from "../graph/element-type-codes.js";
import { type ElementType, elementArray, elementCount, elementTypes, type Tensor } from "../graph/tensor.js";
import { readExternalData } from "./external-data.js";
import { largestModel_bytes } from "./limits.js";
import { bigintOf, type Long, type TensorProto } from "./messages.js";

/** The largest size of a dimension, and the most dimensions, that a file may state. */
const largestSize = 2 ** 31 - 1;
const highestRank = 64;

/** What is left of a model's allowance of bytes, and where its external data stand. */
export interface TensorSource {
  readonly directory: string | undefined;
  remaining_bytes: number;
}

/** @throws InputError for a code that is not one of the element types of a graph. */
export function elementTypeOf(where: string, code: number): ElementType {
  const found = elementTypes.find((name) => elementTypeCodes[name] === code);
  if (found === undefined)
    throw new InputError(
      `element type of ${where}`,
      code,
      `use one of ${elementTypes.map((name) => `${elementTypeCodes[name]} (${name})`).join(", ")}`,
    );
  return found;
}

/** @throws InputError for a rank or a size that no tensor has. */
export function checkRank(where: string, rank: number): void {
  if (rank > highestRank)
    throw new InputError(`rank of ${where}`, rank, `give at most ${highestRank} dimensions`);
}

/** A size of a shape. @throws InputError for a size that is negative or beyond 2^31. */
export function sizeOf(where: string, axis: number, value: Long): number {
  const size = bigintOf(value);
  if (size < 0n || size > BigInt(largestSize))
    throw new InputError(`dimension ${axis} of ${where}`, size, `give a size from 0 to ${largestSize}`);
  return Number(size);
}

/**
 * The tensor of a message, in memory of its own.
 * @throws InputError, naming the tensor, for data that do not fill the shape
 */
export function readTensor(where: string, message: TensorProto, source: TensorSource): Tensor {
  const elementType = elementTypeOf(where, message.dataType);
  checkRank(where, message.dims.length);
  const shape = message.dims.map((size, axis) => sizeOf(where, axis, size));
  const elements = elementCount(shape);
  const width = elementArray(elementType, 0).BYTES_PER_ELEMENT;
  const length = elements * width;
  if (!(length <= source.remaining_bytes))
    throw new InputError(
      `shape of ${where}`,
      shape,
      `a model's tensors may have ${largestModel_bytes} bytes in all`,
    );
  const store = (): Tensor["data"] => {
    source.remaining_bytes -= length;
    return elementArray(elementType, elements);
  };
  const refuse = (count: number, unit: string) =>
    new InputError(
      `data of ${where}`,
      `${count} ${unit}`,
      `its shape [${shape.join(", ")}] takes ${unit === "bytes" ? length : elements}`,
    );

  if (message.dataLocation === 1 || Object.hasOwn(message, "rawData")) {
    if (message.dataLocation !== 1 && message.rawData.length !== length)
      throw refuse(message.rawData.length, "bytes");
    const bytes =
      message.dataLocation === 1
        ? readExternalData(where, message.externalData, source.directory, length)
        : message.rawData;
    const data = store();
    new Uint8Array(data.buffer).set(bytes);
    if (elementType === "bool") for (let at = 0; at < elements; at++) data[at] = data[at] ? 1 : 0;
    return { elementType, shape, data };
  }

  if (elementType === "int64" || elementType === "uint64") {
    const values = elementType === "int64" ? message.int64Data : message.uint64Data;
    if (values.length !== elements) throw refuse(values.length, "elements");
    const data = store();
    values.forEach((value, at) => {
      data[at] = bigintOf(value);
    });
    return { elementType, shape, data };
  }
  const values = typedData(elementType, message);
  if (values.length !== elements) throw refuse(values.length, "elements");
  const data = store();
  for (let at = 0; at < elements; at++)
    data[at] = elementType === "bool" ? (values[at] ? 1 : 0) : values[at]!;
  return { elementType, shape, data };
}

/** Numbers of a tensor whose elements do not stand as raw bytes; those of float16 are its bits. */
function typedData(elementType: ElementType, message: TensorProto): readonly number[] {
  if (elementType === "float32") return message.floatData;
  if (elementType === "float64") return message.doubleData;
  if (elementType === "uint32") return message.uint64Data.map(({ low }) => low);
  return message.int32Data;
}
