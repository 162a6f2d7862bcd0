import { InputError } from "../../errors.js";
import type { ValueName } from "../graph/graph.js";
import { int } from "../graph/graph.js";
import { elementCount } from "../graph/tensor.js";
import type { NetworkBuilder } from "../network/builder.js";
import { reshaped, transposed } from "../network/expressions.js";
import {
  attribute,
  integerList,
  normalAxis,
  requiredConstant,
  requiredInput,
  requiredType,
} from "./arguments.js";
import { numeric } from "./numeric.js";
import type { Operator, TypedNode } from "./operator.js";
import { distinctAxes } from "./selection.js";

/** An operator that gives its input another shape of as many elements. */
function reshaping(name: string, shapeOf: (node: TypedNode) => readonly number[]): Operator {
  return {
    name,
    infer: (node) => [{ elementType: requiredType(node, 0).elementType, shape: shapeOf(node) }],
    evaluate(node, inputs) {
      const { elementType, data } = requiredInput(node, inputs, 0);
      return [numeric(elementType, shapeOf(node), data)];
    },
    gradient({ builder, inputTypes, outputGradient }) {
      const gradient = outputGradient(0);
      return gradient === undefined ? [] : [reshaped(builder, gradient, inputTypes[0]!.shape)];
    },
  };
}

const squeeze = reshaping("Squeeze", (node) => {
  const { shape } = requiredType(node, 0);
  if (node.inputTypes[1] === undefined) return shape.filter((size) => size !== 1);
  const axes = distinctAxes(node.node, integerList(node, 1), shape.length);
  for (const axis of axes)
    if (shape[axis] !== 1)
      throw new InputError(
        `axes of node ${node.node.name}`,
        axis,
        `give axes of size 1 of [${shape.join(", ")}]`,
      );
  return shape.filter((_, axis) => !axes.includes(axis));
});

const unsqueeze = reshaping("Unsqueeze", (node) => {
  const { shape } = requiredType(node, 0);
  const given = integerList(node, 1);
  const axes = distinctAxes(node.node, given, shape.length + given.length);
  let from = 0;
  return Array.from({ length: shape.length + axes.length }, (_, axis) =>
    axes.includes(axis) ? 1 : shape[from++]!,
  );
});

const flatten = reshaping("Flatten", (node) => {
  const { shape } = requiredType(node, 0);
  const given = attribute(node.node, "axis", "int", 1);
  // The axis behind the last is allowed here.
  const axis = given === shape.length ? given : normalAxis(node.node, given, shape.length);
  return [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))];
});

/** Blocks of pixels as channels or back: the shape apart, the order of its axes, and the result's shape. */
interface Rearrangement {
  readonly apart: readonly number[];
  readonly order: readonly number[];
  readonly result: readonly number[];
}

/** Sizes of an image and the node's block. @throws InputError where it is no image or the block no size. */
function imageOf(node: TypedNode): {
  readonly image: readonly [number, number, number, number];
  readonly block: number;
} {
  const { shape } = requiredType(node, 0);
  const block = attribute(node.node, "blocksize", "int", 0);
  if (shape.length !== 4)
    throw new InputError(`input 0 of node ${node.node.name}`, shape, "give [batch, channels, rows, columns]");
  if (!Number.isSafeInteger(block) || block < 1)
    throw new InputError(`attribute blocksize of node ${node.node.name}`, block, "give a positive size");
  return { image: shape as unknown as readonly [number, number, number, number], block };
}

function divided({ node }: TypedNode, size: number, by: number): number {
  if (size % by !== 0)
    throw new InputError(`attribute blocksize of node ${node.name}`, by, `give one that divides ${size}`);
  return size / by;
}

