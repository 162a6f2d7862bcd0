import { describe, expect, it } from "vitest";
import type { Entry, Write } from "../../bus/index.js";
import { field, stateSchema } from "./field.js";
import { admitSchema, keptLayouts, type SchemaStore } from "./history.js";

/** The reading side of a store over a plain map, in the order of UTF-8 bytes as all keys here are ASCII. */
function mapStore(): SchemaStore & {
  write(writes: readonly Write[]): void;
  readonly entries: Map<string, Uint8Array>;
} {
  const entries = new Map<string, Uint8Array>();
  return {
    entries,
    write: (writes) => {
      for (const { key, value } of writes)
        value === undefined ? entries.delete(key) : entries.set(key, value);
    },
    range: (from, to): Entry[] =>
      [...entries].filter(([key]) => key >= from && key < to).map(([key, value]) => ({ key, value })),
  };
}

const first = stateSchema({ count: field.uint8(), name: field.text() });
const second = stateSchema(
  { total: field.float64(), name: field.text() },
  {
    version: 2,
    migrations: { 1: ({ count, name }: { count: number; name: string }) => ({ total: count, name }) },
  },
);
const third = stateSchema(
  { total: field.float64(), names: field.map("text", field.boolean()) },
  {
    version: 3,
    migrations: {
      ...second.migrations,
      2: ({ total, name }: { total: number; name: string }) => ({ total, names: new Map([[name, true]]) }),
    },
  },
);

function storeWith(...schemas: Parameters<typeof admitSchema>[2][]) {
  const store = mapStore();
  for (const schema of schemas) store.write(admitSchema(store, "counter", schema).writes);
  return store;
}

describe("the history of a function's schema", () => {
  it("lets the latest version read what every earlier one wrote, through all migrations in order (codec, invariant 3)", () => {
    const store = mapStore();
    const one = admitSchema(store, "counter", first);
    store.write(one.writes);
    const bytes = one.codec.encode({ count: 7, name: "a" });
    const two = admitSchema(store, "counter", second);
    store.write(two.writes);
    expect(two.codec.decode(bytes)).toEqual({ total: 7, name: "a" });
    const later = two.codec.encode({ total: 0.5, name: "b" });
    const three = admitSchema(store, "counter", third);
    store.write(three.writes);
    expect(three.codec.decode(bytes)).toEqual({ total: 7, names: new Map([["a", true]]) });
    expect(three.codec.decode(later)).toEqual({ total: 0.5, names: new Map([["b", true]]) });
    expect([...keptLayouts(store, "counter").keys()]).toEqual([1, 2, 3]);
  });

  it("keeps a layout once, apart from other functions", () => {
    const store = storeWith(first);
    expect([...store.entries.keys()]).toEqual(["d\0schema\0counter\0" + "1"]);
    expect(admitSchema(store, "counter", first).writes).toEqual([]);
    expect(admitSchema(store, "counte", first).writes).toHaveLength(1);
  });

  it("refuses fields that changed without a raised version, at deploy (invariant 2)", () => {
    const changed = stateSchema({ count: field.uint16(), name: field.text() });
    expect(() => admitSchema(storeWith(first), "counter", changed)).toThrow(
      /counter, state.version: 1 is not accepted; its fields were .*"count":"uint8".* raise the version/,
    );
    const reordered = stateSchema({ name: field.text("anonymous"), count: field.uint8() });
    expect(admitSchema(storeWith(first), "counter", reordered).writes).toEqual([]);
  });

  it("refuses a version to which no path of migrations leads, at deploy", () => {
    const gap = stateSchema(third.fields, { version: 3, migrations: { 1: () => ({}) } });
    expect(() => admitSchema(storeWith(first), "counter", gap)).toThrow(
      "state.migrations.2: nothing is given",
    );
    const { 2: last } = third.migrations;
    const short = stateSchema(third.fields, { version: 3, migrations: { 2: last } });
    expect(() => admitSchema(storeWith(first), "counter", short)).toThrow("state.migrations.1");
    expect(admitSchema(mapStore(), "counter", short).writes).toHaveLength(1);
  });

  it("refuses a version before the latest there, at deploy", () => {
    expect(() => admitSchema(storeWith(first, second), "counter", first)).toThrow(
      "counter, state.version: 1 is not accepted; the store has state of version 2",
    );
  });

  it("says so when a migration throws or gives what is not of the schema, and leaves the bytes readable", () => {
    const store = storeWith(first);
    const bytes = admitSchema(store, "counter", first).codec.encode({ count: 1, name: "" });
    const decodeBy = (migration: (old: never) => unknown) => () =>
      admitSchema(
        store,
        "counter",
        stateSchema(second.fields, { version: 2, migrations: { 1: migration } }),
      ).codec.decode(bytes);
    const failed = expect.objectContaining({ code: "STATE_MIGRATION_FAILED" });
    const thrower = decodeBy(() => {
      throw new Error("no names");
    });
    expect(thrower).toThrow(failed);
    expect(thrower).toThrow("from version 1 to 2 failed: no names");
    expect(decodeBy((old) => old)).toThrow(failed);
    expect(decodeBy((old) => old)).toThrow("state.total: nothing is given");
    expect(decodeBy(async () => ({ total: 1, name: "" }))).toThrow(failed);
    expect(admitSchema(store, "counter", second).codec.decode(bytes)).toEqual({ total: 1, name: "" });
  });

  it("reports a layout that was damaged", () => {
    for (const layout of [
      "{",
      "[]",
      '{"a":"float63"}',
      '{"a":["tensor","int8",-1]}',
      '{"a":["map","text"]}',
      '{"a":null}',
    ]) {
      const store = mapStore();
      store.write([{ key: "d\0schema\0counter\0" + "1", value: Buffer.from(layout) }]);
      expect(() => admitSchema(store, "counter", second)).toThrow(
        expect.objectContaining({ code: "STATE_CORRUPT" }),
      );
    }
    const nested = `{"a":${'["map","text",'.repeat(5000)}"text"${"]".repeat(5000)}}`;
    const store = mapStore();
    store.write([{ key: "d\0schema\0counter\0" + "1", value: Buffer.from(nested) }]);
    expect(() => admitSchema(store, "counter", second)).toThrow("cannot be read");
  });
});

