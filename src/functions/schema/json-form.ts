/**
 * Values as JSON, for people and programs outside: a typed array is an array of its numbers, an integer of 64 bits a
 * decimal text, a map an object, and a number that JSON lacks a text: "NaN", "Infinity", "-Infinity", "-0".
 */
import { InputError } from "../../errors.js";
import { bytesPerElement, type View, viewOf } from "../data-type.js";
import { notRecord, type Place, unknownField } from "./encoding.js";
import { scalarAccepts, scalarRemedies } from "./scalar.js";
import type { FieldType, MapType, ScalarName, TensorType } from "./schema.js";

/** The JSON form of a value that is of the type. */
export function jsonOf(type: FieldType, value: unknown): unknown {
  switch (type.kind) {
    case "scalar":
      return jsonOfScalar(type.type, value);
    case "tensor":
      return Array.from(value as View, (number) => jsonOfScalar("float64", number));
    case "record": {
      const record = value as Record<string, unknown>;
      const entries = Object.entries(type.fields);
      return Object.fromEntries(entries.map(([name, field]) => [name, jsonOf(field, record[name])]));
    }
    case "map": {
      const entries = [...(value as Map<unknown, unknown>)];
      return Object.fromEntries(
        entries.map(([key, entry]) => [String(key), jsonOf(type.value as FieldType, entry)]),
      );
    }
  }
}

function jsonOfScalar(type: ScalarName, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "number") return value;
  // Integers have no negative zero, though JavaScript may show one.
  if (Object.is(value, -0)) return type.startsWith("float") ? "-0" : 0;
  return Number.isFinite(value) ? value : String(value);
}

/**
 * The value of a JSON form. Scalars are not looked at beyond what the form needs: whoever takes the value checks it.
 * @throws InputError with the path, where the form is not one of the type.
 */
export function valueOfJson(type: FieldType, json: unknown, place: Place): unknown {
  switch (type.kind) {
    case "scalar":
      return scalarOfJson(type.type, json);
    case "tensor":
      return tensorOfJson(type, json, place);
    case "record": {
      const names = Object.keys(type.fields);
      if (!isObject(json)) throw notRecord(place(), json, names);
      const unknown = Object.keys(json).some((name) => !Object.hasOwn(type.fields, name));
      if (unknown) throw unknownField(place(), json, names);
      return Object.fromEntries(
        names.map((name) => {
          const given = Object.hasOwn(json, name) ? json[name] : undefined;
          return [name, valueOfJson(type.fields[name], given, () => `${place()}.${name}`)];
        }),
      );
    }
    case "map":
      return mapOfJson(type, json, place);
  }
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function mapOfJson(type: MapType, json: unknown, place: Place): Map<unknown, unknown> {
  if (!isObject(json)) throw new InputError(place(), json, "give an object with the map's entries");
  return new Map(
    Object.entries(json).map(([name, entry]) => {
      const key = type.key === "text" ? name : keyOfText(type.key, name);
      if (key === undefined) throw new InputError(`${place()}, a key`, name, `a key is an ${type.key}`);
      return [key, valueOfJson(type.value as FieldType, entry, () => `${place()}[${JSON.stringify(name)}]`)];
    }),
  );
}

/** Only the usual way to write an integer, lest two texts be one key. */
function keyOfText(type: ScalarName, text: string): number | bigint | undefined {
  if (!/^(0|-?[1-9][0-9]{0,19})$/.test(text)) return undefined;
  return type === "int64" || type === "uint64" ? BigInt(text) : Number(text);
}

function scalarOfJson(type: ScalarName, json: unknown): unknown {
  if (type === "int64" || type === "uint64") {
    if (typeof json === "string") return keyOfText(type, json) ?? json;
    return Number.isSafeInteger(json) ? BigInt(json as number) : json;
  }
  if (type === "float32" || type === "float64") {
    return typeof json === "string" && Object.hasOwn(numbersAsTexts, json) ? numbersAsTexts[json] : json;
  }
  return json;
}

const numbersAsTexts: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  "-0": -0,
};

function tensorOfJson({ dtype, shape }: TensorType, json: unknown, place: Place): View {
  const elements = shape.reduce((count, size) => count * size, 1);
  const numbers = dtype === "complex64" ? 2 * elements : elements;
  if (!Array.isArray(json) || json.length !== numbers) {
    const remedy = `give an array of ${numbers} numbers: ${dtype}, shape [${shape.join(", ")}]`;
    throw new InputError(place(), json, remedy);
  }
  const view = viewOf(dtype, new ArrayBuffer(elements * bytesPerElement[dtype]), 0, elements);
  const type = dtype === "complex64" ? "float32" : dtype;
  for (let index = 0; index < numbers; index++) {
    const number = scalarOfJson(type, json[index]);
    if (!scalarAccepts[type](number)) {
      throw new InputError(`${place()}[${index}]`, json[index], scalarRemedies[type]);
    }
    view[index] = number as number;
  }
  return view;
}
