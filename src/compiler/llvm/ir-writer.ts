import { NeuroranError } from "../../errors.js";
import { buildFragment } from "../builder.js";
import type { Attribute, Block, Operation, Value } from "../operation.js";
import { byteSize, type ElementType, isFloat, type Type } from "../type.js";

/** The function being written as text of LLVM's intermediate representation. */
export interface IrWriter {
  readonly lines: string[];
  /** What values are called; constants are written where they are used. */
  readonly names: Map<Value, string>;
  /** Intrinsic functions used, with their declarations: LLVM before 17 wants them. */
  readonly declarations: Map<string, string>;
  /** The label of the basic block being written. */
  block: string;
  /** Names and labels given so far. */
  count: number;
  readonly lowerBlock: (w: IrWriter, block: Block) => void;
  /** Whether products and sums may be fused, with one rounding for two. */
  readonly contract: boolean;
}

/** Writes one operation and notes what its results are called. */
export type IrLowering = (w: IrWriter, operation: Operation) => void;

export function unsupported(what: string): NeuroranError {
  return new NeuroranError("KERNEL_UNSUPPORTED", `target llvm: ${what}`);
}

const scalarTypes: Partial<Record<ElementType, string>> = { f32: "float", f64: "double", index: "i64" };

/** The type as LLVM writes it: `float`, `<16 x i8>`. */
export function irType({ element, lanes }: Type): string {
  const name = scalarTypes[element] ?? element;
  return lanes === 0 ? name : `<${lanes} x ${name}>`;
}

/** The type as the name of an intrinsic function carries it: `f32`, `v16i8`. */
export function suffix({ element, lanes }: Type): string {
  const name = element === "index" ? "i64" : element;
  return lanes === 0 ? name : `v${lanes}${name}`;
}

/** What a value is called, or the text of the constant that it is. */
export function nameOf(w: IrWriter, value: Value): string {
  const known = w.names.get(value);
  if (known !== undefined) return known;
  const constant =
    value.definition?.name === "arith.constant" ? value.definition.attributes.value : undefined;
  if (constant === undefined) throw unsupported("a value is used outside the block that defines it");
  const text = constantText(value.type, constant);
  w.names.set(value, text);
  return text;
}

/** Type and name, as operands are written. */
export function typed(w: IrWriter, value: Value): string {
  return `${irType(value.type)} ${nameOf(w, value)}`;
}

/** A constant: one number for all lanes, or one a lane. */
export function constantText(type: Type, value: Attribute): string {
  const one = (v: number | bigint): string => numberText(type.element, v);
  if (type.lanes === 0) return one(value as number | bigint);
  const element = irType({ element: type.element, lanes: 0 });
  const numbers =
    typeof value === "object"
      ? value.map(one)
      : new Array<string>(type.lanes).fill(one(value as number | bigint));
  return `<${numbers.map((n) => `${element} ${n}`).join(", ")}>`;
}

function numberText(element: ElementType, value: number | bigint): string {
  if (element === "i1") return Number(value) !== 0 ? "true" : "false";
  if (!isFloat(element)) {
    const bits = element === "index" ? 64 : byteSize(element) * 8;
    return String(BigInt.asIntN(bits, BigInt(value)));
  }
  // The bits of the number as a double are exact for both types.
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, element === "f32" ? Math.fround(Number(value)) : Number(value));
  return `0x${view.getBigUint64(0).toString(16).toUpperCase().padStart(16, "0")}`;
}

export function line(w: IrWriter, text: string): void {
  w.lines.push(`  ${text}`);
}

/** Writes an instruction and returns the name of what it gives. */
export function emit(w: IrWriter, text: string): string {
  const name = `%v.${w.count++}`;
  line(w, `${name} = ${text}`);
  return name;
}

/** Writes the instruction whose result is the operation's. */
export function emitResult(w: IrWriter, operation: Operation, text: string): void {
  w.names.set(operation.results[0]!, emit(w, text));
}

/**
 * A call of an intrinsic function, as instruction text.
 * @param name without `llvm.` and with the suffixes of its types
 * @param operands each with its type
 */
export function intrinsic(w: IrWriter, name: string, result: string, operands: readonly string[]): string {
  if (!w.declarations.has(name)) {
    const types = operands.map((o) => (o.startsWith("<") ? o.slice(0, o.indexOf(">") + 1) : o.split(" ")[0]));
    w.declarations.set(name, `declare ${result} @llvm.${name}(${types.join(", ")})`);
  }
  return `call ${result} @llvm.${name}(${operands.join(", ")})`;
}

/** All lanes the same. */
export function broadcast(w: IrWriter, type: Type, scalar: string): string {
  const text = irType(type);
  const element = irType({ element: type.element, lanes: 0 });
  const one = emit(w, `insertelement ${text} poison, ${element} ${scalar}, i64 0`);
  return emit(w, `shufflevector ${text} ${one}, ${text} poison, <${type.lanes} x i32> zeroinitializer`);
}

/** Starts a basic block. */
export function startBlock(w: IrWriter, label: string): void {
  w.lines.push(`${label}:`);
  w.block = label;
}

/** Writes other operations in place of one and gives their result to it. */
export function replace(w: IrWriter, operation: Operation, body: (operation: Operation) => Value): void {
  const { block, result } = buildFragment(() => body(operation));
  w.lowerBlock(w, block);
  w.names.set(operation.results[0]!, nameOf(w, result));
}
