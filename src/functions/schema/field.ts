import { InputError } from "../../errors.js";
import { bytesPerElement, type DataType } from "../data-type.js";
import { mapKeyNames, scalarAccepts, scalarBytes, scalarRemedies } from "./scalar.js";
import type {
  Fields,
  FieldType,
  MapKeyName,
  MapType,
  RecordType,
  ScalarName,
  ScalarType,
  ScalarValues,
  Schema,
  TensorType,
} from "./schema.js";

/** What lies deeper than this, records and maps inside each other, is refused. */
const deepest = 16;
/** The elements of one tensor, in bytes. */
const largestTensor_bytes = 2 ** 30;
const latestVersion = 0xffff;

function scalarOf<T extends ScalarName>(type: T) {
  return (initial?: ScalarValues[T]): ScalarType<T> => ({ kind: "scalar", type, initial });
}

/**
 * What a function's state is made of. Scalars take the value that a new key begins with: `field.uint32(5)`; zero, false or the
 * empty text unless given.
 */
export const field = {
  boolean: scalarOf("boolean"),
  int8: scalarOf("int8"),
  int16: scalarOf("int16"),
  int32: scalarOf("int32"),
  /** A bigint in TypeScript. */
  int64: scalarOf("int64"),
  uint8: scalarOf("uint8"),
  uint16: scalarOf("uint16"),
  uint32: scalarOf("uint32"),
  /** A bigint in TypeScript. */
  uint64: scalarOf("uint64"),
  /** Any number; it is rounded to a float32 when it is stored. */
  float32: scalarOf("float32"),
  float64: scalarOf("float64"),
  text: scalarOf("text"),
  /** A typed array of fixed shape, slowest dimension first, zeros at first; complex64 has two numbers an element. */
  tensor<const D extends DataType>(dtype: D, shape: readonly number[]): TensorType<D> {
    return { kind: "tensor", dtype, shape };
  },
  /** Named fields: an object in TypeScript. */
  record<const F extends Fields>(fields: F): RecordType<F> {
    return { kind: "record", fields };
  },
  /** Any number of values by a text or an integer: a Map in TypeScript, empty at first. */
  map<const K extends MapKeyName, const V extends FieldType>(key: K, value: V): MapType<K, V> {
    return { kind: "map", key, value };
  },
};

/**
 * Declares what a function keeps for each key.
 *
 * ```ts
 * const state = stateSchema(
 *   { count: field.uint32(), taps: field.tensor("complex64", [4, 64]), users: field.map("text", field.float32()) },
 *   { version: 2, migrations: { 1: (old: { count: number }) => ({ ...old, taps: new Float32Array(512), users: new Map() }) } },
 * );
 * ```
 *
 * The version (1 unless given) is raised whenever the fields change; the order of the fields does not matter.
 * `migrations[1]` makes a value of version 2 of one of version 1: state that version 1 wrote is read through it.
 * @throws InputError for a field that cannot be kept, or a version or migration that makes no sense.
 */
export function stateSchema<const F extends Fields>(
  fields: F,
  options: {
    readonly version?: number;
    readonly migrations?: Readonly<Record<number, (old: never) => unknown>>;
  } = {},
): Schema<F> {
  const { version = 1, migrations = {} } = options;
  const schema: Schema<F> = { kind: "schema", version, fields, migrations };
  checkSchema(schema);
  return schema;
}

/** Refuses a schema that did not come from `stateSchema`, or whose parts are not what the types say. */
export function checkSchema(schema: Schema, place = "state"): void {
  if (schema?.kind !== "schema") throw new InputError(place, schema, "declare it by stateSchema({ … })");
  const { version, fields, migrations } = schema;
  if (!Number.isInteger(version) || version < 1 || version > latestVersion) {
    throw new InputError(`${place}.version`, version, `a version is an integer from 1 to ${latestVersion}`);
  }
  checkFields(place, fields, deepest);
  for (const [text, migration] of Object.entries(migrations)) {
    const from = Number(text);
    if (!Number.isInteger(from) || from < 1 || from >= version) {
      const remedy = `a migration stands under the version that it takes, which is below the schema's, ${version}`;
      throw new InputError(`${place}.migrations`, text, remedy);
    }
    if (typeof migration !== "function") {
      throw new InputError(
        `${place}.migrations.${text}`,
        migration,
        "give a function from old to next value",
      );
    }
  }
}

function checkFields(place: string, fields: Fields, depth: number): void {
  if (typeof fields !== "object" || fields === null) {
    throw new InputError(place, fields, "give an object of fields");
  }
  for (const [name, type] of Object.entries(fields)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) || name === "__proto__") {
      const remedy =
        "a field's name is a letter or underscore, then up to 63 letters, digits and underscores";
      throw new InputError(`${place}, name of a field`, name, remedy);
    }
    checkType(`${place}.${name}`, type, depth - 1);
  }
}

function checkType(place: string, type: FieldType, depth: number): void {
  if (depth < 0) throw new InputError(place, undefined, `records and maps lie at most ${deepest} deep`);
  switch (type?.kind) {
    case "scalar":
      checkScalar(place, type);
      break;
    case "tensor":
      checkTensor(place, type);
      break;
    case "record":
      checkFields(place, type.fields, depth);
      break;
    case "map":
      if (!mapKeyNames.includes(type.key)) {
        throw new InputError(
          `${place}, key of the map`,
          type.key,
          `a key is one of ${mapKeyNames.join(", ")}`,
        );
      }
      checkType(`${place}[]`, type.value as FieldType, depth - 1);
      break;
    default:
      throw new InputError(place, type, "declare it by field, as in field.float64()");
  }
}

function checkScalar(place: string, { type, initial }: ScalarType): void {
  if (!Object.hasOwn(scalarBytes, type)) {
    throw new InputError(place, type, `a scalar is one of ${Object.keys(scalarBytes).join(", ")}`);
  }
  if (initial !== undefined && !scalarAccepts[type](initial)) {
    throw new InputError(`${place}, initial value`, initial, scalarRemedies[type]);
  }
}

function checkTensor(place: string, { dtype, shape }: TensorType): void {
  if (!Object.hasOwn(bytesPerElement, dtype)) {
    throw new InputError(
      place,
      dtype,
      `a tensor's data type is one of ${Object.keys(bytesPerElement).join(", ")}`,
    );
  }
  const sizes = Array.isArray(shape) && shape.length <= 8 && shape.every((size) => size >= 1);
  if (!sizes || !shape.every(Number.isInteger) || tensorBytes({ dtype, shape }) > largestTensor_bytes) {
    const remedy = `a shape is at most 8 integers from 1 on that make at most ${largestTensor_bytes} bytes`;
    throw new InputError(`${place}, shape`, shape, remedy);
  }
}

/** Bytes of the elements of a tensor. */
export function tensorBytes({ dtype, shape }: Pick<TensorType, "dtype" | "shape">): number {
  return shape.reduce((bytes, size) => bytes * size, bytesPerElement[dtype]);
}
