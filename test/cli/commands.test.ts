import { describe, expect, it } from "vitest";
import { neuroran, objectsOf } from "./command.js";

const commands = [
  "",
  "receive",
  "simulate",
  "bench",
  "bench ldpc",
  "bench pusch",
  "bench invoke",
  "bench cold-start",
  "bench memory",
  "verify",
  "verify programs",
  "inspect",
  "doctor",
  "model",
  "model train",
];

describe("help", () => {
  it.each(commands)("of `neuroran %s` tells its use with an example", async (words) => {
    const { status, stdout, stderr } = await neuroran(`${words} --help`.trim().split(" "));
    expect(status).toBe(0);
    expect(stdout).toMatch(/Usage: neuroran/);
    expect(stdout).toMatch(/Examples?:\n {2}\$ neuroran /);
    expect(stderr).toBe("");
  });

  it("is printed, with status 2, where a command is missing", async () => {
    for (const words of [[], ["bench"]]) {
      const { status, stderr, stdout } = await neuroran(words);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^Usage: neuroran/);
      expect(stdout).toBe("");
    }
  });

  it("tells the version of the package", async () => {
    const { status, stdout } = await neuroran(["--version"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("mistakes on the command line", () => {
  it.each([
    [["simulate", "--dopler", "5"], /^neuroran: unknown option '--dopler' \(Did you mean --doppler\?\)\n$/],
    [["simulat"], /^neuroran: unknown command 'simulat' \(Did you mean simulate\?\)\n$/],
    [["receive", "file.cf32"], /required option '--grant <file>'/],
    [["receive", "--grant", "grant.json"], /missing required argument 'recording'/],
    [
      ["simulate", "--mcs", "x"],
      /^neuroran: --mcs: "x" is not accepted; give a whole number from 0 to 28\n$/,
    ],
    [["simulate", "--slots", "0"], /--slots.*1 to/],
    [["simulate", "--snr", "1:0:5"], /--snr.*first:step:last/],
    [["simulate", "--snr", "1:2"], /--snr.*first:step:last/],
    [["simulate", "--profile", "TDL-Z"], /--profile.*awgn, TDL-A/],
    [["simulate", "--bandwidth", "7"], /--bandwidth.*5, 10, 15/],
    [["simulate", "--bandwidth", "20", "--carrier-prbs", "51"], /--bandwidth.*--carrier-prbs/],
    [["simulate", "--prbs", "52"], /rbSize: 52 is not accepted/],
    [["simulate", "--mcs-table", "3", "--mcs", "28", "--scs", "45"], /--scs: "45" .* 15, 30, 60/],
    [["simulate", "--use", "mmse"], /--use.*block=name/],
    [["simulate", "--use", "equalization=best"], /equalization.*mmse/],
    [["simulate", "--use", "equaliser=mmse"], /equaliser/],
    [["simulate", "--seed", "1.5"], /--seed.*whole number/],
    [["simulate", "--sample-rate", "20e6"], /sampleRate/],
    [["simulate", "--svg", "/no/such/folder/bler.svg"], /no\/such\/folder.*cannot be written/],
    [["simulate", "--svg", "/"], /--svg.*folder/],
    [["bench", "ldpc", "--target", "abacus"], /--target.*wasm/],
    [["bench", "ldpc", "--seconds", "-1"], /--seconds/],
  ])("in %j are named", async (words, sentence) => {
    const { status, stdout, stderr } = await neuroran(words);
    expect(stderr).toMatch(sentence);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });

  it("are told to programs, too", async () => {
    for (const [words, field] of [
      [["simulate", "--mcs", "x", "--json"], "--mcs"],
      [["simulate", "--json", "--dopler", "5"], "--dopler"],
      [["simulate", "--json", "--prbs", "60"], "rbSize"],
    ] as const) {
      const { status, stdout, stderr } = await neuroran(words);
      const [sentence, object] = stderr.trimEnd().split("\n") as [string, string];
      const { error } = JSON.parse(object) as { error: Record<string, string> };
      expect(Object.keys(error)).toEqual(["code", "field", "message"]);
      expect(error.field).toBe(field);
      expect(sentence).toBe(`neuroran: ${error.message}`);
      expect(stdout).toBe("");
      expect(status).toBe(2);
    }
  });
});

describe("doctor", () => {
  it("finds this machine fit", async () => {
    const { status, stdout } = await neuroran(["doctor"]);
    expect(status).toBe(0);
    for (const line of [
      /^Processor +\S/m,
      /^Node +v\d+/m,
      /^Target wasm +works/m,
      /^Slot threads +(not )?pinned/m,
      /^Memory +[\d.]+ [GM]iB/m,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  it("prints one object", async () => {
    const { status, stdout } = await neuroran(["doctor", "--json"]);
    expect(status).toBe(0);
    expect(objectsOf(stdout)).toEqual([
      expect.objectContaining({
        node: process.version,
        v8: process.versions.v8,
        wasmSimd: true,
        sharedMemory: true,
        healthy: true,
        slot_thread: {
          processor: expect.toBeOneOf([null, expect.any(Number)]),
          problem: expect.toBeOneOf([null, expect.any(String)]),
        },
        targets: expect.arrayContaining([
          { name: "wasm", works: true, compile_ms: expect.any(Number), reason: null },
        ]),
      }),
    ]);
  });

  it("colours only where it is wanted", async () => {
    const escapeCode = String.fromCharCode(27);
    const plain = await neuroran(["doctor"]);
    expect(plain.stdout).not.toContain(escapeCode);
    const coloured = await neuroran(["doctor"], { FORCE_COLOR: "1" });
    expect(coloured.stdout).toContain(escapeCode);
    const refused = await neuroran(["doctor"], { NO_COLOR: "1" });
    expect(refused.stdout).not.toContain(escapeCode);
  });
});
