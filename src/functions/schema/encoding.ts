/**
 * Writes values in their canonical layout: little-endian and dense; a text is its length in bytes (uint32) and its UTF-8;
 * a tensor its elements; a record its fields by name; a map its size (uint32) and its entries by key, texts in the order
 * of their UTF-8 bytes and integers in that of their values. Every NaN has the bits of `canonicalNaN`.
 *
 * Invariants:
 * 1. Equal values give equal bytes, whatever order their fields and entries came in.
 * 2. A value that is not of the type is refused, with the path to it, before anybody sees bytes of it.
 * 3. Behind what is written, there is room for all that follows up to the next text, tensor or entry of a map: what takes
 *    a length that is not fixed reserves that room behind it.
 */
import { InputError } from "../../errors.js";
import { type DataType, type View, viewOf } from "../data-type.js";
import { tensorBytes } from "./field.js";
import { sortedNames } from "./layout.js";
import { scalarAccepts, scalarBytes, scalarRemedies } from "./scalar.js";
import type { FieldType, MapKeyName, MapType, RecordType, ScalarName, TensorType } from "./schema.js";

/** Writes a value at a byte of the buffer and gives the byte behind it. */
export type Writer = (value: unknown, at: number) => number;

/** Where a value stands, for messages. */
export type Place = () => string;

/** The bits of every NaN that is written. */
export const canonicalNaN = { float32: 0x7fc0_0000, float64: 0x7ff8_0000 } as const;

const firstRoom_bytes = 4096;
const keptRoom_bytes = 1 << 20;

// One buffer for all, as nothing else runs while a value is written.
let room = new Uint8Array(firstRoom_bytes);
let texts = Buffer.from(room.buffer);
let view = new DataView(room.buffer);

function use(larger: Uint8Array<ArrayBuffer>): void {
  room = larger;
  texts = Buffer.from(room.buffer);
  view = new DataView(room.buffer);
}

function reserve(bytes: number): void {
  if (bytes <= room.length) return;
  const larger = new Uint8Array(Math.max(bytes, 2 * room.length));
  larger.set(room);
  use(larger);
}

/** The bytes that `write` writes behind `header` bytes, which `begin` fills: a copy that is the caller's own. */
export function written(
  write: Writer,
  value: unknown,
  header: number,
  begin: (view: DataView) => void,
): Uint8Array {
  begin(view);
  const end = write(value, header);
  const bytes = room.slice(0, end);
  if (room.length > keptRoom_bytes) use(new Uint8Array(firstRoom_bytes));
  return bytes;
}

/** What writes a record that stands at the root, at most 64 bytes behind the buffer's start. */
export function rootWriter(type: RecordType, place: Place): Writer {
  const spare = fixedBytes(type);
  const write = recordWriter(type, place, spare);
  return (value, at) => {
    reserve(at + spare);
    return write(value, at);
  };
}

/** Bytes that are there whatever the value: of a map, its size and one entry. */
function fixedBytes(type: FieldType): number {
  switch (type.kind) {
    case "scalar":
      return scalarBytes[type.type];
    case "tensor":
      return 0;
    case "record":
      return Object.values(type.fields).reduce((bytes, field) => bytes + fixedBytes(field), 0);
    case "map":
      return 4 + scalarBytes[type.key] + fixedBytes(type.value as FieldType);
  }
}

function writer(type: FieldType, place: Place, spare: number): Writer {
  switch (type.kind) {
    case "scalar":
      return scalarWriter(type.type, place, spare);
    case "tensor":
      return tensorWriter(type, place, spare);
    case "record":
      return recordWriter(type, place, spare);
    case "map":
      return mapWriter(type, place, spare);
  }
}

function recordWriter({ fields }: RecordType, place: Place, spare: number): Writer {
  const names = sortedNames(fields);
  const writers = names.map((name) => writer(fields[name], () => `${place()}.${name}`, spare));
  return (value, at) => {
    if (typeof value !== "object" || value === null) throw notRecord(place(), value, names);
    for (let index = 0; index < names.length; index++) {
      at = writers[index]((value as Record<string, unknown>)[names[index]], at);
    }
    let count = 0;
    for (const _ in value) count++;
    if (count !== names.length) throw unknownField(place(), value, names);
    return at;
  };
}

export function notRecord(place: string, value: unknown, names: readonly string[]): InputError {
  return new InputError(place, value, `give an object with the fields ${names.join(", ")}`);
}

/** Fields are missing only where they are inherited, which nobody can store. */
export function unknownField(place: string, value: object, names: readonly string[]): InputError {
  const found = Object.keys(value).find((name) => !names.includes(name));
  const allowed = names.length === 0 ? "there are none" : `the fields are ${names.join(", ")}`;
  return new InputError(`${place}, name of a field`, found, allowed);
}

function mapWriter(type: MapType, place: Place, spare: number): Writer {
  let current: unknown;
  const inside = () =>
    `${place()}[${typeof current === "string" ? JSON.stringify(current) : String(current)}]`;
  const writeKey = scalarWriter(type.key, inside, spare);
  const writeValue = writer(type.value as FieldType, inside, spare);
  return (value, at) => {
    if (!(value instanceof Map)) throw new InputError(place(), value, "give a Map");
    view.setUint32(at, value.size, true);
    at += 4;
    for (const key of sortedKeys(type.key, value, place)) {
      current = key;
      reserve(at + spare);
      at = writeValue(value.get(key), writeKey(key, at));
    }
    reserve(at + spare);
    return at;
  };
}

