import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonText } from "./json-value.js";

describe("jsonText", () => {
  it("writes JSON as JSON.stringify does", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
        expect(jsonText(value)).toBe(JSON.stringify(value));
      }),
      { seed: 1 },
    );
  });

  it("writes what JSON lacks, wherever it stands", () => {
    const cases: readonly [unknown, string][] = [
      [undefined, "null"],
      [{ a: undefined, b: Number.NaN }, '{"b":null}'],
      [-(2n ** 63n), '"-9223372036854775808"'],
      [[new Float32Array([0.5, -1])], "[[0.5,-1]]"],
      [new BigInt64Array([7n]), '["7"]'],
      [{ set: new Set(["a", 1n]) }, '{"set":["a","1"]}'],
      [new Map([[1, new Date(0)]]), '{"1":"1970-01-01T00:00:00.000Z"}'],
      [new Map([[true, 1]]), "[[true,1]]"],
      [new Date(Number.NaN), "null"],
      [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
      [{ deep: [[[{ big: 1n }]]] }, '{"deep":[[[{"big":"1"}]]]}'],
    ];
    for (const [value, text] of cases) expect(jsonText(value)).toBe(text);
  });

  it("refuses what holds itself", () => {
    const circle: unknown[] = [1n];
    circle.push(circle);
    expect(() => jsonText(circle)).toThrow(TypeError);
  });
});
