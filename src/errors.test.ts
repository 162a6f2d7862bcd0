import { describe, expect, it } from "vitest";
import { InputError } from "./errors.js";

describe("InputError", () => {
  it("names the field, the value and the remedy", () => {
    const error = new InputError("rbSize", 0, "give 1 or more");
    expect(error.message).toBe("rbSize: 0 is not accepted; give 1 or more");
    expect(error.code).toBe("INPUT_INVALID");
  });

  it("prints any value, shortened", () => {
    const deep = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) as unknown;
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    for (const value of [
      deep,
      circular,
      { big: 1n },
      "x".repeat(1000),
      undefined,
      null,
      Symbol("s"),
      () => 1,
    ]) {
      expect(new InputError("field", value, "give another").message.length).toBeLessThan(160);
    }
  });
});
