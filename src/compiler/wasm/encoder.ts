import { append, type Bytes, byte, bytes, emptyBytes, unsigned } from "./bytes.js";

/** The binary format of WebAssembly, as much of it as one function over an imported memory needs. */

/** WebAssembly's value types. */
export type WasmType = "i32" | "i64" | "f32" | "f64" | "v128";

export const typeCode: Record<WasmType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

function section(out: Bytes, id: number, write: (content: Bytes) => void): void {
  const content = emptyBytes();
  write(content);
  byte(out, id);
  unsigned(out, content.length);
  append(out, content);
}

function name(out: Bytes, text: string): void {
  const encoded = new TextEncoder().encode(text);
  unsigned(out, encoded.length);
  bytes(out, encoded);
}

/** The locals' declaration: runs of one type. */
function declareLocals(out: Bytes, locals: readonly WasmType[]): void {
  const groups: { type: WasmType; count: number }[] = [];
  for (const local of locals) {
    const last = groups.at(-1);
    if (last?.type === local) last.count++;
    else groups.push({ type: local, count: 1 });
  }
  unsigned(out, groups.length);
  for (const group of groups) {
    unsigned(out, group.count);
    byte(out, typeCode[group.type]);
  }
}

/**
 * A module that imports `env.memory` (shared, of the given number of pages) and exports one function `run`.
 * @param locals types of the locals beyond the parameters
 * @param code the body without its final `end`
 */
export function encodeModule(
  parameters: readonly WasmType[],
  result: WasmType | undefined,
  locals: readonly WasmType[],
  code: Bytes,
  pages: { initial: number; maximum: number },
): Uint8Array<ArrayBuffer> {
  const out = emptyBytes(code.length + 2 * locals.length + 256);
  bytes(out, [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(out, 1, (type) => {
    bytes(type, [1, 0x60]);
    unsigned(type, parameters.length);
    for (const parameter of parameters) byte(type, typeCode[parameter]);
    bytes(type, result ? [1, typeCode[result]] : [0]);
  });
  section(out, 2, (imports) => {
    byte(imports, 1);
    name(imports, "env");
    name(imports, "memory");
    bytes(imports, [2, 3]);
    unsigned(imports, pages.initial);
    unsigned(imports, pages.maximum);
  });
  section(out, 3, (functions) => bytes(functions, [1, 0]));
  section(out, 7, (exports) => {
    byte(exports, 1);
    name(exports, "run");
    bytes(exports, [0, 0]);
  });
  section(out, 10, (codes) => {
    const declared = emptyBytes();
    declareLocals(declared, locals);
    byte(codes, 1);
    unsigned(codes, declared.length + code.length + 1);
    append(codes, declared);
    append(codes, code);
    byte(codes, 0x0b);
  });
  return new Uint8Array(out.data.subarray(0, out.length));
}
