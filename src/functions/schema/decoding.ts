/**
 * Reads what encoding.ts writes.
 *
 * Invariants:
 * 1. Whatever the bytes are, reading ends with a value of the type or with STATE_CORRUPT.
 * 2. Nothing is allocated for what the remaining bytes cannot hold.
 */
import { NeuroranError } from "../../errors.js";
import { type View, viewOf } from "../data-type.js";
import { compareTexts, type Place } from "./encoding.js";
import { tensorBytes } from "./field.js";
import { sortedNames } from "./layout.js";
import { scalarBytes } from "./scalar.js";
import type { FieldType, MapType, RecordType, ScalarName, TensorType } from "./schema.js";

/** Bytes being read. */
export interface Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
}

/** Reads a value and moves the cursor behind it. */
export type Reader = (cursor: Cursor) => unknown;

export function cursorOver(bytes: Uint8Array): Cursor {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 };
}

/** A state that cannot be what was written. */
export function corrupt(place: string, at: number, problem: string): NeuroranError {
  return new NeuroranError(
    "STATE_CORRUPT",
    `${place}, at byte ${at}: ${problem}; restore an epoch or snapshot before the damage`,
  );
}

export function reader(type: FieldType, place: Place): Reader {
  switch (type.kind) {
    case "scalar":
      return scalarReader(type.type, place);
    case "tensor":
      return tensorReader(type, place);
    case "record":
      return recordReader(type, place);
    case "map":
      return mapReader(type, place);
  }
}

/** Moves the cursor behind the next `length` bytes and says where they begin. */
function take(cursor: Cursor, length: number, place: Place): number {
  const { at } = cursor;
  const left = cursor.bytes.length - at;
  if (length > left) throw corrupt(place(), at, `${length} bytes are needed and ${left} left`);
  cursor.at = at + length;
  return at;
}

function recordReader({ fields }: RecordType, place: Place): Reader {
  const names = sortedNames(fields);
  const readers = names.map((name) => reader(fields[name], () => `${place()}.${name}`));
  return (cursor) => {
    const value: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) value[names[index]] = readers[index](cursor);
    return value;
  };
}

function mapReader(type: MapType, place: Place): Reader {
  const inside = () => `${place()}[]`;
  const readKey = scalarReader(type.key, inside);
  const readValue = reader(type.value as FieldType, inside);
  const follows = type.key === "text" ? textFollows : integerFollows;
  return (cursor) => {
    const at = take(cursor, 4, place);
    const size = cursor.view.getUint32(at, true);
    // The entries are read one by one, so that a wrong size ends where the bytes do: each has a key of a byte or more.
    const value = new Map<unknown, unknown>();
    let last: unknown;
    for (let index = 0; index < size; index++) {
      const key = readKey(cursor);
      if (index > 0 && !follows(last, key)) throw corrupt(place(), cursor.at, "the keys are out of order");
      value.set(key, readValue(cursor));
      last = key;
    }
    return value;
  };
}

function textFollows(last: unknown, key: unknown): boolean {
  return compareTexts(last as string, key as string) < 0;
}

function integerFollows(last: unknown, key: unknown): boolean {
  return (last as number) < (key as number);
}

function tensorReader(type: TensorType, place: Place): Reader {
  const bytes = tensorBytes(type);
  const elements = type.shape.reduce((count, size) => count * size, 1);
  return (cursor) => {
    const at = take(cursor, bytes, place);
    const value: View = viewOf(type.dtype, new ArrayBuffer(bytes), 0, elements);
    new Uint8Array(value.buffer).set(cursor.bytes.subarray(at, at + bytes));
    return value;
  };
}

const scalarReaders: Readonly<
  Record<Exclude<ScalarName, "text" | "boolean">, (view: DataView, at: number) => unknown>
> = {
  int8: (view, at) => view.getInt8(at),
  int16: (view, at) => view.getInt16(at, true),
  int32: (view, at) => view.getInt32(at, true),
  int64: (view, at) => view.getBigInt64(at, true),
  uint8: (view, at) => view.getUint8(at),
  uint16: (view, at) => view.getUint16(at, true),
  uint32: (view, at) => view.getUint32(at, true),
  uint64: (view, at) => view.getBigUint64(at, true),
  float32: (view, at) => view.getFloat32(at, true),
  float64: (view, at) => view.getFloat64(at, true),
};

function scalarReader(type: ScalarName, place: Place): Reader {
  if (type === "text") return (cursor) => readText(cursor, place);
  if (type === "boolean") return (cursor) => readBoolean(cursor, place);
  const bytes = scalarBytes[type];
  const read = scalarReaders[type];
  return (cursor) => read(cursor.view, take(cursor, bytes, place));
}

function readBoolean(cursor: Cursor, place: Place): boolean {
  const at = take(cursor, 1, place);
  const byte = cursor.bytes[at];
  if (byte > 1) throw corrupt(place(), at, `a truth value is 0 or 1, not ${byte}`);
  return byte === 1;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readText(cursor: Cursor, place: Place): string {
  const length = cursor.view.getUint32(take(cursor, 4, place), true);
  const at = take(cursor, length, place);
  const bytes = cursor.bytes;
  // Short texts of ASCII are read here, as a call out of JavaScript costs more than they do.
  if (length <= 32) {
    let text = "";
    let index = at;
    for (; index < at + length && bytes[index] < 0x80; index++) text += String.fromCharCode(bytes[index]);
    if (index === at + length) return text;
  }
  try {
    return utf8.decode(bytes.subarray(at, at + length));
  } catch {
    throw corrupt(place(), at, "the text is not UTF-8");
  }
}
