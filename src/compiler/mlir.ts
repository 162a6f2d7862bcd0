import type { Attribute, Block, Buffer, Kernel, Operation, Value } from "./operation.js";
import { byteSize, type ElementType, isFloat, type Type, typeText } from "./type.js";

/**
 * The kernel as MLIR text: one function of the dialects `arith`, `math`, `vector`, `memref`, `scf` and `llvm`,
 * which `mlir-opt` (LLVM 19) verifies and lowers. Buffers are memrefs of static length, so that a bare pointer carries
 * them; floats are written so that their bits come back.
 */
export function printMlir(kernel: Kernel): string {
  const names = new Map<Value, string>();
  let count = 0;
  const name = (value: Value): string => {
    let known = names.get(value);
    if (!known) {
      known = `%${count++}`;
      names.set(value, known);
    }
    return known;
  };
  const signature = kernel.arguments.map((a) => {
    if (a.kind === "buffer") return `%${a.buffer.name}: ${memrefText(a.buffer)}`;
    names.set(a.value, `%${a.name}`);
    return `%${a.name}: ${a.value.type.element}`;
  });
  const resultType = kernel.result ? ` -> ${typeText(kernel.result.type)}` : "";
  const lines = ["module {", `  func.func @${kernel.name}(${signature.join(", ")})${resultType} {`];
  const visit = (block: Block, depth: number): void => {
    for (const operation of block.operations) printOperation(operation, depth);
  };
  const printOperation = (operation: Operation, depth: number): void => {
    const indent = "  ".repeat(depth);
    if (operation.name === "scf.for") {
      const block = operation.regions[0]!;
      const [index, ...carried] = block.arguments;
      const [lower, upper, step, ...initial] = operation.operands;
      let head = `scf.for ${name(index!)} = ${name(lower!)} to ${name(upper!)} step ${name(step!)}`;
      if (carried.length > 0) {
        head += ` iter_args(${carried.map((c, k) => `${name(c)} = ${name(initial[k]!)}`).join(", ")})`;
        head += ` -> (${carried.map((c) => typeText(c.type)).join(", ")})`;
        head = `${operation.results.map(name).join(", ")} = ${head}`;
      }
      lines.push(`${indent}${head} {`);
      visit(block, depth + 1);
      lines.push(`${indent}}`);
    } else if (operation.name === "scf.if") {
      const [then, otherwise] = operation.regions as [Block, Block];
      let head = `scf.if ${name(operation.operands[0]!)}`;
      if (operation.results.length > 0) {
        head = `${operation.results.map(name).join(", ")} = ${head}`;
        head += ` -> (${operation.results.map((r) => typeText(r.type)).join(", ")})`;
      }
      lines.push(`${indent}${head} {`);
      visit(then, depth + 1);
      lines.push(`${indent}} else {`);
      visit(otherwise, depth + 1);
      lines.push(`${indent}}`);
    } else {
      const results = operation.results.length > 0 ? `${operation.results.map(name).join(", ")} = ` : "";
      lines.push(`${indent}${results}${operationText(operation, name)}`);
    }
  };
  visit(kernel.body, 2);
  lines.push(
    kernel.result ? `    return ${name(kernel.result)} : ${typeText(kernel.result.type)}` : "    return",
  );
  lines.push("  }", "}", "");
  return lines.join("\n");
}

function memrefText(buffer: Buffer): string {
  return `memref<${buffer.length}x${buffer.element}>`;
}

