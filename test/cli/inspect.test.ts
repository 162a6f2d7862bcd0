import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sampleKernels } from "../../src/transceiver/kernels.js";
import { withoutLlvm } from "../compiler/llvm-target.js";
import { neuroran, objectsOf, temporaryFolder } from "./command.js";

const folder = temporaryFolder();
const name = "accumulate_150_4";
const quickly = ["--seconds", "0.01"];
const all = ["ir", "mlir", "wasm", "llvm-ir", "llvm-ir-optimized", "assembly"];

describe("inspect", () => {
  it("lists the kernels with their operations where none is named", async () => {
    const names = sampleKernels().map((kernel) => kernel.name);
    const { status, stdout, stderr } = await neuroran(["inspect"]);
    expect(status).toBe(0);
    expect(stderr).toBe("");
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line) => line.split(" ")[0]),
    ).toEqual(names);
    expect(stdout).toMatch(/^accumulate_150_4 +10$/m);
    const objects = objectsOf((await neuroran(["inspect", "--json"])).stdout);
    expect(objects.map(({ kernel }) => kernel)).toEqual(names);
    for (const { operations } of objects) expect(operations).toBeGreaterThan(0);
  });

  it("shows a kernel's code and time, one view after the other", async () => {
    const { status, stdout, stderr } = await neuroran(["inspect", "accumulate_150", ...quickly]);
    expect(status).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toContain(`Node ${process.version}`);
    expect(stdout).toMatch(/^accumulate_150_4: 10 operations$/m);
    expect(stdout).toMatch(/^wasm +\d+ +\d+ +[\d.]+ (ms|µs|s) +\d+ +\d+$/m);
    const parts = [
      /^IR\n──\n/m,
      /^ {2}scf\.for /m,
      /^MLIR\n/m,
      /^ {2}func\.func @/m,
      /^WebAssembly\n/m,
      /f32x4\.add$/m,
    ];
    const places = parts.map((part) => stdout.search(part));
    expect(Math.min(...places)).toBeGreaterThan(0);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    if (!withoutLlvm) expect(stdout).toMatch(/^Assembly\n(.*\n)* {2}ret/m);
  });

  it("shows chosen views in columns", async () => {
    const words = ["inspect", name, "--view", "wasm,ir", "--side-by-side", ...quickly];
    const { stdout } = await neuroran(words);
    expect(stdout).toMatch(/^WebAssembly +│ IR$/m);
    expect(stdout).toMatch(/^\(module +│ accumulate_150_4\(from: f32\[150\], to: f32\[150\]\)$/m);
    expect(stdout).not.toContain("MLIR");
  });

  it.skipIf(withoutLlvm)("prints all that is known of it as one object", async () => {
    const { stdout } = await neuroran(["inspect", "scatter_resources", "--json", ...quickly]);
    const [report, ...more] = objectsOf(stdout);
    expect(more).toEqual([]);
    const figures = {
      reason: null,
      bytes: expect.any(Number),
      instructions: expect.any(Number),
      compile_ms: expect.any(Number),
      call_ns: expect.any(Number),
      idle_ns: expect.any(Number),
    };
    expect(report).toMatchObject({
      kernel: "scatter_resources_1000_2016",
      arguments: [
        { text: "from: f32[2000]", value: null },
        { text: "indices: i32[1000]", value: null },
        { text: "to: f32[4032]", value: null },
      ],
      operations: expect.any(Number),
      targets: [
        { name: "wasm", ...figures },
        { name: "llvm", ...figures },
      ],
    });
    expect(Object.keys(report!.views as object)).toEqual(all);
  });

  it.skipIf(withoutLlvm)("writes files that other tools read", async () => {
    const place = folder.path("new/files");
    const { status, stdout } = await neuroran(["inspect", name, "--output", place, ...quickly]);
    expect(status).toBe(0);
    const endings = ["ir", "mlir", "wat", "ll", "optimized.ll", "s", "wasm", "o"];
    const files = endings.map((ending) => `${name}.${ending}`);
    expect(readdirSync(place).sort()).toEqual([...files].sort());
    for (const file of files) expect(stdout).toContain(`${place}/${file}\n`);
    expect(WebAssembly.validate(readFileSync(`${place}/${name}.wasm`))).toBe(true);
    expect(readFileSync(`${place}/${name}.wat`, "utf8")).toMatch(/^\(module\n/);
    const one = folder.path("one");
    await neuroran(["inspect", name, "--output", one, "--view", "mlir", ...quickly]);
    expect(readdirSync(one)).toContain(`${name}.mlir`);
    expect(readdirSync(one)).not.toContain(`${name}.s`);
  });

  it("refuses what it cannot do", async () => {
    for (const [words, sentence] of [
      [["inspect", "ldpc_itrate"], /^neuroran: kernel: "ldpc_itrate" .*did you mean ldpc_iterate/],
      [["inspect", name, "--view", "ir,mlri"], /^neuroran: --view: "mlri" .*give some of ir,mlir,wasm/],
      [["inspect", name, "--seconds", "0"], /--seconds/],
      [["inspect", name, "--output", "/dev/null/x", ...quickly], /--output.*give a folder/],
    ] as const) {
      const { status, stdout, stderr } = await neuroran(words);
      expect(stderr).toMatch(sentence);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(stdout).toBe("");
      expect(status).toBe(2);
    }
  });
});
