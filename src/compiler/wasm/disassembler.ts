import { NeuroranError } from "../../errors.js";
import { typeCode } from "./encoder.js";
import { miscellaneousNames, plainNames, vectorNames } from "./instruction-names.js";

/** A module as text. */
export interface WasmText {
  /** WebAssembly's text format, an instruction a line. */
  readonly text: string;
  /** Instructions, without the `end` of blocks and of the function. */
  readonly instructions: number;
}

/** Bytes that are read from their beginning. */
interface Reader {
  readonly data: DataView;
  at: number;
}

const typeNames = new Map(Object.entries(typeCode).map(([name, code]) => [code, name]));

function unreadable(r: Reader, what: string): NeuroranError {
  return new NeuroranError(
    "WASM_UNREADABLE",
    `byte ${r.at} of the WebAssembly module: ${what} is not what kernels are made of`,
  );
}

function byte(r: Reader): number {
  if (r.at >= r.data.byteLength) throw unreadable(r, "an end");
  return r.data.getUint8(r.at++);
}

/** An LEB128 number of up to 64 bits, its sign extended if it has one. */
function number(r: Reader, kind: "signed" | "unsigned"): bigint {
  let [value, shift] = [0n, 0n];
  for (;;) {
    const b = byte(r);
    value |= BigInt(b & 0x7f) << shift;
    shift += 7n;
    if (b < 0x80) return kind === "signed" ? BigInt.asIntN(Number(shift), value) : value;
  }
}

function count(r: Reader): number {
  return Number(number(r, "unsigned"));
}

/** As many things as a number before them says. */
function list<T>(r: Reader, one: () => T): T[] {
  return Array.from({ length: count(r) }, one);
}

function bytes(r: Reader, length: number): Uint8Array {
  if (r.at + length > r.data.byteLength) throw unreadable(r, "an end");
  r.at += length;
  return new Uint8Array(r.data.buffer, r.data.byteOffset + r.at - length, length);
}

function name(r: Reader): string {
  return new TextDecoder().decode(bytes(r, count(r)));
}

function valueType(r: Reader): string {
  const code = byte(r);
  const found = typeNames.get(code);
  if (found === undefined) throw unreadable(r, `type ${code}`);
  return found;
}

function expectBytes(r: Reader, wanted: readonly number[], what: string): void {
  for (const one of wanted) if (byte(r) !== one) throw unreadable(r, what);
}

/** Enters a section and returns where it ends. */
function section(r: Reader, id: number): number {
  expectBytes(r, [id], `a section that is not number ${id}`);
  return count(r) + r.at;
}

function expectEnd(r: Reader, end: number): void {
  if (r.at !== end) throw unreadable(r, "a section of another length");
}

/**
 * A module of one function, as `encodeWasm` makes them, as text that assemblers of WebAssembly take.
 * @param parameters names of the function's parameters, instead of their numbers
 * @throws NeuroranError `WASM_UNREADABLE` for bytes that no kernel is encoded in.
 */
export function disassembleWasm(module: Uint8Array, parameters: readonly string[] = []): WasmText {
  const r: Reader = { data: new DataView(module.buffer, module.byteOffset, module.byteLength), at: 0 };
  expectBytes(r, [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], "the head");

  let end = section(r, 1);
  expectBytes(r, [1, 0x60], "the type of the function");
  const taken = list(r, () => valueType(r));
  const given = list(r, () => valueType(r));
  expectEnd(r, end);

  end = section(r, 2);
  expectBytes(r, [1], "an import");
  const imported = `"${name(r)}" "${name(r)}"`;
  expectBytes(r, [2, 3], "memory");
  const memory = `(memory ${count(r)} ${count(r)} shared)`;
  expectEnd(r, end);

  end = section(r, 3);
  expectBytes(r, [1, 0], "the list of functions");
  expectEnd(r, end);

  end = section(r, 7);
  expectBytes(r, [1], "the list of exports");
  const exported = name(r);
  expectBytes(r, [0, 0], "an export");
  expectEnd(r, end);

  end = section(r, 10);
  expectBytes(r, [1], "the list of bodies");
  const length = count(r);
  expectEnd(r, end - length);
  const locals = list(r, () => new Array<string>(count(r)).fill(valueType(r))).flat();
  const head = [
    `(func (export "${exported}")`,
    ...taken.map((type, k) => `(param ${parameters[k] === undefined ? "" : `$${parameters[k]} `}${type})`),
    ...given.map((type) => `(result ${type})`),
  ];
  const lines = ["(module", `  (import ${imported} ${memory})`, `  ${head.join(" ")}`];
  if (locals.length > 0) lines.push(`    (local ${locals.join(" ")})`);
  const instructions = body(r, lines, (local) =>
    parameters[local] === undefined ? String(local) : `$${parameters[local]}`,
  );
  expectEnd(r, end);
  expectEnd(r, module.length);
  lines.push("  )", ")", "");
  return { text: lines.join("\n"), instructions };
}

