import type { Operation, Value } from "../operation.js";
import { emit, emitResult, type IrWriter, intrinsic, irType, line, suffix, typed } from "./ir-writer.js";

/** The address of an element of the operation's buffer, as an operand. */
function address(w: IrWriter, operation: Operation, index: Value): string {
  const buffer = operation.buffer!;
  const element = irType({ element: buffer.element, lanes: 0 });
  return `ptr ${emit(w, `getelementptr inbounds ${element}, ptr %${buffer.name}, ${typed(w, index)}`)}`;
}

/** Reads and writes of memory; nothing is known of alignment. */
export function lowerMemory(w: IrWriter, operation: Operation): void {
  const { operands } = operation;
  const result = operation.results[0];
  switch (operation.name) {
    case "memref.load":
    case "vector.load":
      emitResult(
        w,
        operation,
        `load ${irType(result!.type)}, ${address(w, operation, operands[0]!)}, align 1`,
      );
      return;
    case "memref.store":
    case "vector.store": {
      const to = address(w, operation, operands[1]!);
      line(w, `store ${typed(w, operands[0]!)}, ${to}, align 1`);
      return;
    }
    case "vector.maskedload": {
      // All lanes are readable, and machines without masked loads would branch for each lane.
      const [index, mask, passThrough] = operands as [Value, Value, Value];
      const type = irType(result!.type);
      const all = emit(w, `load ${type}, ${address(w, operation, index)}, align 1`);
      emitResult(w, operation, `select ${typed(w, mask)}, ${type} ${all}, ${typed(w, passThrough)}`);
      return;
    }
    case "vector.maskedstore": {
      const [index, mask, value] = operands as [Value, Value, Value];
      const to = address(w, operation, index);
      const name = `masked.store.${suffix(value.type)}.p0`;
      line(w, intrinsic(w, name, "void", [typed(w, value), to, "i32 1", typed(w, mask)]));
      return;
    }
    default:
      gather(w, operation);
  }
}

function gather(w: IrWriter, operation: Operation): void {
  const [index, indices, mask, passThrough] = operation.operands as [Value, Value, Value, Value];
  const { type } = operation.results[0]!;
  const element = irType({ element: type.element, lanes: 0 });
  const base = address(w, operation, index);
  // Lanes that are not read may point anywhere.
  const pointers = emit(w, `getelementptr ${element}, ${base}, ${typed(w, indices)}`);
  const list = `<${type.lanes} x ptr>`;

  emitResult(
    w,
    operation,
    intrinsic(w, `masked.gather.${suffix(type)}.v${type.lanes}p0`, irType(type), [
      `${list} ${pointers}`,
      "i32 1",
      typed(w, mask),
      typed(w, passThrough),
    ]),
  );
}
