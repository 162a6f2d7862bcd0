import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { choiceOption, implementationOption, numberOption, sweepOption } from "./options.js";

describe("numberOption", () => {
  const parse = numberOption("--count", { minimum: 1, maximum: 8, whole: true });

  it("takes every notation of a number within its range", () => {
    expect(["1", " 8 ", "0x4", "3e0"].map(parse)).toEqual([1, 8, 4, 3]);
    expect(numberOption("--rate")("23.04e6")).toBe(23_040_000);
  });

  it.each(["", " ", "9", "0", "1.5", "NaN", "Infinity", "1,5", "two"])("refuses %j", (text) => {
    expect(() => parse(text)).toThrow(InputError);
    expect(() => parse(text)).toThrow(/^--count: .* whole number from 1 to 8$/);
  });
});

describe("sweepOption", () => {
  const parse = sweepOption("--snr");

  it("gives both ends and no rounding dust", () => {
    expect(parse("0:0.1:0.3")).toEqual([0, 0.1, 0.2, 0.3]);
    expect(parse("-6:4:3")).toEqual([-6, -2, 2]);
    expect(parse("5:1:5")).toEqual([5]);
    expect(parse("12.5")).toEqual([12.5]);
  });

  it("counts as many values as fit, whatever the numbers", () => {
    const tenths = fc.integer({ min: -300, max: 300 });
    fc.assert(
      fc.property(tenths, fc.integer({ min: 1, max: 50 }), fc.nat(400), (first, step, steps) => {
        const last = first + step * steps;
        fc.pre(Math.abs(last) <= 1000);
        const values = parse(`${first / 10}:${step / 10}:${last / 10}`);
        expect(values).toHaveLength(steps + 1);
        expect(values.at(-1)).toBe(last / 10);
      }),
      { seed: 1 },
    );
  });

  it.each(["", "1:2", "1:0:2", "1:-1:2", "2:1:1", "a:1:2", "1:1:2:3", "0:0.001:90", "1e9"])(
    "refuses %j",
    (text) => {
      expect(() => parse(text)).toThrow(/^--snr: /);
    },
  );
});

describe("implementationOption and choiceOption", () => {
  it("collect and choose", () => {
    const once = implementationOption("equalization=mmse");
    expect(implementationOption("detection/demapping=max-log", once)).toEqual({
      equalization: "mmse",
      "detection/demapping": "max-log",
    });
    expect(choiceOption("--scs", [15, 30])("30")).toBe(30);
  });

  it("refuse what is not of their form", () => {
    for (const text of ["mmse", "=mmse", "equalization=", ""]) {
      expect(() => implementationOption(text)).toThrow(/^--use: /);
    }
    expect(() => implementationOption("a=c", { a: "b" })).toThrow(/was chosen before/);
    expect(() => choiceOption("--scs", [15, 30])("30.0")).toThrow(/^--scs: "30.0" .* 15, 30$/);
  });
});
