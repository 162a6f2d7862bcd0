import { expandReduction } from "../expand.js";
import type { Operation, Value } from "../operation.js";
import { isFloat, type Type } from "../type.js";
import {
  broadcast,
  constantText,
  emit,
  emitResult,
  type IrWriter,
  intrinsic,
  irType,
  nameOf,
  replace,
  suffix,
  typed,
} from "./ir-writer.js";

/** One scalar in all lanes. */
export function lowerBroadcast(w: IrWriter, operation: Operation): void {
  const result = operation.results[0]!;
  w.names.set(result, broadcast(w, result.type, nameOf(w, operation.operands[0]!)));
}

/** Any lanes of two vectors. */
export function lowerShuffle(w: IrWriter, operation: Operation): void {
  const [a, b] = operation.operands as [Value, Value];
  const mask = operation.attributes.mask as readonly number[];
  const order = constantText({ element: "i32", lanes: mask.length }, mask);
  emitResult(w, operation, `shufflevector ${typed(w, a)}, ${typed(w, b)}, <${mask.length} x i32> ${order}`);
}

/** One lane as a scalar. */
export function lowerExtract(w: IrWriter, operation: Operation): void {
  const source = typed(w, operation.operands[0]!);
  emitResult(w, operation, `extractelement ${source}, i64 ${operation.attributes.lane}`);
}

/** One lane replaced. */
export function lowerInsert(w: IrWriter, operation: Operation): void {
  const [element, into] = operation.operands as [Value, Value];
  const lane = operation.attributes.lane as number;
  emitResult(w, operation, `insertelement ${typed(w, into)}, ${typed(w, element)}, i64 ${lane}`);
}

/** All lanes into one; sums and products of floats lane after lane, which is LLVM's order without further flags. */
export function lowerReduction(w: IrWriter, operation: Operation): void {
  const source = operation.operands[0]!;
  const { type } = source;
  const kind = operation.attributes.kind as string;
  const result = irType(operation.results[0]!.type);
  if (!isFloat(type.element)) {
    const name = kind.replace(/^(min|max)([su])i$/, "$2$1");
    const call = intrinsic(w, `vector.reduce.${name}.${suffix(type)}`, result, [typed(w, source)]);
    emitResult(w, operation, call);
  } else if (kind === "add" || kind === "mul") {
    // −0 and 1 leave the first lane as it is.
    const start = `${result} ${constantText({ element: type.element, lanes: 0 }, kind === "add" ? -0 : 1)}`;
    const name = `vector.reduce.f${kind}.${suffix(type)}`;
    emitResult(w, operation, intrinsic(w, name, result, [start, typed(w, source)]));
  } else {
    replace(w, operation, expandReduction);
  }
}

/** The first lanes set: lane numbers, as narrow as they can be, against the count brought into 0…lanes. */
export function lowerCreateMask(w: IrWriter, operation: Operation): void {
  const count = operation.operands[0]!;
  const { lanes } = operation.results[0]!.type;
  const numbers: Type = { element: lanes <= 128 ? "i8" : "i32", lanes };
  const atLeast = emit(w, intrinsic(w, "smax.i64", "i64", [typed(w, count), "i64 0"]));
  const limited = emit(w, intrinsic(w, "smin.i64", "i64", [`i64 ${atLeast}`, `i64 ${lanes}`]));
  const narrow = emit(w, `trunc i64 ${limited} to ${numbers.element}`);
  const limit = broadcast(w, numbers, narrow);
  const order = constantText(
    numbers,
    Array.from({ length: lanes }, (_, k) => k),
  );
  emitResult(w, operation, `icmp ult ${irType(numbers)} ${order}, ${limit}`);
}
