import { describe, expect, it } from "vitest";
import { InputError } from "../../errors.js";
import { chooseName } from "./kernel-choice.js";

const names = [
  "ldpc_iterate_bg1_z384",
  "ldpc_iterate_bg2_z52",
  "ldpc_check_bg1_z384",
  "crc_1",
  "crc_12",
  "demapping_max_log",
  "demapping_scaled_max_log",
];

function refusal(text: string): string {
  try {
    chooseName(names, text);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).message;
  }
  return "accepted";
}

describe("a kernel is chosen", () => {
  it("by its name, though another begins with it", () => {
    expect(chooseName(names, "crc_1")).toBe("crc_1");
  });

  it("by a beginning or a part that no other has, a beginning first", () => {
    expect(chooseName(names, "ldpc_c")).toBe("ldpc_check_bg1_z384");
    expect(chooseName(names, "z52")).toBe("ldpc_iterate_bg2_z52");
    expect(chooseName([...names, "max_log"], "max")).toBe("max_log");
  });

  it("never by a guess: it is told which there are", () => {
    expect(refusal("ldpc_iterate")).toMatch(
      /"ldpc_iterate".*give one of ldpc_iterate_bg1_z384, ldpc_iterate_bg2_z52;/,
    );
    expect(refusal("max_log")).toMatch(/demapping_max_log, demapping_scaled_max_log;/);
    expect(refusal("")).toMatch(/give one of/);
    expect(() =>
      chooseName(
        Array.from({ length: 20 }, (_, k) => `crc_${k}`),
        "crc",
      ),
    ).toThrow(/crc_7 and 12 more;/);
  });

  it("with near names where it is misspelt, and a remedy where none is near", () => {
    expect(refusal("ldpc_itrate_bg2")).toMatch(/did you mean ldpc_iterate_bg2_z52/);
    expect(refusal("LDPC_CHECK")).toMatch(/did you mean ldpc_check_bg1_z384/);
    for (const text of ["xyz", "q"])
      expect(refusal(text)).toMatch(/^kernel: .*; `neuroran inspect` lists them all$/);
  });
});
