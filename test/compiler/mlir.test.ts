import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Block, Kernel } from "../../src/compiler/index.js";
import { arith, llvm, math, memref, scf, vector } from "../../src/compiler/index.js";
import { loweredOperations } from "../../src/compiler/wasm/lower.js";
import { sampleKernels } from "../../src/transceiver/kernels.js";
import { verifyMlir, withoutMlir } from "./mlir-tools.js";
import { operationKernels } from "./operation-kernels.js";

function operationsIn(kernels: readonly Kernel[]): Set<string> {
  const names = new Set<string>();
  const visit = (block: Block): void => {
    for (const operation of block.operations) {
      names.add(operation.name);
      operation.regions.forEach(visit);
    }
  };
  for (const k of kernels) visit(k.body);
  return names;
}

describe("the kernels that are verified", () => {
  it("hold every operation of the language", () => {
    const names = operationsIn(operationKernels());
    expect([...names].sort()).toEqual([...loweredOperations].sort());
    // Those of `vector` that are no operation of their own are made of shuffles.
    const made = ["rotate", "deinterleave", "interleave", "concatenate"];
    const functions = Object.entries({ arith, llvm, math, memref, scf, vector }).flatMap(([dialect, all]) =>
      Object.keys(all)
        .filter((key) => !made.includes(key))
        .map((key) => `${dialect}${key}`.toLowerCase()),
    );
    const plain = [...names].map((name) => name.replace("intr.", "").replaceAll(/[._]/g, "").toLowerCase());
    expect(functions.filter((name) => !plain.includes(name))).toEqual([]);
  });

  it("have names of their own", () => {
    const names = [...operationKernels(), ...sampleKernels()].map((k) => k.name);
    expect(names.filter((name, k) => names.indexOf(name) !== k)).toEqual([]);
  });

  it("are of every function of the transceiver that builds kernels", () => {
    const folder = join("src", "transceiver");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const sources = files.filter((name) => /-kernels?\.ts$/.test(name));
    const list = readFileSync(join(folder, "kernels.ts"), "utf8");
    const builders = sources.flatMap((name) => {
      const text = readFileSync(join(folder, name), "utf8");
      const from = `./${name.replace(/\.ts$/, ".js")}`;
      return [...text.matchAll(/^export (?:const|function) (\w+Kernel)\b/gm)].map(([, builder]) => ({
        from,
        builder,
      }));
    });
    expect(builders.length).toBeGreaterThan(20);
    const absent = builders.filter(
      ({ from, builder }) => !list.includes(`"${from}"`) || !new RegExp(`\\b${builder}\\b`).test(list),
    );
    expect(absent).toEqual([]);
  });
});

describe.skipIf(withoutMlir)("mlir-opt", () => {
  it("verifies every operation of the language", () => {
    verifyMlir(operationKernels());
  });

  it("verifies every kernel of the transceiver", () => {
    verifyMlir(sampleKernels());
  });

  it("would say what is wrong", () => {
    const { name, arguments: given, body, result } = operationKernels()[0]!;
    const bad = { name, arguments: given, body: { ...body, operations: body.operations.slice(1) }, result };
    expect(() => verifyMlir([bad])).toThrow(/mlir-opt-19.*undeclared SSA value/s);
  });
});