function operationText(operation: Operation, name: (value: Value) => string): string {
  const operands = operation.operands;
  const types = operands.map((o) => typeText(o.type));
  const list = operands.map(name).join(", ");
  const result = operation.results[0] ? typeText(operation.results[0].type) : "";
  const place = (position: number): string => `%${operation.buffer!.name}[${name(operands[position]!)}]`;
  const memory = operation.buffer ? memrefText(operation.buffer) : "";
  switch (operation.name) {
    case "arith.constant":
      return `arith.constant ${constantText(operation.results[0]!.type, operation.attributes.value!)}`;
    case "arith.cmpi":
    case "arith.cmpf":
      return `${operation.name} ${operation.attributes.predicate}, ${list} : ${types[0]}`;
    case "arith.select":
      return `arith.select ${list} : ${operands[0]!.type.lanes > 0 ? `${types[0]}, ` : ""}${result}`;
    case "memref.load":
      return `memref.load ${place(0)} : ${memory}`;
    case "memref.store":
      return `memref.store ${name(operands[0]!)}, ${place(1)} : ${memory}`;
    case "vector.load":
      return `vector.load ${place(0)} : ${memory}, ${result}`;
    case "vector.store":
      return `vector.store ${name(operands[0]!)}, ${place(1)} : ${memory}, ${types[0]}`;
    case "vector.maskedload":
      return `vector.maskedload ${place(0)}, ${name(operands[1]!)}, ${name(operands[2]!)} : ${memory}, ${types[1]}, ${types[2]} into ${result}`;
    case "vector.maskedstore":
      return `vector.maskedstore ${place(0)}, ${name(operands[1]!)}, ${name(operands[2]!)} : ${memory}, ${types[1]}, ${types[2]}`;
    case "vector.gather":
      return `vector.gather ${place(0)} [${name(operands[1]!)}], ${name(operands[2]!)}, ${name(operands[3]!)} : ${memory}, ${types[1]}, ${types[2]}, ${types[3]} into ${result}`;
    case "vector.shuffle":
      return `vector.shuffle ${list} [${(operation.attributes.mask as readonly number[]).join(", ")}] : ${types.join(", ")}`;
    case "vector.extract":
      return `vector.extract ${list}[${operation.attributes.lane}] : ${result} from ${types[0]}`;
    case "vector.insert":
      return `vector.insert ${list} [${operation.attributes.lane}] : ${types[0]} into ${types[1]}`;
    case "vector.reduction":
      return `vector.reduction <${operation.attributes.kind}>, ${list} : ${types[0]} into ${result}`;
    case "vector.create_mask":
      return `vector.create_mask ${list} : ${result}`;
    case "vector.broadcast":
    case "vector.bitcast":
      return `${operation.name} ${list} : ${types[0]} to ${result}`;
    case "scf.yield":
      return operands.length > 0 ? `scf.yield ${list} : ${types.join(", ")}` : "scf.yield";
    default:
      if (operation.name.startsWith("llvm."))
        return `${operation.name}(${list}) : (${types.join(", ")}) -> ${result}`;
      if (/^arith\.(ext|trunc|sitofp|uitofp|fptosi|fptoui|bitcast|index_cast)/.test(operation.name)) {
        return `${operation.name} ${list} : ${types[0]} to ${result}`;
      }
      return `${operation.name} ${list} : ${result}`;
  }
}

function constantText(type: Type, value: Attribute): string {
  const one = (v: number | bigint): string => numberText(type.element, v);
  if (type.lanes === 0) {
    const text = one(value as number | bigint);
    return type.element === "i1" ? text : `${text} : ${type.element}`;
  }
  const body = Array.isArray(value)
    ? `[${(value as readonly (number | bigint)[]).map(one).join(", ")}]`
    : one(value as number | bigint);
  return `dense<${body}> : ${typeText(type)}`;
}

function numberText(element: ElementType, value: number | bigint): string {
  if (element === "i1") return Number(value) !== 0 ? "true" : "false";
  if (!isFloat(element)) {
    return element === "index" ? String(value) : String(BigInt.asIntN(byteSize(element) * 8, BigInt(value)));
  }
  const v = element === "f32" ? Math.fround(Number(value)) : Number(value);
  if (!Number.isFinite(v)) {
    const view = new DataView(new ArrayBuffer(8));
    if (element === "f32") view.setFloat32(0, v);
    else view.setFloat64(0, v);
    const digits = element === "f32" ? 8 : 16;
    const bits = element === "f32" ? BigInt(view.getUint32(0)) : view.getBigUint64(0);
    return `0x${bits.toString(16).toUpperCase().padStart(digits, "0")}`;
  }
  const text = Object.is(v, -0) ? "-0.0" : String(v);
  if (text.includes(".")) return text;
  return text.includes("e") ? text.replace("e", ".0e") : `${text}.0`;
}
