import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { llvm, withoutLlvm } from "../../../test/compiler/llvm-target.js";
import { A, B, C, D, memory, read, write } from "../../../test/compiler/operation-check.js";
import {
  argument,
  arith,
  availableTargets,
  buffer,
  connectionForThread,
  type Kernel,
  kernel,
  llvm as llvmDialect,
  memref,
  scf,
  vector,
  wasmTarget,
} from "../index.js";
import { printLlvm } from "./ir-text.js";
import { loadLlvm } from "./llvm-library.js";

const add = (name: string): Kernel =>
  kernel(name, { a: buffer("i32", 8), b: buffer("i32", 8), c: buffer("i32", 8) }, ({ a, b, c }) => {
    vector.store(arith.addi(vector.load(a, 0, 8), vector.load(b, 0, 8)), c, 0);
  });

describe("kernels as text of LLVM", () => {
  it("are one function of a memory, offsets and numbers, with phis for what loops carry", () => {
    const text = printLlvm(
      kernel("example", { a: buffer("i8", 64), n: argument("index") }, ({ a, n }) => {
        const zero = arith.constant({ element: "i8", lanes: 4 }, 0);
        const [sum] = scf.for(0, n, 4, [zero], (i, [s]) => [llvmDialect.saddSat(s!, vector.load(a, i, 4))]);
        vector.store(sum!, a, 0);
        return arith.cmpi("sgt", n, 3);
      }),
      "example",
    );
    expect(text).toBe(`define i32 @example(ptr %.memory, i32 %a.offset, i32 %n.given) nounwind {
entry:
  %a.wide = zext i32 %a.offset to i64
  %a = getelementptr inbounds i8, ptr %.memory, i64 %a.wide
  %n = sext i32 %n.given to i64
  br label %head.0
head.0:
  %i.0 = phi i64 [ 0, %entry ], [ %next.0, %body.0 ]
  %c.0.0 = phi <4 x i8> [ <i8 0, i8 0, i8 0, i8 0>, %entry ], [ %v.3, %body.0 ]
  %more.0 = icmp slt i64 %i.0, %n
  br i1 %more.0, label %body.0, label %after.0
body.0:
  %v.1 = getelementptr inbounds i8, ptr %a, i64 %i.0
  %v.2 = load <4 x i8>, ptr %v.1, align 1
  %v.3 = call <4 x i8> @llvm.sadd.sat.v4i8(<4 x i8> %c.0.0, <4 x i8> %v.2)
  %next.0 = add nsw i64 %i.0, 4
  br label %head.0
after.0:
  %v.4 = getelementptr inbounds i8, ptr %a, i64 0
  store <4 x i8> %c.0.0, ptr %v.4, align 1
  %v.5 = icmp sgt i64 %n, 3
  %v.6 = zext i1 %v.5 to i32
  ret i32 %v.6
}
declare <4 x i8> @llvm.sadd.sat.v4i8(<4 x i8>, <4 x i8>)
`);
  });

  it("refuse operations that the target does not know, and values from nowhere", () => {
    const good = kernel("good", { a: argument("i32") }, ({ a }) => arith.addi(a, 1));
    const operations = good.body.operations.map((o) =>
      o.name === "arith.addi" ? { ...o, name: "arith.ceildivsi" } : o,
    );
    const parts = { name: good.name, arguments: good.arguments, result: good.result };
    const unknown = { ...parts, body: { ...good.body, operations } };
    expect(() => printLlvm(unknown, "f")).toThrow(expect.objectContaining({ code: "KERNEL_UNSUPPORTED" }));
    expect(() => printLlvm(unknown, "f")).toThrow(/no lowering for arith.ceildivsi/);
    const stray = { ...parts, body: { ...good.body, operations: [] } };
    expect(() => printLlvm(stray, "f")).toThrow(/used outside the block/);
  });
});

describe("without libLLVM", () => {
  const absent = expect.objectContaining({ code: "TARGET_UNAVAILABLE" });

  it("the library is refused with what to install, and WebAssembly remains", () => {
    expect(() => loadLlvm(["libLLVM-no-such.so"])).toThrow(absent);
    expect(() => loadLlvm([])).toThrow(/Debian: libllvm19/);
    expect(availableTargets()).toContain("wasm");
  });

  it.skipIf(withoutLlvm)("a library of something else is refused by what it lacks", () => {
    expect(() => loadLlvm(["libm.so.6"])).toThrow(absent);
    expect(() => loadLlvm(["libm.so.6"])).toThrow(/libm.so.6 lacks a function/);
  });
});

