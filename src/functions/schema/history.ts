/**
 * The layouts in which a function's state was ever written, kept in the store under `d\0schema\0<function>\0<version>` so
 * that later versions can read it. Layouts are few and small, states many: so states name their layout by version and
 * fingerprint and do not carry it.
 *
 * Invariants:
 * 1. No state is written in a layout that is not in the store: the write goes into the batch of the first state, or before.
 * 2. A version has one layout for good: fields that change without a raised version are refused at deploy.
 */
import { afterPrefix, type Store, type Write } from "../../bus/index.js";
import { InputError } from "../../errors.js";
import { type Codec, codecOf } from "./codec.js";
import type { Schema, ValueOf } from "./schema.js";

/** A codec that reads what is there, and what must be committed before it writes. */
export interface AdmittedSchema<V = unknown> {
  readonly codec: Codec<V>;
  /** Empty where this version's layout is kept already. */
  readonly writes: readonly Write[];
}

/** Only the reading side of a store. */
export type SchemaStore = Pick<Store, "range">;

/**
 * The codec of a function's schema over the state that is in the store.
 * @throws InputError where the version's fields changed, the store has state of a later version, or no path of migrations
 * leads from one of the versions there; NeuroranError STATE_CORRUPT where a kept layout cannot be read.
 */
export function admitSchema<S extends Schema>(
  store: SchemaStore,
  name: string,
  schema: S,
): AdmittedSchema<ValueOf<S>> {
  const kept = keptLayouts(store, name);
  const latest = Math.max(...kept.keys());
  if (latest > schema.version) {
    const remedy = `the store has state of version ${latest}: deploy that version or a later one`;
    throw new InputError(`${name}, state.version`, schema.version, remedy);
  }
  const codec = codecOf(schema, kept);
  const before = kept.get(schema.version);
  if (before === undefined) {
    const value = new TextEncoder().encode(codec.layout);
    return { codec, writes: [{ key: recordKey(name, schema.version), value }] };
  }
  if (before !== codec.layout) {
    const remedy = `its fields were ${before} and are ${codec.layout}: raise the version and declare migrations.${schema.version}`;
    throw new InputError(`${name}, state.version`, schema.version, remedy);
  }
  return { codec, writes: [] };
}

/** The layouts that are kept for a function, by version. */
export function keptLayouts(store: SchemaStore, name: string): Map<number, string> {
  const prefix = recordKey(name, "");
  const layouts = new Map<number, string>();
  for (const { key, value } of store.range(prefix, afterPrefix(prefix))) {
    layouts.set(Number(key.slice(prefix.length)), new TextDecoder().decode(value));
  }
  return layouts;
}

function recordKey(name: string, version: number | ""): string {
  return `d\0schema\0${name}\0${version}`;
}
