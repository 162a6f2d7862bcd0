import type { Argument, Attribute, Block, Kernel, Operation, Value } from "./operation.js";
import { type Type, typeText } from "./type.js";

/**
 * The kernel's operations for people to read: one a line, indented by loop and branch, constants where they are used,
 * and a type where an operation's result is of another one than its first operand.
 */
export function printKernel(kernel: Kernel): string {
  const names = new Map<Value, string>();
  let count = 0;
  const name = (value: Value): string => {
    const { name: by, attributes } = value.definition ?? {};
    if (by === "arith.constant") return constantText(value.type, attributes!.value!);
    const given = names.get(value) ?? `%${count++}`;
    names.set(value, given);
    return given;
  };
  for (const a of kernel.arguments) if (a.kind === "scalar") names.set(a.value, a.name);
  const lines = [`${kernel.name}(${kernel.arguments.map(argumentText).join(", ")})`];
  const visit = (block: Block, depth: number): void => {
    for (const operation of block.operations) {
      const idle = operation.name === "scf.yield" && operation.operands.length === 0;
      if (idle || operation.name === "arith.constant") continue;
      const results = operation.results.length > 0 ? `${operation.results.map(name).join(", ")} = ` : "";
      lines.push(`${"  ".repeat(depth)}${results}${operationText(operation, name)}`);
      const [first, otherwise] = operation.regions;
      if (first) visit(first, depth + 1);
      if (otherwise?.operations.some((o) => o.name !== "scf.yield" || o.operands.length > 0)) {
        lines.push(`${"  ".repeat(depth)}else`);
        visit(otherwise, depth + 1);
      }
    }
  };
  visit(kernel.body, 1);
  if (kernel.result) lines.push(`  return ${name(kernel.result)}`);
  return `${lines.join("\n")}\n`;
}

/** How many operations a kernel has, loops and branches counted as one and what is in them besides; no constants. */
export function countOperations({ body }: Kernel): number {
  const inBlock = (block: Block): number =>
    block.operations
      .filter(({ name }) => name !== "arith.constant" && name !== "scf.yield")
      .reduce(
        (sum, { regions }) => sum + 1 + regions.reduce((inner, region) => inner + inBlock(region), 0),
        0,
      );
  return inBlock(body);
}

/** A kernel's argument with its type: `symbols: f32[1200]`, `count: index`. */
export function argumentText(a: Argument): string {
  if (a.kind === "scalar") return `${a.name}: ${shortType(a.value.type)}`;
  return `${a.buffer.name}: ${a.buffer.element}[${a.buffer.length}]`;
}

function operationText(operation: Operation, name: (value: Value) => string): string {
  const { operands, results, attributes } = operation;
  if (operation.name === "scf.for") {
    const [index, ...carried] = operation.regions[0]!.arguments as [Value, ...Value[]];
    const [lower, upper, step, ...initial] = operands.map(name);
    const head = `scf.for ${name(index)} = ${lower} to ${upper} step ${step}`;
    const hands = carried.map((c, k) => `${name(c)} = ${initial[k]}`).join(", ");
    return hands ? `${head} iter_args(${hands})` : head;
  }
  const words = operands.map(name);
  if (operation.buffer) {
    const index = /\.store$/.test(operation.name) ? 1 : 0;
    words[index] = `${operation.buffer.name}[${words[index]}]`;
  }
  const all = Object.values(attributes);
  const text = [...all.filter((a) => typeof a === "string"), ...words].join(", ");
  const numbers = all
    .filter((a) => typeof a !== "string")
    .map((a) => ` [${String(a).replaceAll(",", ", ")}]`);
  const [type, from] = [results[0]?.type, operands[0]?.type].map((t) => t && shortType(t));
  const changed = type !== undefined && operation.regions.length === 0 && type !== from;
  return `${operation.name} ${text}${numbers.join("")}${changed ? ` : ${type}` : ""}`;
}

function shortType(type: Type): string {
  return type.lanes === 0 ? typeText(type) : `${type.lanes}x${type.element}`;
}

function constantText(type: Type, value: Attribute): string {
  const one = (v: number | bigint): string =>
    type.element === "i1" ? String(Number(v) !== 0) : Object.is(v, -0) ? "-0" : String(v);
  return typeof value === "object" ? `[${value.map(one).join(", ")}]` : one(value as number | bigint);
}
