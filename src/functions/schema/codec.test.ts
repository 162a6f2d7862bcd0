import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NeuroranError } from "../../errors.js";
import { bytesPerElement, type DataType, viewOf } from "../data-type.js";
import { codecOf } from "./codec.js";
import { field, stateSchema } from "./field.js";
import type { FieldType, MapKeyName, ScalarName } from "./schema.js";

const seed = 20_261;
const runs = { seed, numRuns: 300 };

const integers: Readonly<Partial<Record<ScalarName, fc.Arbitrary<unknown>>>> = {
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32_768, max: 32_767 }),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint8: fc.integer({ min: 0, max: 255 }),
  uint16: fc.integer({ min: 0, max: 65_535 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
};
const text = fc.string({ unit: "binary", maxLength: 40 });
const scalars: Readonly<Partial<Record<ScalarName, fc.Arbitrary<unknown>>>> = {
  ...integers,
  boolean: fc.boolean(),
  float32: fc.float(),
  float64: fc.double(),
  text,
};
const scalarNames = Object.keys(scalars) as ScalarName[];
const keyNames = [...Object.keys(integers), "text"] as MapKeyName[];
const fieldName = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/).filter((name) => name !== "__proto__");

/** Any type of field, at most so deep. */
function anyType(depth: number): fc.Arbitrary<FieldType> {
  const scalar = fc
    .constantFrom(...scalarNames)
    .map((type) => ({ kind: "scalar", type, initial: undefined }) as const);
  const tensor = fc
    .tuple(
      fc.constantFrom(...(Object.keys(bytesPerElement) as DataType[])),
      fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
    )
    .map(([dtype, shape]) => field.tensor(dtype, shape));
  if (depth === 0) return fc.oneof(scalar, tensor);
  const inner = anyType(depth - 1);
  const record = fc.dictionary(fieldName, inner, { maxKeys: 4 }).map((fields) => field.record(fields));
  const map = fc
    .tuple(fc.constantFrom(...keyNames), inner)
    .map(([key, value]) => field.map(key, value) as FieldType);
  return fc.oneof(scalar, tensor, record, map);
}

/** Any value of a type. */
function anyValue(type: FieldType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "scalar":
      return scalars[type.type] as fc.Arbitrary<unknown>;
    case "tensor": {
      const elements = type.shape.reduce((product, size) => product * size, 1);
      const bytes = elements * bytesPerElement[type.dtype];
      return fc
        .uint8Array({ minLength: bytes, maxLength: bytes })
        .map((values) => viewOf(type.dtype, values.slice().buffer, 0, elements));
    }
    case "record":
      return fc.record(
        Object.fromEntries(Object.entries(type.fields).map(([name, inner]) => [name, anyValue(inner)])),
      );
    case "map":
      return fc
        .array(fc.tuple(scalars[type.key] as fc.Arbitrary<unknown>, anyValue(type.value as FieldType)), {
          maxLength: 5,
        })
        .map((entries) => new Map(entries));
  }
}

const anySchema = fc.dictionary(fieldName, anyType(2), { maxKeys: 5 }).map((fields) => stateSchema(fields));
const anyState = anySchema.chain((schema) =>
  anyValue({ kind: "record", fields: schema.fields }).map((state) => ({ schema, state })),
);

/** The same value with the fields and entries of every record and map in the opposite order. */
function reversed(value: unknown): unknown {
  if (value instanceof Map) {
    return new Map([...value].reverse().map(([key, entry]) => [key, reversed(entry)]));
  }
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, entry]) => [name, reversed(entry)]),
  );
}

