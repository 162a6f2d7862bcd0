/**
 * The layout of a state, as one line of JSON that says all there is to know to read what was written by it: a scalar is
 * its name, a tensor `["tensor", dtype, ...shape]`, a map `["map", key, value]`, a record an object with sorted names.
 */
import { createHash } from "node:crypto";
import { InputError, NeuroranError } from "../../errors.js";
import type { DataType } from "../data-type.js";
import { checkSchema } from "./field.js";
import type { Fields, FieldType, MapKeyName, ScalarName, Schema } from "./schema.js";

/** The layout of a schema's fields: equal texts where, and only where, the bytes mean the same. */
export function layoutOf(fields: Fields): string {
  return JSON.stringify(describeFields(fields));
}

/** Names in the order in which they lie in the bytes: that of their UTF-16 code units, which are ASCII. */
export function sortedNames(fields: Fields): string[] {
  return Object.keys(fields).sort();
}

function describeFields(fields: Fields): object {
  return Object.fromEntries(sortedNames(fields).map((name) => [name, describe(fields[name])]));
}

function describe(type: FieldType): unknown {
  switch (type.kind) {
    case "scalar":
      return type.type;
    case "tensor":
      return ["tensor", type.dtype, ...type.shape];
    case "record":
      return describeFields(type.fields);
    case "map":
      return ["map", type.key, describe(type.value as FieldType)];
  }
}

/**
 * The schema that a layout describes, for reading what an earlier version wrote.
 * @throws NeuroranError STATE_CORRUPT where the text is no layout.
 */
export function schemaOfLayout(version: number, layout: string): Schema {
  try {
    const schema: Schema = {
      kind: "schema",
      version,
      fields: parseFields(JSON.parse(layout), 0),
      migrations: {},
    };
    checkSchema(schema);
    return schema;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof InputError)) throw cause;
    const message = `the layout of version ${version} of a state cannot be read: ${cause.message}; restore a snapshot`;
    throw new NeuroranError("STATE_CORRUPT", message, { cause });
  }
}

function parseFields(value: unknown, depth: number): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth > 100) {
    throw new InputError("layout", value, "a record is an object");
  }
  return Object.fromEntries(Object.entries(value).map(([name, type]) => [name, parse(type, depth + 1)]));
}

function parse(value: unknown, depth: number): FieldType {
  if (typeof value === "string") {
    return { kind: "scalar", type: value as ScalarName, initial: undefined };
  }
  if (!Array.isArray(value)) return { kind: "record", fields: parseFields(value, depth) };
  const [kind, first, ...rest] = value;
  if (depth > 100) throw new InputError("layout", kind, "it lies too deep");
  if (kind === "tensor") return { kind, dtype: first as DataType, shape: rest as number[] };
  if (kind === "map") return { kind, key: first as MapKeyName, value: parse(rest[0], depth + 1) };
  throw new InputError("layout", kind, 'an array begins with "tensor" or "map"');
}

/** Four bytes that tell layouts apart: the first of the SHA-256 digest, little-endian. */
export function fingerprintOf(layout: string): number {
  return createHash("sha256").update(layout).digest().readUInt32LE(0);
}
