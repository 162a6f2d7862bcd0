/** The binary format of WebAssembly, as much of it as one function over an imported memory needs. */

/** WebAssembly's value types. */
export type WasmType = "i32" | "i64" | "f32" | "f64" | "v128";

export const typeCode: Record<WasmType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Appends an unsigned LEB128 number. */
export function unsigned(out: number[], value: number): void {
  let v = value;
  do {
    const byte = v % 128;
    v = Math.floor(v / 128);
    out.push(v > 0 ? byte | 0x80 : byte);
  } while (v > 0);
}

/** Appends a signed LEB128 number. */
export function signed(out: number[], value: number | bigint): void {
  let v = BigInt(value);
  for (;;) {
    const byte = Number(v & 0x7fn);
    v >>= 7n;
    if ((v === 0n && (byte & 0x40) === 0) || (v === -1n && (byte & 0x40) !== 0)) {
      out.push(byte);
      return;
    }
    out.push(byte | 0x80);
  }
}

const scratch = new DataView(new ArrayBuffer(8));

/** Appends a float's four or eight bytes. */
export function float(out: number[], value: number, bytes: 4 | 8): void {
  if (bytes === 4) scratch.setFloat32(0, value, true);
  else scratch.setFloat64(0, value, true);
  for (let k = 0; k < bytes; k++) out.push(scratch.getUint8(k));
}

function section(id: number, content: readonly number[]): number[] {
  const out = [id];
  unsigned(out, content.length);
  return concatenate(out, content);
}

function concatenate(a: number[], b: readonly number[]): number[] {
  for (const byte of b) a.push(byte);
  return a;
}

function name(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  const out: number[] = [];
  unsigned(out, bytes.length);
  return concatenate(out, bytes);
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
  code: readonly number[],
  pages: { initial: number; maximum: number },
): Uint8Array<ArrayBuffer> {
  const type = [1, 0x60, parameters.length, ...parameters.map((p) => typeCode[p])];
  type.push(...(result ? [1, typeCode[result]] : [0]));
  const memoryImport = [1, ...name("env"), ...name("memory"), 2, 3];
  unsigned(memoryImport, pages.initial);
  unsigned(memoryImport, pages.maximum);

  const groups: { type: WasmType; count: number }[] = [];
  for (const local of locals) {
    const last = groups.at(-1);
    if (last?.type === local) last.count++;
    else groups.push({ type: local, count: 1 });
  }
  const body: number[] = [];
  unsigned(body, groups.length);
  for (const group of groups) {
    unsigned(body, group.count);
    body.push(typeCode[group.type]);
  }
  concatenate(body, code);
  body.push(0x0b);
  const codeSection = [1];
  unsigned(codeSection, body.length);
  concatenate(codeSection, body);

  const module = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  concatenate(module, section(1, type));
  concatenate(module, section(2, memoryImport));
  concatenate(module, section(3, [1, 0]));
  concatenate(module, section(7, [1, ...name("run"), 0, 0]));
  concatenate(module, section(10, codeSection));
  return new Uint8Array(module);
}