describe.skipIf(withoutLlvm)("target llvm", () => {
  it("takes scalars of every type and returns one with its sign", () => {
    for (const element of ["i8", "i16", "i32", "f32", "f64", "index"] as const) {
      const run = llvm.compile(
        kernel(`echo_${element}`, { a: argument(element) }, ({ a }) => a),
        memory,
      );
      expect(run(-3)).toBe(-3);
      if (element === "i8") expect(run(200)).toBe(-56);
      if (element === "i16") expect(run(40000)).toBe(-25536);
      if (element === "i32") expect(run(2 ** 32 - 5)).toBe(-5);
      if (element === "f32") expect(run(0.1)).toBe(Math.fround(0.1));
    }
    const odd = kernel("odd", { a: argument("i32") }, ({ a }) => arith.trunci(a, "i1"));
    expect([4, 7].map((v) => llvm.compile(odd, memory)(v))).toEqual([0, 1]);
    const empty = kernel("empty", {}, () => {});
    expect(llvm.compile(empty, memory)()).toBeUndefined();
  });

  it("keeps kernels of one name apart, and one kernel's memories", () => {
    const first = llvm.compile(add("same"), memory);
    const subtract = kernel("same", { a: buffer("i32", 8), c: buffer("i32", 8) }, ({ a, c }) => {
      memref.store(arith.subi(memref.load(a, 0), 1), c, 0);
    });
    const other = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const second = llvm.compile(subtract, memory);
    const third = llvm.compile(add("same"), other);
    write("i32", A, [5n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]);
    write("i32", B, [6n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]);
    first(A, B, C);
    second(A, D);
    new Int32Array(other.buffer).fill(100);
    third(0, 64, 128);
    expect([read("i32", C, 1)[0], read("i32", D, 1)[0]]).toEqual([11n, 4n]);
    expect([...new Int32Array(other.buffer, 128, 9)]).toEqual([...new Array(8).fill(200), 100]);
  });

  it("reaches memory above 2 GiB", () => {
    const large = new WebAssembly.Memory({ initial: 40_000, maximum: 40_000, shared: true });
    const offset = 2 ** 31 + 4096;
    new Int32Array(large.buffer, offset, 8).fill(21);
    llvm.compile(add("large"), large)(offset, offset, offset + 64);
    expect([...new Int32Array(large.buffer, offset + 64, 8)]).toEqual(new Array(8).fill(42));
  });

  it("gives some number where results are undefined, and the process goes on", () => {
    for (const element of ["i8", "i16", "i32"] as const) {
      const scalars = { a: argument(element), b: argument(element) };
      const least = { i8: -128, i16: -32768, i32: -(2 ** 31) }[element];
      for (const name of ["divsi", "divui", "remsi", "remui", "shli", "shrsi", "shrui"] as const) {
        const run = llvm.compile(
          kernel(`${name}_${element}`, scalars, ({ a, b }) => arith[name](a, b)),
          memory,
        );
        for (const b of [0, -1, 40, least]) expect(Number.isInteger(run(least, b))).toBe(true);
      }
    }
    const lanes = kernel("divide", { a: buffer("i64", 4), b: buffer("i64", 4), c: buffer("i64", 4) }, (m) => {
      vector.store(arith.divsi(vector.load(m.a, 0, 4), vector.load(m.b, 0, 4)), m.c, 0);
    });
    write("i64", A, [-(1n << 63n), 7n, -7n, 9n]);
    write("i64", B, [-1n, 0n, 2n, -3n]);
    llvm.compile(lanes, memory)(A, B, C);
    expect(read("i64", C, 4).slice(2)).toEqual([-3n, -3n]);
  });

  it("converts floats that do not fit, and NaN, as WebAssembly does", () => {
    const values = [
      NaN,
      Infinity,
      -Infinity,
      1e20,
      -1e20,
      3e9,
      -3e9,
      300,
      -300,
      70000,
      -70000,
      -1,
      -0.5,
      255.9,
      2 ** 31,
    ];
    for (const from of ["f32", "f64"] as const) {
      for (const to of ["i8", "i16", "i32", "i64"] as const) {
        for (const name of ["fptosi", "fptoui"] as const) {
          const convert = kernel(
            `${name}_${from}_${to}`,
            { a: buffer(from, 16), c: buffer(to, 32) },
            ({ a, c }) => {
              vector.store(arith[name](vector.load(a, 0, 16), to), c, 0);
              for (let k = 0; k < 16; k++) memref.store(arith[name](memref.load(a, k), to), c, 16 + k);
            },
          );
          write(from, A, [...values, 0.9]);
          wasmTarget().compile(convert, memory)(A, C);
          llvm.compile(convert, memory)(A, D);
          expect(read(to, D, 32)).toEqual(read(to, C, 32));
        }
      }
    }
  });

  it("compiles and calls in a worker thread, on the same memory", async () => {
    const script = `
      import { parentPort, workerData } from "node:worker_threads";
      const { arith, buffer, kernel, llvmTarget, useConnection, vector } = await import(workerData.index);
      useConnection(workerData.end);
      const double = kernel("double", { a: buffer("i32", 8) }, ({ a }) => {
        const v = vector.load(a, 0, 8);
        vector.store(arith.addi(v, v), a, 0);
      });
      llvmTarget().compile(double, workerData.memory)(workerData.at);
      parentPort.postMessage("done");
    `;
    write("i32", A, [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
    const end = connectionForThread();
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
      workerData: { end, memory, at: A, index: new URL("../index.js", import.meta.url).href },
      transferList: [end.port],
    });
    expect(await once(worker, "message")).toEqual(["done"]);
    await worker.terminate();
    expect(read("i32", A, 8)).toEqual([2n, 4n, 6n, 8n, 10n, 12n, 14n, 16n]);
  });

  it("is not there for a worker thread that was handed no connection, which WebAssembly serves", async () => {
    const script = `
      import { parentPort, workerData } from "node:worker_threads";
      const { openTarget, targetProblem } = await import(workerData.index);
      const { addKernel } = await import(workerData.kernels);
      const target = openTarget();
      const result = target.compile(addKernel(2, 1), workerData.memory)(64, 40);
      parentPort.postMessage([target.name, result, targetProblem("llvm")]);
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
      workerData: {
        memory,
        index: new URL("../index.js", import.meta.url).href,
        kernels: new URL("../../../test/compiler/built-elsewhere.js", import.meta.url).href,
      },
    });
    const [said] = await once(worker, "message");
    expect(said).toEqual(["wasm", 42, expect.stringMatching(/connectionForThread/)]);
    await worker.terminate();
  });

  it("allocates nothing at a call", () => {
    const run = llvm.compile(add("idle"), memory);
    const calls = (count: number): void => {
      for (let k = 0; k < count; k++) run(A, B, C);
    };
    calls(20_000);
    const before = process.memoryUsage().heapUsed;
    calls(100_000);
    // One small object a call would be above 1.6 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(400_000);
  });
});