/** Looks at the type first, as keys of several types have no order. */
function sortedKeys(type: MapKeyName, map: ReadonlyMap<unknown, unknown>, place: Place): unknown[] {
  const keys = [...map.keys()];
  const wrong = keys.findIndex((key) => !scalarAccepts[type](key));
  if (wrong >= 0) throw new InputError(`${place()}, a key`, keys[wrong], scalarRemedies[type]);
  return type === "text" ? (keys as string[]).sort(compareTexts) : (keys as number[]).sort(compareIntegers);
}

function compareIntegers(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Compares as the UTF-8 bytes do: by code points, where JavaScript compares halves of surrogate pairs. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** A half of a surrogate pair stands for a code point above all that need only one unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

function tensorWriter(type: TensorType, place: Place, spare: number): Writer {
  const { dtype, shape } = type;
  const bytes = tensorBytes(type);
  const Elements = viewOf(dtype, new ArrayBuffer(0), 0, 0).constructor as ViewConstructor;
  const numbers = bytes / Elements.BYTES_PER_ELEMENT;
  const canonicalise = canonicalisers[dtype];
  return (value, at) => {
    if (!(value instanceof Elements) || value.length !== numbers) {
      const remedy = `give a ${Elements.name} of ${numbers} numbers: ${dtype}, shape [${shape.join(", ")}]`;
      throw new InputError(place(), value, remedy);
    }
    reserve(at + bytes + spare);
    room.set(new Uint8Array(value.buffer, value.byteOffset, bytes), at);
    canonicalise?.(value, at);
    return at + bytes;
  };
}

type ViewConstructor = { new (): View; readonly BYTES_PER_ELEMENT: number; readonly name: string };

const canonicalisers: Readonly<Partial<Record<DataType, (elements: View, at: number) => void>>> = {
  float32: canonicaliseFloat32,
  complex64: canonicaliseFloat32,
  float64: canonicaliseFloat64,
};

function canonicaliseFloat32(elements: View, at: number): void {
  for (let index = 0; index < elements.length; index++) {
    if (Number.isNaN(elements[index])) view.setUint32(at + 4 * index, canonicalNaN.float32, true);
  }
}

function canonicaliseFloat64(elements: View, at: number): void {
  for (let index = 0; index < elements.length; index++) {
    if (Number.isNaN(elements[index])) writeNaN(at + 8 * index);
  }
}

function writeNaN(at: number): void {
  view.setUint32(at, 0, true);
  view.setUint32(at + 4, canonicalNaN.float64, true);
}

type ScalarWriters = Readonly<Record<Exclude<ScalarName, "text">, (value: never, at: number) => void>>;

const scalarWriters: ScalarWriters = {
  boolean: (value: boolean, at) => view.setUint8(at, value ? 1 : 0),
  int8: (value: number, at) => view.setInt8(at, value),
  int16: (value: number, at) => view.setInt16(at, value, true),
  int32: (value: number, at) => view.setInt32(at, value, true),
  int64: (value: bigint, at) => view.setBigInt64(at, value, true),
  uint8: (value: number, at) => view.setUint8(at, value),
  uint16: (value: number, at) => view.setUint16(at, value, true),
  uint32: (value: number, at) => view.setUint32(at, value, true),
  uint64: (value: bigint, at) => view.setBigUint64(at, value, true),
  float32: (value: number, at) => {
    if (Number.isNaN(value)) view.setUint32(at, canonicalNaN.float32, true);
    else view.setFloat32(at, value, true);
  },
  float64: (value: number, at) => {
    if (Number.isNaN(value)) writeNaN(at);
    else view.setFloat64(at, value, true);
  },
};

function scalarWriter(type: ScalarName, place: Place, spare: number): Writer {
  if (type === "text") return textWriter(place, spare);
  const write = scalarWriters[type] as (value: unknown, at: number) => void;
  const bytes = scalarBytes[type];
  const accepts = scalarAccepts[type];
  return (value, at) => {
    if (!accepts(value)) throw new InputError(place(), value, scalarRemedies[type]);
    write(value, at);
    return at + bytes;
  };
}

function textWriter(place: Place, spare: number): Writer {
  return (value, at) => {
    if (!scalarAccepts.text(value)) throw new InputError(place(), value, scalarRemedies.text);
    const text = value as string;
    // A unit of UTF-16 takes at most three bytes of UTF-8.
    reserve(at + 4 + 3 * text.length + spare);
    const length = writeText(text, at + 4);
    view.setUint32(at, length, true);
    return at + 4 + length;
  };
}

/** Short texts of ASCII are written here, as a call out of JavaScript costs more than they do. */
function writeText(text: string, at: number): number {
  if (text.length > 32) return texts.write(text, at);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return texts.write(text, at);
    room[at + index] = unit;
  }
  return text.length;
}
