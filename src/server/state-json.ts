import { InputError } from "../errors.js";
import { viewOf } from "../functions/data-type.js";
import type { FieldType, ScalarName, Schema } from "../functions/schema/index.js";

/**
 * State as JSON, by its schema: integers of 64 bits are decimal texts, floats that JSON has no number for are `"NaN"`,
 * `"Infinity"` and `"-Infinity"`, tensors are flat lists in their order (complex64: real, imaginary), records are objects, maps
 * are objects by the text of their keys.
 */
export function stateToJson(schema: Schema, state: unknown): unknown {
  return fieldToJson({ kind: "record", fields: schema.fields }, state);
}

/** The state that {@link stateToJson} would write so. @throws InputError naming the first field that does not fit. */
export function stateFromJson(schema: Schema, json: unknown): unknown {
  return fieldFromJson({ kind: "record", fields: schema.fields }, json, "body");
}

function fieldToJson(type: FieldType, value: unknown): unknown {
  switch (type.kind) {
    case "scalar":
      return typeof value === "bigint"
        ? String(value)
        : typeof value === "number"
          ? numberToJson(value)
          : value;
    case "tensor":
      return Array.from(value as ArrayLike<number>, numberToJson);
    case "record":
      return Object.fromEntries(
        Object.entries(type.fields).map(([name, field]) => [
          name,
          fieldToJson(field, (value as Record<string, unknown>)[name]),
        ]),
      );
    case "map":
      return Object.fromEntries(
        [...(value as Map<unknown, unknown>)].map(([key, item]) => [
          String(key),
          fieldToJson(type.value as FieldType, item),
        ]),
      );
  }
}

function numberToJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function fieldFromJson(type: FieldType, json: unknown, path: string): unknown {
  switch (type.kind) {
    case "scalar":
      return scalarFromJson(type.type, json, path);
    case "tensor": {
      const numbers = type.shape.reduce(
        (product, size) => product * size,
        type.dtype === "complex64" ? 2 : 1,
      );
      if (!Array.isArray(json) || json.length !== numbers) {
        throw new InputError(path, json, `give a list of ${numbers} numbers`);
      }
      const bytes = new ArrayBuffer(8 * numbers);
      const view = viewOf(type.dtype, bytes, 0, type.dtype === "complex64" ? numbers / 2 : numbers);
      const scalar = type.dtype === "complex64" ? "float32" : type.dtype;
      json.forEach((item, index) => {
        view[index] = scalarFromJson(scalar, item, `${path}.${index}`) as number;
      });
      return view;
    }
    case "record": {
      const given = objectOf(json, path);
      const unknown = Object.keys(given).find((name) => !Object.hasOwn(type.fields, name));
      if (unknown !== undefined) {
        const known = Object.keys(type.fields).join(", ");
        throw new InputError(`${path}.${unknown}`, given[unknown], `leave it out: the fields are ${known}`);
      }
      return Object.fromEntries(
        Object.entries(type.fields).map(([name, field]) => [
          name,
          fieldFromJson(field, Object.hasOwn(given, name) ? given[name] : undefined, `${path}.${name}`),
        ]),
      );
    }
    case "map":
      return new Map(
        Object.entries(objectOf(json, path)).map(([key, item]) => [
          type.key === "text" ? key : scalarFromJson(type.key, keyNumber(key, type.key), `${path}.${key}`),
          fieldFromJson(type.value as FieldType, item, `${path}.${key}`),
        ]),
      );
  }
}

function objectOf(json: unknown, path: string): Record<string, unknown> {
  if (typeof json === "object" && json !== null && !Array.isArray(json))
    return json as Record<string, unknown>;
  throw new InputError(path, json, "give an object");
}

/** A map's key is a text in JSON; what is not in the form that it would be written in stays one, and is refused. */
function keyNumber(key: string, name: ScalarName): unknown {
  return name !== "int64" && name !== "uint64" && String(Number(key)) === key ? Number(key) : key;
}

function scalarFromJson(name: ScalarName, json: unknown, path: string): unknown {
  const wrong = (remedy: string): InputError => new InputError(path, json, remedy);
  switch (name) {
    case "boolean":
      if (typeof json !== "boolean") throw wrong("give true or false");
      return json;
    case "text":
      if (typeof json !== "string") throw wrong("give a text");
      return json;
    case "float32":
    case "float64": {
      const value = json === "NaN" || json === "Infinity" || json === "-Infinity" ? Number(json) : json;
      if (typeof value !== "number") throw wrong('give a number, "NaN", "Infinity" or "-Infinity"');
      return name === "float32" ? Math.fround(value) : value;
    }
    case "int64":
    case "uint64": {
      const whole = typeof json === "string" ? /^-?\d{1,20}$/.test(json) : Number.isSafeInteger(json);
      const value = whole ? BigInt(json as string | number) : undefined;
      const fits =
        value !== undefined && (name === "int64" ? BigInt.asIntN : BigInt.asUintN)(64, value) === value;
      if (!fits) throw wrong(`give a whole number that fits ${name}, as a text where it is large`);
      return value;
    }
    default: {
      const bits = Number(name.replace(/\D+/, ""));
      const [least, greatest] = name.startsWith("u")
        ? [0, 2 ** bits - 1]
        : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
      if (!Number.isInteger(json) || (json as number) < least || (json as number) > greatest) {
        throw wrong(`give a whole number from ${least} to ${greatest}`);
      }
      return json;
    }
  }
}