describe("a codec", () => {
  it("gives back what it was given", () => {
    fc.assert(
      fc.property(anyState, ({ schema, state }) => {
        const codec = codecOf(schema);
        const decoded = codec.decode(codec.encode(state as never));
        expect(decoded).toEqual(state);
      }),
      runs,
    );
  });

  it("writes equal states as equal bytes, whatever the order of fields and entries (encoding, invariant 1)", () => {
    fc.assert(
      fc.property(anyState, ({ schema, state }) => {
        const fields = Object.fromEntries(Object.entries(schema.fields).reverse());
        const bytes = codecOf(schema).encode(state as never);
        expect(codecOf(stateSchema(fields)).encode(reversed(state) as never)).toEqual(bytes);
      }),
      runs,
    );
  });

  it("gives states of its own, aligned, that share nothing with the bytes", () => {
    const codec = codecOf(stateSchema({ flag: field.boolean(), taps: field.tensor("float64", [3]) }));
    const bytes = codec.encode({ flag: true, taps: Float64Array.of(1, 2, 3) });
    const moved = new Uint8Array(bytes.length + 1).subarray(1);
    moved.set(bytes);
    const state = codec.decode(moved);
    moved.fill(0);
    expect(state).toEqual({ flag: true, taps: Float64Array.of(1, 2, 3) });
    expect(codec.initial().taps).not.toBe(codec.initial().taps);
  });

  it("keeps texts as they are, byte order marks and all", () => {
    const codec = codecOf(stateSchema({ t: field.text() }));
    for (const t of ["\ufeffa", "a\0b", "\ufeff".repeat(40), "e\u0301", "\u{10ffff}".repeat(20)]) {
      expect(codec.decode(codec.encode({ t })).t).toBe(t);
    }
  });

  it("lays states out as documented", () => {
    const codec = codecOf(
      stateSchema(
        { users: field.map("text", field.int16()), b: field.boolean(), x: field.float64() },
        { version: 3 },
      ),
    );
    const bytes = codec.encode({
      b: true,
      x: -0,
      users: new Map([
        ["\u{10000}", 1],
        ["\uffff", -2],
        ["a", 3],
      ]),
    });
    const users = [
      [3, 0, 0, 0],
      [1, 0, 0, 0, 0x61, 3, 0],
      [3, 0, 0, 0, 0xef, 0xbf, 0xbf, 0xfe, 0xff],
      [4, 0, 0, 0, 0xf0, 0x90, 0x80, 0x80, 1, 0],
    ];
    expect([...bytes.subarray(0, 4)]).toEqual([1, 0, 3, 0]);
    expect([...bytes.subarray(8)]).toEqual([1, ...users.flat(), 0, 0, 0, 0, 0, 0, 0, 0x80]);
  });

  it("writes every NaN alike", () => {
    const codec = codecOf(
      stateSchema({ x: field.float64(), y: field.float32(), z: field.tensor("complex64", [1]) }),
    );
    const odd = new Float32Array(Uint32Array.of(0xffc0_1234, 0x7f80_0001).buffer);
    const other = new Float64Array(BigUint64Array.of(0xfff8_0000_0000_1234n).buffer)[0];
    const plain = Float32Array.of(Number.NaN, Number.NaN);
    const bytes = codec.encode({ x: other, y: odd[0], z: odd });
    expect(bytes).toEqual(codec.encode({ x: Number.NaN, y: Number.NaN, z: plain }));
    expect([...bytes.subarray(-8)]).toEqual([0, 0, 0xc0, 0x7f, 0, 0, 0xc0, 0x7f]);
  });

  it("answers damaged bytes with a value of the schema or STATE_CORRUPT, and allocates no more than there is (decoding, invariants 1 and 2)", () => {
    const damage = fc.record({
      cut: fc.nat(),
      flips: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 4 }),
      more: fc.uint8Array({ maxLength: 6 }),
    });
    let refused = 0;
    fc.assert(
      fc.property(anyState, damage, ({ schema, state }, { cut, flips, more }) => {
        const codec = codecOf(schema);
        const whole = codec.encode(state as never);
        const bytes = new Uint8Array([
          ...whole.subarray(0, whole.length - (cut % (whole.length + 1))),
          ...more,
        ]);
        for (const [at, bits] of flips) if (bytes.length > 8) bytes[8 + (at % (bytes.length - 8))] ^= bits;
        try {
          codec.check(codec.decode(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(NeuroranError);
          expect(["STATE_CORRUPT", "STATE_VERSION_UNKNOWN"]).toContain((error as NeuroranError).code);
          refused++;
        }
      }),
      { seed, numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(500);
    const codec = codecOf(stateSchema({ users: field.map("text", field.tensor("float64", [1 << 20])) }));
    const bytes = codec.encode({ users: new Map() });
    bytes.set([0xff, 0xff, 0xff, 0xff], 8);
    expect(() => codec.decode(bytes)).toThrow(/STATE_CORRUPT|at byte 12/);
  });

  it("refuses bytes that no codec writes, or another layout (codec, invariant 2)", () => {
    const schema = stateSchema({
      flag: field.boolean(),
      users: field.map("uint8", field.uint8()),
      t: field.text(),
    });
    const codec = codecOf(schema);
    const bytes = codec.encode({
      flag: true,
      users: new Map([
        [1, 1],
        [2, 2],
      ]),
      t: "é",
    });
    const users = 8 + 1 + 4 + 2 + 4;
    const changed = (at: number, byte: number) => {
      const copy = bytes.slice();
      copy[at] = byte;
      return () => codec.decode(copy);
    };
    expect(changed(8, 2)).toThrow("state.flag, at byte 8: a truth value is 0 or 1, not 2");
    expect(changed(13, 0x20)).toThrow("state.t, at byte 13: the text is not UTF-8");
    expect(changed(users, 3)).toThrow("state.users, at byte 22: the keys are out of order");
    expect(changed(users + 2, 1)).toThrow("out of order");
    expect(changed(0, 2)).toThrow("later format");
    expect(() => codec.decode(Buffer.concat([bytes, bytes.subarray(0, 1)]))).toThrow(
      "more bytes than the fields take",
    );
    expect(changed(4, bytes[4] ^ 1)).toThrow("not how version 1 lays its fields out");
    expect(changed(2, 9)).toThrow(expect.objectContaining({ code: "STATE_VERSION_UNKNOWN" }));
  });

  it("begins a key with the declared values", () => {
    const codec = codecOf(
      stateSchema({
        level: field.float32(1.5),
        big: field.int64(),
        name: field.text("idle"),
        inner: field.record({ on: field.boolean(true) }),
        taps: field.tensor("complex64", [2, 2]),
        users: field.map("uint16", field.text()),
      }),
    );
    const state = codec.initial();
    expect(state).toEqual({
      level: 1.5,
      big: 0n,
      name: "idle",
      inner: { on: true },
      taps: new Float32Array(8),
      users: new Map(),
    });
    codec.check(state);
  });

  it("refuses what is not of the schema, with the path (encoding, invariant 2)", () => {
    const codec = codecOf(
      stateSchema({
        count: field.uint8(),
        taps: field.tensor("complex64", [2]),
        users: field.map("text", field.record({ snr_db: field.float32() })),
      }),
    );
    const state = (change: object) => ({ ...codec.initial(), ...change });
    const cases: [unknown, string][] = [
      [state({ count: 256 }), "state.count: 256 is not accepted; give an integer from 0 to 255"],
      [state({ count: 1.5 }), "state.count: 1.5"],
      [state({ count: "1" }), 'state.count: "1"'],
      [state({ count: undefined }), "state.count: nothing is given"],
      [{ count: 1, users: new Map() }, "state.taps: nothing is given"],
      [
        state({ extra: 1 }),
        'state, name of a field: "extra" is not accepted; the fields are count, taps, users',
      ],
      [state({ taps: new Float32Array(2) }), "give a Float32Array of 4 numbers: complex64, shape [2]"],
      [state({ taps: new Int32Array(4) }), "state.taps"],
      [state({ taps: [0, 0, 0, 0] }), "state.taps"],
      [state({ users: {} }), "give a Map"],
      [state({ users: new Map([["a", { snr_db: "x" }]]) }), 'state.users["a"].snr_db: "x" is not accepted'],
      [state({ users: new Map([[1, { snr_db: 1 }]]) }), "state.users, a key: 1 is not accepted"],
      [state({ users: new Map([["\ud800", { snr_db: 1 }]]) }), "state.users, a key"],
      [null, "state: null is not accepted; give an object with the fields count, taps, users"],
    ];
    for (const [value, message] of cases) {
      expect(() => codec.check(value)).toThrow(message);
      expect(() => codec.encode(value as never)).toThrow(message);
    }
  });

  it("writes the right bytes for the next state after it refused one", () => {
    const schema = stateSchema({ users: field.map("text", field.map("int8", field.text())) });
    const codec = codecOf(schema);
    const good = { users: new Map([["a", new Map([[1, "x".repeat(10_000)]])]]) };
    const bytes = codec.encode(good);
    const bad = { users: new Map([["b", new Map([[1, 5 as unknown as string]])]]) };
    expect(() => codec.encode(bad)).toThrow('state.users["b"][1]: 5');
    expect(codec.encode(good)).toEqual(bytes);
  });

  it("writes states of any size into the room that it makes (encoding, invariant 3)", () => {
    const schema = stateSchema({
      a: field.map("text", field.text()),
      b: field.record({ c: field.float64(), d: field.tensor("uint8", [2_000_000]) }),
      e: field.int64(),
    });
    const codec = codecOf(schema);
    const entries = Array.from(
      { length: 5000 },
      (_, index) => [`key ${index}`, "ü".repeat(index % 300)] as const,
    );
    const state = { a: new Map(entries), b: { c: 1, d: new Uint8Array(2_000_000).fill(7) }, e: -5n };
    const decoded = codec.decode(codec.encode(state));
    expect(decoded.a).toEqual(state.a);
    expect(Buffer.compare(decoded.b.d, state.b.d)).toBe(0);
    expect([decoded.b.c, decoded.e]).toEqual([1, -5n]);
  });
});

describe("the JSON form of a state", () => {
  it("goes through JSON and back", () => {
    fc.assert(
      fc.property(anyState, ({ schema, state }) => {
        const codec = codecOf(schema);
        const json = JSON.parse(JSON.stringify(codec.toJson(state as never)));
        expect(codec.encode(codec.fromJson(json))).toEqual(codec.encode(state as never));
      }),
      runs,
    );
  });

  it("writes numbers that JSON lacks as texts, and integers of 64 bits as decimals", () => {
    const codec = codecOf(
      stateSchema({
        x: field.tensor("float32", [4]),
        n: field.uint64(),
        m: field.map("int64", field.int8()),
      }),
    );
    const json = { x: ["NaN", "-Infinity", "-0", 1.5], n: "18446744073709551615", m: { "-7": 1 } };
    expect(codec.toJson(codec.fromJson(json))).toEqual(json);
    expect(codec.fromJson({ ...json, n: 5 }).n).toBe(5n);
  });

  it("is refused with the path where it does not fit", () => {
    const codec = codecOf(
      stateSchema({ x: field.tensor("int8", [2]), n: field.uint64(), m: field.map("int8", field.boolean()) }),
    );
    const json = { x: [1, 2], n: "1", m: {} };
    const cases: [unknown, string][] = [
      [{ ...json, x: [1, 200] }, "state.x[1]: 200"],
      [{ ...json, x: [1, "NaN"] }, 'state.x[1]: "NaN"'],
      [{ ...json, x: [1] }, "give an array of 2 numbers"],
      [{ ...json, n: "-1" }, "state.n: -1"],
      [{ ...json, n: "1e3" }, 'state.n: "1e3"'],
      [{ ...json, m: { "01": true } }, 'state.m, a key: "01"'],
      [{ ...json, m: { "1000": true } }, "state.m, a key: 1000"],
      [{ ...json, m: { "1": 1 } }, "state.m[1]: 1"],
      [{ ...json, y: 1 }, '"y"'],
      [{ x: [1, 2], n: "1" }, "state.m: nothing is given"],
      [[], "state: []"],
    ];
    for (const [value, message] of cases) expect(() => codec.fromJson(value)).toThrow(message);
  });
});
