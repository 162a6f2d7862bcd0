import { Packr } from "msgpackr";
import { NeuroranError } from "../../errors.js";
import type { Serialisable } from "./declaration.js";

/** MessagePack; objects as records, which tells them from maps. Each value carries its own, so that it is read alone. */
const packr = new Packr({ useRecords: true, structuredClone: true, moreTypes: true });

/** The bytes of a value, for the store and for frames. */
export function serialise(value: Serialisable): Uint8Array {
  return packr.pack(value);
}

/**
 * @throws NeuroranError BYTES_INVALID for bytes that `serialise` did not give.
 */
export function deserialise(bytes: Uint8Array): Serialisable {
  try {
    return packr.unpack(bytes);
  } catch (cause) {
    throw new NeuroranError("BYTES_INVALID", "these bytes are no serialised value: they were changed", {
      cause,
    });
  }
}

const deepest = 100;

/**
 * A copy of a value that shares nothing with it, as it would come back from the store: what one turn hands to another must not
 * change with the state that it came from.
 * @throws NeuroranError NOT_SERIALISABLE naming where the value is something else than `Serialisable` says.
 */
export function copyOf(value: Serialisable, place = "value", depth = 0): Serialisable {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
    case "undefined":
      return value;
    case "bigint":
      if (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value) return value;
      throw refused(place, "an integer of more than 64 bits");
    case "object":
      return value === null ? null : copyOfObject(value, place, depth);
    default:
      throw refused(place, `a ${typeof value}`);
  }
}

function copyOfObject(value: object, place: string, depth: number): Serialisable {
  if (depth > deepest) throw refused(place, `nested deeper than ${deepest} levels, or in itself`);
  if (Array.isArray(value)) {
    const copy = new Array<unknown>(value.length);
    for (let index = 0; index < value.length; index++) {
      copy[index] = copyOf(value[index], `${place}[${index}]`, depth + 1);
    }
    return copy;
  }
  if (ArrayBuffer.isView(value)) {
    if (value instanceof DataView) throw refused(place, "a DataView");
    if (Buffer.isBuffer(value)) return new Uint8Array(value);
    return (value as Uint8Array).slice();
  }
  if (value instanceof Date) return new Date(value);
  if (value instanceof Map) {
    const copy = new Map<unknown, unknown>();
    for (const [key, one] of value) {
      copy.set(
        copyOf(key, `${place}.key`, depth + 1),
        copyOf(one, `${place}.get(${String(key)})`, depth + 1),
      );
    }
    return copy;
  }
  if (value instanceof Set) {
    return new Set([...value].map((one) => copyOf(one, `${place}.values`, depth + 1)));
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw refused(place, `an object of class ${value.constructor?.name ?? "unknown"}`);
  }
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const one = copyOf((value as Record<string, unknown>)[name], `${place}.${name}`, depth + 1);
    if (isUnpackable(value, name)) throw refused(`${place}.${name}`, "beside constructor");
    if (name === "__proto__") throw refused(`${place}.__proto__`, "what sets prototypes");
    copy[name] = one;
  }
  return copy;
}

/** MessagePack's encoder would call such a member. */
export function isUnpackable(object: object, name: string): boolean {
  return name === "toJSON" && Object.hasOwn(object, "constructor");
}

function refused(place: string, what: string): NeuroranError {
  const allowed = "JSON values, typed arrays, integers of 64 bits, dates, maps and sets";
  return new NeuroranError("NOT_SERIALISABLE", `${place} is ${what}: only ${allowed} travel between turns`);
}
