import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copyOf, deserialise, serialise } from "./serialisable.js";

const leaf = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.date({ noInvalidDate: true }),
  fc.float32Array({ maxLength: 9 }),
  fc.uint8Array({ maxLength: 9 }),
  fc.int16Array({ maxLength: 9 }),
  fc.float64Array({ maxLength: 3 }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.string().filter((name) => name !== "__proto__"),
      tie("value"),
      { maxKeys: 4, noNullPrototype: true },
    ),
    fc.array(fc.tuple(fc.string(), tie("value")), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(fc.integer(), { maxLength: 3 }).map((values) => new Set(values)),
  ),
}));

describe("serialisable values", () => {
  it("come back from bytes as they were", () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(deserialise(serialise(one))).toStrictEqual(copyOf(one));
      }),
      { seed: 41, numRuns: 2000 },
    );
  });

  it("come back whatever their members are called, or are refused", () => {
    const names = fc.constantFrom(
      "constructor",
      "toJSON",
      "then",
      "valueOf",
      "length",
      "0",
      "",
      "\0",
      "__proto_",
    );
    const { odd } = fc.letrec((tie) => ({
      odd: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.dictionary(names, tie("odd"), { maxKeys: 5, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(odd, (one) => {
        let copy: unknown;
        try {
          copy = copyOf(one);
        } catch (error) {
          expect(error).toMatchObject({ code: "NOT_SERIALISABLE", message: expect.stringMatching(/toJSON/) });
          return;
        }
        expect(deserialise(serialise(copy))).toEqual(copy);
      }),
      { seed: 45, numRuns: 5000 },
    );
  });

  it("are copied without sharing anything", () => {
    fc.assert(
      fc.property(value, (one) => {
        const copy = copyOf(one);
        expect(copy).toStrictEqual(one);
        const shared = objectsIn(copy).filter((object) => objectsIn(one).includes(object));
        expect(shared).toEqual([]);
      }),
      { seed: 42, numRuns: 500 },
    );
  });

  it.each([
    ["a function", { a: [() => 1] }, "value.a[0]"],
    ["a symbol", { s: Symbol("x") }, "value.s"],
    ["a large integer", 2n ** 64n, "value"],
    ["an object of a class", { at: new URL("http://a") }, "value.at"],
    ["a prototype", JSON.parse('{"__proto__": {"admin": true}}'), "value.__proto__"],
    ["a promise", Promise.resolve(1), "value"],
  ])("refuse %s", (_, one, place) => {
    expect(() => copyOf(one)).toThrow(new RegExp(`^${place.replace(/[[\].]/g, "\\$&")} is `));
  });

  it("refuse what contains itself", () => {
    const own: Record<string, unknown> = {};
    own.self = own;
    expect(() => copyOf(own)).toThrow(/nested/);
  });

  it("refuse bytes that are none of theirs", () => {
    expect(() => deserialise(Uint8Array.of(0x93, 1))).toThrow(/changed/);
  });
});

function objectsIn(one: unknown): object[] {
  if (typeof one !== "object" || one === null) return [];
  if (ArrayBuffer.isView(one)) return [one, one.buffer];
  const parts = one instanceof Map ? [...one.values()] : one instanceof Set ? [] : Object.values(one);
  return [one, ...parts.flatMap(objectsIn)];
}
