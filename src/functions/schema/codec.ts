/**
 * States as bytes: a header of eight bytes (the format of the layout, 1, as uint16; the schema's version as uint16; the
 * fingerprint of the fields' layout as uint32), then the fields as encoding.ts writes them.
 *
 * Invariants:
 * 1. Equal states of a schema give equal bytes, on every node.
 * 2. Bytes are read by the layout that they were written with, never by another: version and fingerprint say which.
 * 3. State of an earlier version is read by that version's layout and goes through every migration from there on, in order;
 *    what comes out is checked as if a handler had left it.
 */
import { InputError, NeuroranError } from "../../errors.js";
import { bytesPerElement, viewOf } from "../data-type.js";
import { corrupt, cursorOver, type Reader, reader } from "./decoding.js";
import { rootWriter, written } from "./encoding.js";
import { checkSchema } from "./field.js";
import { jsonOf, valueOfJson } from "./json-form.js";
import { fingerprintOf, layoutOf, schemaOfLayout } from "./layout.js";
import { scalarDefaults } from "./scalar.js";
import type { FieldType, RecordType, Schema, ValueOf } from "./schema.js";

const headerBytes = 8;
const format = 1;

/** Reads and writes the states of a schema. */
export interface Codec<V = unknown> {
  readonly version: number;
  /** What the fields are, as one line of text: kept, it lets later versions read what this one wrote. */
  readonly layout: string;
  /** The state of a new key. */
  initial(): V;
  /**
   * The canonical bytes of a state.
   * @throws InputError with the path, where it is not of the schema.
   */
  encode(state: V): Uint8Array;
  /**
   * The state that was encoded, by this version or an earlier one that the codec knows; it shares nothing with the bytes.
   * @throws NeuroranError STATE_CORRUPT where the bytes are damaged, STATE_VERSION_UNKNOWN where another version wrote
   * them, STATE_MIGRATION_FAILED where a migration throws or gives what is not of the schema.
   */
  decode(bytes: Uint8Array): V;
  /**
   * Gives a state of this schema back and refuses all else.
   * @throws InputError with the path.
   */
  check(state: unknown): V;
  /** The JSON form of a state. */
  toJson(state: V): unknown;
  /**
   * The state of a JSON form.
   * @throws InputError with the path.
   */
  fromJson(json: unknown): V;
}

/**
 * Compiles a schema. `earlier` gives the layouts of versions that may have written what is to be read.
 * @throws InputError where the schema cannot be kept or has no path of migrations from one of them; NeuroranError
 * STATE_CORRUPT for a layout that is none.
 */
export function codecOf<S extends Schema>(
  schema: S,
  earlier: ReadonlyMap<number, string> = new Map(),
): Codec<ValueOf<S>> {
  type Value = ValueOf<S>;
  checkSchema(schema);
  const { version, fields } = schema;
  const root: RecordType = { kind: "record", fields };
  const layout = layoutOf(fields);
  const place = () => "state";
  const write = rootWriter(root, place);
  const fingerprint = fingerprintOf(layout);
  const readers = new Map([[version, { fingerprint, read: reader(root, place) }]]);
  for (const [from, text] of earlier) {
    if (from !== version) readers.set(from, earlierReader(schema, from, text));
  }
  const begin = (view: DataView): void => {
    view.setUint16(0, format, true);
    view.setUint16(2, version, true);
    view.setUint32(4, fingerprint, true);
  };
  const encode = (state: unknown): Uint8Array => written(write, state, headerBytes, begin);

  return {
    version,
    layout,
    initial: () => initialOf(root) as Value,
    encode,
    decode(bytes) {
      const cursor = cursorOver(bytes);
      if (bytes.length < headerBytes) {
        throw corrupt("state", 0, `a header has ${headerBytes} bytes and here are ${bytes.length}`);
      }
      const { view } = cursor;
      if (view.getUint16(0, true) !== format)
        throw corrupt("state", 0, "this is no state, or of a later format");
      const from = view.getUint16(2, true);
      const known = readers.get(from);
      if (known === undefined) throw unknownVersion(from, version);
      if (view.getUint32(4, true) !== known.fingerprint) {
        throw corrupt("state", 4, `this is not how version ${from} lays its fields out`);
      }
      cursor.at = headerBytes;
      const state = known.read(cursor);
      if (cursor.at !== bytes.length)
        throw corrupt("state", cursor.at, "there are more bytes than the fields take");
      return (from === version ? state : migrated(schema, from, state, encode)) as Value;
    },
    check(state) {
      encode(state);
      return state as Value;
    },
    toJson: (state) => jsonOf(root, state),
    fromJson(json) {
      const state = valueOfJson(root, json, place);
      encode(state);
      return state as Value;
    },
  };
}

function initialOf(type: FieldType): unknown {
  switch (type.kind) {
    case "scalar":
      return type.initial ?? scalarDefaults[type.type];
    case "tensor": {
      const elements = type.shape.reduce((count, size) => count * size, 1);
      return viewOf(type.dtype, new ArrayBuffer(elements * bytesPerElement[type.dtype]), 0, elements);
    }
    case "record": {
      const entries = Object.entries(type.fields);
      return Object.fromEntries(entries.map(([name, field]) => [name, initialOf(field)]));
    }
    case "map":
      return new Map();
  }
}

function earlierReader(schema: Schema, from: number, layout: string): { fingerprint: number; read: Reader } {
  const { version, migrations } = schema;
  if (from > version) throw unknownVersion(from, version);
  for (let step = from; step < version; step++) {
    if (migrations[step] !== undefined) continue;
    const remedy = `there is state of version ${from}: declare how one of version ${step} becomes one of version ${step + 1}`;
    throw new InputError(`state.migrations.${step}`, undefined, remedy);
  }
  const { fields } = schemaOfLayout(from, layout);
  const read = reader({ kind: "record", fields }, () => `state of version ${from}`);
  return { fingerprint: fingerprintOf(layout), read };
}

function unknownVersion(from: number, version: number): NeuroranError {
  const remedy = from > version ? "deploy that version or a later one" : "declare migrations from it";
  const message = `there is state of version ${from}, which version ${version} of the function cannot read: ${remedy}`;
  return new NeuroranError("STATE_VERSION_UNKNOWN", message);
}

function migrated(schema: Schema, from: number, state: unknown, check: (state: unknown) => void): unknown {
  let step = from;
  try {
    for (; step < schema.version; step++) state = schema.migrations[step](state as never);
    check(state);
    return state;
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    const where =
      step < schema.version ? `from version ${step} to ${step + 1}` : `from version ${from} to ${step}`;
    throw new NeuroranError("STATE_MIGRATION_FAILED", `the migration ${where} failed: ${problem}`, { cause });
  }
}
