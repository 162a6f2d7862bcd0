import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { belowOneAnother, besideOneAnother, fitBeside } from "./columns.js";

const texts = [
  { title: "One", text: "a\nlonger line\n" },
  { title: "Two", text: "b\n  c\nd\n" },
];

describe("texts", () => {
  it("stand beside one another, each column as wide as it must be", () => {
    expect(besideOneAnother(texts, undefined)).toBe(
      [
        "One         │ Two",
        "───         │ ───",
        "a           │ b",
        "longer line │   c",
        "            │ d",
        "",
      ].join("\n"),
    );
  });

  it("share a width, and what is longer than its column is cut", () => {
    expect(besideOneAnother(texts, 15)).toBe(
      ["One    │ Two", "───    │ ───", "a      │ b", "longe… │   c", "       │ d", ""].join("\n"),
    );
  });

  it("never exceed the width, and lose no line", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.string({ unit: "grapheme-ascii" }), { maxLength: 9 }), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.integer({ min: 60, max: 200 }),
        (columns, width) => {
          const given = columns.map((lines) => ({ title: "title", text: lines.join("\n") }));
          const lines = besideOneAnother(given, width).trimEnd().split("\n");
          expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
          for (const { text } of given)
            expect(lines.length).toBeGreaterThanOrEqual(2 + (text.trimEnd() === "" ? 0 : 1));
        },
      ),
      { seed: 5 },
    );
  });

  it("stand below one another with an empty line between", () => {
    expect(belowOneAnother(texts)).toBe("One\n───\na\nlonger line\n\nTwo\n───\nb\n  c\nd\n");
  });

  it("are put beside one another where each has 50 letters", () => {
    expect([fitBeside(2, 102), fitBeside(2, 103), fitBeside(4, 200), fitBeside(4, 209)]).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });
});