function depthToSpaceOf(node: TypedNode): Rearrangement {
  const { image, block } = imageOf(node);
  const [batch, channels, rows, columns] = image;
  const kept = divided(node, channels, block * block);
  const mode = attribute(node.node, "mode", "string", "DCR");
  if (mode !== "DCR" && mode !== "CRD")
    throw new InputError(`attribute mode of node ${node.node.name}`, mode, "give DCR or CRD");
  const isDepthFirst = mode === "DCR";
  return {
    apart: isDepthFirst
      ? [batch, block, block, kept, rows, columns]
      : [batch, kept, block, block, rows, columns],
    order: isDepthFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3],
    result: [batch, kept, rows * block, columns * block],
  };
}

function spaceToDepthOf(node: TypedNode): Rearrangement {
  const { image, block } = imageOf(node);
  const [batch, channels, rows, columns] = image;
  const [down, across] = [divided(node, rows, block), divided(node, columns, block)];
  return {
    apart: [batch, channels, down, block, across, block],
    order: [0, 3, 5, 1, 2, 4],
    result: [batch, channels * block * block, down, across],
  };
}

/** The elements of a tensor of `shape` with its axes in another order. */
function reordered(data: Float64Array, shape: readonly number[], order: readonly number[]): Float64Array {
  let places = Int32Array.of(0);
  for (const axis of order) {
    const [size, stride] = [shape[axis]!, elementCount(shape.slice(axis + 1))];
    const next = new Int32Array(places.length * size);
    let at = 0;
    for (const outer of places)
      for (let index = 0; index < size; index++) next[at++] = outer + index * stride;
    places = next;
  }
  return Float64Array.from(places, (place) => data[place]!);
}

function rearranging(name: string, of: (node: TypedNode) => Rearrangement): Operator {
  return {
    name,
    infer: (node) => [{ elementType: requiredType(node, 0).elementType, shape: of(node).result }],
    evaluate(node, inputs) {
      const { elementType, data } = requiredInput(node, inputs, 0);
      const { apart, order, result } = of(node);
      return [numeric(elementType, result, reordered(data, apart, order))];
    },
    gradient(context) {
      const gradient = context.outputGradient(0);
      return gradient === undefined ? [] : [rearrangedBack(context.builder, gradient, of(context), context)];
    },
  };
}

function rearrangedBack(
  builder: NetworkBuilder,
  gradient: ValueName,
  { apart, order }: Rearrangement,
  { inputTypes }: TypedNode,
): ValueName {
  const split = reshaped(
    builder,
    gradient,
    order.map((axis) => apart[axis]!),
  );
  const back = transposed(
    builder,
    split,
    order.map((_, axis) => order.indexOf(axis)),
  );
  return reshaped(builder, back, inputTypes[0]!.shape);
}

/** The diagonal from which a Trilu keeps elements. */
function diagonal(node: TypedNode): number {
  return node.inputTypes[1] === undefined ? 0 : (requiredConstant(node, 1).data[0] ?? 0);
}

const triangle: Operator = {
  name: "Trilu",
  infer(node) {
    const type = requiredType(node, 0);
    diagonal(node);
    if (type.shape.length < 2)
      throw new InputError(`input 0 of node ${node.node.name}`, type.shape, "give matrices");
    return [type];
  },
  evaluate(node, inputs) {
    const { elementType, shape, data } = requiredInput(node, inputs, 0);
    const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
    const isUpper = attribute(node.node, "upper", "int", 1) !== 0;
    const first = diagonal(node);
    const kept = data.map((value, at) => {
      const offset = (at % columns) - (Math.floor(at / columns) % rows);
      return (isUpper ? offset >= first : offset <= first) ? value : 0;
    });
    return [numeric(elementType, shape, kept)];
  },
  gradient({ builder, node, inputTypes, input, outputGradient }) {
    const gradient = outputGradient(0);
    if (gradient === undefined) return [];
    const upper = int(attribute(node, "upper", "int", 1));
    return [builder.add("Trilu", [gradient, inputTypes[1] === undefined ? undefined : input(1)], { upper })];
  },
};

export const layoutOperators: readonly Operator[] = [
  squeeze,
  unsqueeze,
  flatten,
  rearranging("DepthToSpace", depthToSpaceOf),
  rearranging("SpaceToDepth", spaceToDepthOf),
  triangle,
];