describe("a schema", () => {
  it("is refused where a declaration makes no sense, with what is allowed", () => {
    const deep = Array.from({ length: 17 }).reduce<ReturnType<typeof field.record>>(
      (inner) => field.record({ inner }),
      field.record({}),
    );
    const cases: [() => unknown, string][] = [
      [() => stateSchema({ "a-b": field.text() }), 'state, name of a field: "a-b"'],
      [() => stateSchema({ ["__proto__"]: field.text() }), '"__proto__"'],
      [() => stateSchema({ a: field.uint8(256) }), "state.a, initial value: 256"],
      [() => stateSchema({ a: field.int64(2n ** 63n) }), "state.a, initial value"],
      [() => stateSchema({ a: field.text("\udc00") }), "state.a, initial value"],
      [() => stateSchema({ a: field.tensor("int8", [0]) }), "state.a, shape: [0]"],
      [() => stateSchema({ a: field.tensor("int8", [1.5]) }), "state.a, shape: [1.5]"],
      [() => stateSchema({ a: field.tensor("float64", [2 ** 28]) }), "state.a, shape"],
      [() => stateSchema({ a: field.tensor("float16" as "float32", [1]) }), 'state.a: "float16"'],
      [() => stateSchema({ a: field.map("float64" as "text", field.text()) }), "state.a, key of the map"],
      [() => stateSchema({ a: field.map("text", undefined as never) }), "state.a[]: nothing is given"],
      [
        () => stateSchema({ a: field.record({ b: "text" as never }) }),
        'state.a.b: "text" is not accepted; declare it',
      ],
      [() => stateSchema({ a: deep }), "at most 16 deep"],
      [() => stateSchema(undefined as never), "state: nothing is given"],
      [() => stateSchema({}, { version: 0 }), "state.version: 0"],
      [() => stateSchema({}, { version: 65_536 }), "state.version: 65536"],
      [() => stateSchema({}, { version: 2, migrations: { 2: () => ({}) } }), 'state.migrations: "2"'],
      [() => stateSchema({}, { version: 2, migrations: { 1: 5 as never } }), "state.migrations.1: 5"],
    ];
    for (const [declare, message] of cases) expect(declare).toThrow(message);
  });

  it("types the state by its fields", () => {
    const { codec } = admitSchema(mapStore(), "typed", second);
    const state: { total: number; name: string } = codec.initial();
    // @ts-expect-error The total is a number.
    const text: string = state.total;
    // @ts-expect-error There is no such field.
    expect(state.count).toBeUndefined();
    expect(text).toBe(0);
  });
});
