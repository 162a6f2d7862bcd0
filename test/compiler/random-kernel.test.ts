import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Kernel, printMlir, wasmTarget } from "../../src/compiler/index.js";
import { type InterpreterArguments, interpret } from "./interpreter.js";
import { elementsOf, placeBuffers, randomNumber, randomWords } from "./kernel-memory.js";
import { llvm, withoutLlvm } from "./llvm-target.js";
import { compileNative, withoutMlir } from "./mlir-tools.js";
import { randomKernel } from "./random-kernel.js";

/** Random kernels: WebAssembly, native code and a direct interpreter must agree. A failure prints seed and kernel. */

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });

interface Outcome {
  readonly result: number | undefined;
  readonly buffers: readonly (readonly bigint[])[];
}

/** The arguments that a seed gives, each time anew. */
function drawArguments(kernel: Kernel, seed: number): (bigint[] | bigint)[] {
  const next = randomWords(seed ^ 0x5bd1e995);
  return kernel.arguments.map((a) => {
    if (a.kind === "buffer") {
      return Array.from({ length: a.buffer.length }, () =>
        BigInt(randomNumber(a.buffer.element, next, true)),
      );
    }
    return a.value.type.element === "index"
      ? BigInt(next() % 6)
      : BigInt(randomNumber(a.value.type.element, next, true));
  });
}

/** Runs on bytes: `run` gets the offsets of buffers and the scalars. */
function onBytes(
  kernel: Kernel,
  arguments_: InterpreterArguments,
  bytes: ArrayBufferLike,
  run: (values: number[]) => number | undefined,
): Outcome {
  const { offsets } = placeBuffers(kernel);
  const views = kernel.arguments.map((a, position) =>
    a.kind === "buffer" ? elementsOf(bytes, a.buffer, offsets[position]!) : undefined,
  );
  arguments_.forEach((v, position) => {
    const view = views[position];
    if (view && typeof v === "object") {
      v.forEach((x, k) => {
        view[k] = (view instanceof BigInt64Array ? x : Number(x)) as never;
      });
    }
  });
  const result = run(
    arguments_.map((v, position) => (typeof v === "object" ? offsets[position]! : Number(v))),
  );
  return {
    result,
    buffers: views.flatMap((view) => (view ? [Array.from<number | bigint, bigint>(view, BigInt)] : [])),
  };
}

function interpreted(kernel: Kernel, arguments_: InterpreterArguments): Outcome {
  const result = interpret(kernel, arguments_);
  return {
    result: result === undefined ? undefined : Number(result),
    buffers: arguments_.filter((v) => typeof v === "object"),
  };
}

describe("random kernels", () => {
  const targets = [
    { target: wasmTarget(), runs: 300, absent: false },
    { target: llvm, runs: 150, absent: withoutLlvm },
  ];
  for (const { target, runs, absent } of targets) {
    it.skipIf(absent)(`do on ${target.name} what an interpreter does`, () => {
      fc.assert(
        fc.property(fc.nat(), (seed) => {
          const kernel = randomKernel(seed, randomWords(seed));
          const wanted = interpreted(kernel, drawArguments(kernel, seed));
          const run = target.compile(kernel, memory);
          const got = onBytes(kernel, drawArguments(kernel, seed), memory.buffer, (values) => run(...values));
          if (
            JSON.stringify(got.result) !== JSON.stringify(wanted.result) ||
            String(got.buffers) !== String(wanted.buffers)
          ) {
            expect.fail(`seed ${seed}: ${differenceOf(got, wanted)}\n${printMlir(kernel)}`);
          }
        }),
        { numRuns: runs, seed: 2024, verbose: 1, endOnFailure: true },
      );
    });
  }

  it.skipIf(withoutMlir)("do through MLIR in native code what an interpreter does", () => {
    const kernels = Array.from({ length: 60 }, (_, k) => randomKernel(1000 + k, randomWords(1000 + k)));
    const native = compileNative(kernels);
    kernels.forEach((kernel, k) => {
      const seed = 1000 + k;
      const { offsets, bytes } = placeBuffers(kernel);
      const own = new Uint8Array(bytes);
      const got = onBytes(kernel, drawArguments(kernel, seed), own.buffer, (values) =>
        native.get(kernel.name)!(
          ...values.map((v, position) =>
            kernel.arguments[position]!.kind === "buffer" ? own.subarray(offsets[position]!) : v,
          ),
        ),
      );
      const wanted = interpreted(kernel, drawArguments(kernel, seed));
      expect(differenceOf(got, wanted), `seed ${seed}`).toBe("");
    });
  });
});

function differenceOf(got: Outcome, wanted: Outcome): string {
  const found = got.result === wanted.result ? [] : [`returns ${got.result}, wanted ${wanted.result}`];
  got.buffers.forEach((list, b) => {
    list.forEach((v, k) => {
      if (v !== wanted.buffers[b]![k])
        found.push(`buffer ${b}[${k}] is ${v}, wanted ${wanted.buffers[b]![k]}`);
    });
  });
  return found.slice(0, 5).join("; ");
}
