import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import { type Kernel, printMlir } from "../../src/compiler/index.js";

/** MLIR's and LLVM's tools of Debian, as second opinion on kernels and as a second target. */

const tools = ["mlir-opt-19", "mlir-translate-19", "llc-19", "cc"];
const missing = tools.filter((tool) => spawnSync(tool, ["--version"]).error !== undefined);

/** Whether to skip tests that need the tools: never where CI is set, so that they fail there instead. */
export const withoutMlir = missing.length > 0 && process.env.CI === undefined;
if (missing.length > 0)
  console.warn(`not on this machine: ${missing.join(", ")} (Debian: mlir-19-tools llvm-19 gcc)`);

/** Runs a tool on text. @throws Error with what the tool said unless it succeeds. */
function run(tool: string, options: readonly string[], input: string): string {
  const result = spawnSync(tool, options, { input, encoding: "utf8", maxBuffer: 1 << 30 });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${tool}: ${result.stderr.slice(0, 4000)}`);
  return result.stdout;
}

/** Has `mlir-opt` parse and verify kernels, all in one process. @throws Error with its complaints. */
export function verifyMlir(kernels: readonly Kernel[]): void {
  const text = kernels.map((k) => printMlir(k)).join("// -----\n");
  run("mlir-opt-19", ["-split-input-file", "-o", "/dev/null"], text);
}

const lowering = [
  "-convert-scf-to-cf",
  "-convert-vector-to-llvm",
  "-convert-math-to-llvm",
  "-expand-strided-metadata",
  "-finalize-memref-to-llvm",
  "-convert-arith-to-llvm",
  "-convert-func-to-llvm=use-bare-ptr-memref-call-conv=1",
  "-convert-cf-to-llvm",
  "-reconcile-unrealized-casts",
];

/** `math.fma` as a product and a sum, as targets without it compute. */
function unfused(mlir: string): string {
  return mlir.replace(
    /^( *)%(\w+) = math\.fma (%\w+), (%\w+), (%\w+) : (.*)$/gm,
    "$1%product_$2 = arith.mulf $3, $4 : $6\n$1%$2 = arith.addf %product_$2, $5 : $6",
  );
}

/** A kernel as native code: takes memory as bytes and scalars as numbers, in declared order. */
export type NativeKernel = (...arguments_: (Uint8Array | number)[]) => number | undefined;

const nativeTypes: Record<string, string> = {
  i1: "uint8_t",
  i8: "int8_t",
  i16: "int16_t",
  i32: "int32_t",
  f32: "float",
  f64: "double",
  index: "int64_t",
};

/**
 * Compiles kernels through MLIR and LLVM into one library and loads it. Nothing is contracted or reordered.
 * @param fused false splits `math.fma` into a product and a sum
 */
export function compileNative(kernels: readonly Kernel[], fused = false): Map<string, NativeKernel> {
  const folder = mkdtempSync(join(tmpdir(), "neuroran-mlir-"));
  try {
    // One module of all functions: what printMlir wraps around each is taken off.
    const functions = kernels.map((k) => printMlir(k).split("\n").slice(1, -2).join("\n"));
    const mlir = `module {\n${functions.join("\n")}\n}\n`;
    const dialect = run("mlir-opt-19", lowering, fused ? mlir : unfused(mlir));
    const llvm = run("mlir-translate-19", ["--mlir-to-llvmir"], dialect);
    const object = join(folder, "kernels.o");
    const library = join(folder, "kernels.so");
    run(
      "llc-19",
      ["-O2", "-mcpu=native", "-fp-contract=off", "-relocation-model=pic", "-filetype=obj", "-o", object],
      llvm,
    );
    run("cc", ["-shared", "-o", library, object, "-lm"], "");
    const loaded = koffi.load(library);
    return new Map(
      kernels.map((k) => {
        const types = k.arguments.map((a) =>
          a.kind === "buffer" ? "void *" : nativeTypes[a.value.type.element]!,
        );
        const result = k.result ? nativeTypes[k.result.type.element]! : "void";
        const native = loaded.func(k.name, result, types) as NativeKernel;
        // Of an i1 only the lowest bit is defined.
        const one: NativeKernel = (...arguments_) => native(...arguments_)! & 1;
        return [k.name, k.result?.type.element === "i1" ? one : native];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
