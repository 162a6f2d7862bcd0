import type { Block, Operation, Value } from "../operation.js";
import { type IrWriter, irType, line, nameOf, startBlock, typed } from "./ir-writer.js";

/** Writes a block inside another and returns what its terminator yields and the basic block that it ends in. */
function writeRegion(w: IrWriter, label: string, block: Block): { yielded: readonly Value[]; end: string } {
  startBlock(w, label);
  w.lowerBlock(w, block);
  return { yielded: block.operations.at(-1)!.operands, end: w.block };
}

/** A loop whose head holds the counter and the carried values; these are its results as well. */
export function lowerFor(w: IrWriter, operation: Operation): void {
  const block = operation.regions[0]!;
  const [index, ...carried] = block.arguments as [Value, ...Value[]];
  const [lower, upper, step, ...initial] = operation.operands as [Value, Value, Value, ...Value[]];
  const id = w.count++;
  const before = w.block;
  line(w, `br label %head.${id}`);
  startBlock(w, `head.${id}`);
  const counter = `%i.${id}`;
  w.names.set(index, counter);
  carried.forEach((c, k) => {
    w.names.set(c, `%c.${id}.${k}`);
    w.names.set(operation.results[k]!, `%c.${id}.${k}`);
  });
  // What comes from the end of the body is known only then.
  const phis = w.lines.length;
  w.lines.push("", ...carried.map(() => ""));
  line(w, `%more.${id} = icmp slt i64 ${counter}, ${nameOf(w, upper)}`);
  line(w, `br i1 %more.${id}, label %body.${id}, label %after.${id}`);
  const { yielded, end } = writeRegion(w, `body.${id}`, block);
  line(w, `%next.${id} = add nsw i64 ${counter}, ${nameOf(w, step)}`);
  line(w, `br label %head.${id}`);
  const phi = (name: string, type: string, first: string, next: string): string =>
    `  ${name} = phi ${type} [ ${first}, %${before} ], [ ${next}, %${end} ]`;
  w.lines[phis] = phi(counter, "i64", nameOf(w, lower), `%next.${id}`);
  carried.forEach((c, k) => {
    const [first, next] = [nameOf(w, initial[k]!), nameOf(w, yielded[k]!)];
    w.lines[phis + 1 + k] = phi(`%c.${id}.${k}`, irType(c.type), first, next);
  });
  startBlock(w, `after.${id}`);
}

/** A branch, whose arms meet again. */
export function lowerIf(w: IrWriter, operation: Operation): void {
  const id = w.count++;
  line(w, `br ${typed(w, operation.operands[0]!)}, label %then.${id}, label %else.${id}`);
  const arms = operation.regions.map((block, k) => {
    const arm = writeRegion(w, `${k === 0 ? "then" : "else"}.${id}`, block);
    line(w, `br label %join.${id}`);
    return arm;
  });
  startBlock(w, `join.${id}`);
  operation.results.forEach((result, k) => {
    const incoming = arms.map(({ yielded, end }) => `[ ${nameOf(w, yielded[k]!)}, %${end} ]`);
    w.names.set(result, `%r.${id}.${k}`);
    line(w, `%r.${id}.${k} = phi ${irType(result.type)} ${incoming.join(", ")}`);
  });
}