/** Appends the function's instructions, indented by block, up to the `end` of the function. */
function body(r: Reader, lines: string[], local: (index: number) => string): number {
  let [depth, instructions] = [0, 0];
  for (;;) {
    const text = instruction(r, local);
    if (text === "end" && depth === 0) return instructions;
    if (text === "end") depth--;
    else instructions++;
    lines.push("  ".repeat(depth + (text === "else" ? 1 : 2)) + text);
    if (/^(block|loop|if)\b/.test(text)) depth++;
  }
}

function instruction(r: Reader, local: (index: number) => string): string {
  const first = byte(r);
  const names = first === 0xfd ? vectorNames : first === 0xfc ? miscellaneousNames : plainNames;
  const opcode = names === plainNames ? first : count(r);
  const found = names.get(opcode);
  if (found === undefined) throw unreadable(r, `instruction ${opcode}`);
  if (names === plainNames && opcode === 0x1c) return `${found} ${resultText(list(r, () => valueType(r)))}`;
  return [found, ...immediates(r, found, local)].join(" ");
}

function resultText(types: readonly string[]): string {
  return `(result ${types.join(" ")})`;
}

/** What stands behind an instruction's opcode. */
function immediates(r: Reader, instruction: string, local: (index: number) => string): string[] {
  if (/^(block|loop|if)$/.test(instruction)) return blockType(r);
  if (/^br/.test(instruction)) return [String(count(r))];
  if (/^local\./.test(instruction)) return [local(count(r))];
  if (/\.const$/.test(instruction)) return [constant(r, instruction)];
  if (instruction === "i8x16.shuffle") return [bytes(r, 16).join(" ")];
  const memory = /\.(load|store)/.test(instruction) ? memoryText(r) : [];
  return /_lane/.test(instruction) ? [...memory, String(byte(r))] : memory;
}

function blockType(r: Reader): string[] {
  if (byte(r) === 0x40) return [];
  r.at--;
  return [resultText([valueType(r)])];
}

function memoryText(r: Reader): string[] {
  const align = `align=${2 ** count(r)}`;
  const offset = count(r);
  return offset > 0 ? [`offset=${offset}`, align] : [align];
}

function constant(r: Reader, instruction: string): string {
  if (/^i/.test(instruction)) return String(number(r, "signed"));
  const length = { "f32.const": 4, "f64.const": 8 }[instruction] ?? 16;
  const data = new DataView(bytes(r, length).slice().buffer);
  if (length === 4) return floatText(data.getFloat32(0, true), data.getUint32(0, true) & 0x7fffff);
  if (length === 8) return floatText(data.getFloat64(0, true), data.getBigUint64(0, true) & 0xfffffffffffffn);
  const words = [0, 4, 8, 12].map((at) => data.getUint32(at, true).toString(16).padStart(8, "0"));
  return `i32x4 ${words.map((word) => `0x${word}`).join(" ")}`;
}

function floatText(value: number, fraction: number | bigint): string {
  if (Number.isNaN(value)) return `nan:0x${fraction.toString(16)}`;
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}
