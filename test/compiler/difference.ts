import { expect } from "vitest";
import { type Argument, type Block, type Kernel, wasmTarget } from "../../src/compiler/index.js";
import { sampleRange } from "../../src/transceiver/sample-arguments.js";
import {
  damagedGuard,
  elementsOf,
  firstDifference,
  placeBuffers,
  randomNumber,
  randomWords,
} from "./kernel-memory.js";
import type { NativeKernel } from "./mlir-tools.js";

/** A kernel as native code against WebAssembly on the same random bytes. */

const memory = new WebAssembly.Memory({ initial: 512, maximum: 512, shared: true });
/** Native code would break this process where WebAssembly writes into the void. */
const margin = 1 << 20;
export const plain = wasmTarget({ relaxed: false });

/** What gives the numbers of one argument; memory without stays zero. */
export type Draw = (a: Argument, next: () => number) => (() => number | bigint) | undefined;

/** Whether a kernel takes exp or log, whose last places differ between targets. */
function usesLibrary(kernel: Kernel): boolean {
  const inBlock = (block: Block): boolean =>
    block.operations.some((o) => o.name === "math.exp" || o.name === "math.log" || o.regions.some(inBlock));
  return inBlock(kernel.body);
}

/** Both targets are within two units of the true value; a soft bit may round to either side. */
function near(element: string, a: number, b: number): boolean {
  if (element === "i8") return Math.abs(a - b) <= 1;
  // Below the normal range WebAssembly's exp gives 0.
  if (element !== "f32" || Math.max(Math.abs(a), Math.abs(b)) < 2 ** -126) return element === "f32";
  return Math.abs(a - b) <= 4 * 2 ** -23 * Math.abs(b);
}

/**
 * Runs a kernel on both targets with numbers drawn from the seed and tells the first difference.
 * @param options.target what native code is compared with
 * @param options.sameFunctions whether exp and log are computed alike, so that they must be equal as well
 */
export function difference(
  kernel: Kernel,
  native: NativeKernel,
  seed: number,
  draw: Draw,
  { target = plain, sameFunctions = false } = {},
): string | undefined {
  const { offsets, bytes } = placeBuffers(kernel);
  expect(bytes).toBeLessThan(memory.buffer.byteLength);
  const wasmBytes = new Uint8Array(memory.buffer, 0, bytes);
  wasmBytes.fill(0);
  const next = randomWords(seed);
  const scalars = kernel.arguments.map((a, position) => {
    const drawOne = draw(a, next);
    if (!drawOne) return 0;
    if (a.kind === "scalar") return Number(drawOne());
    const elements = elementsOf(memory.buffer, a.buffer, offsets[position]!);
    for (let k = 0; k < elements.length; k++) elements[k] = drawOne() as never;
    return 0;
  });
  const nativeBytes = new Uint8Array(bytes + margin);
  nativeBytes.set(wasmBytes);
  const isBuffer = (position: number): boolean => kernel.arguments[position]!.kind === "buffer";
  const wasmResult = target.compile(
    kernel,
    memory,
  )(...scalars.map((v, position) => (isBuffer(position) ? offsets[position]! : v)));
  const idle = wasmResult === undefined && Buffer.compare(wasmBytes, nativeBytes.subarray(0, bytes)) === 0;
  if (idle) return `${kernel.name} writes nothing`;
  const damage = damagedGuard(kernel, offsets, memory.buffer);
  if (damage) return damage;
  const nativeResult = native(
    ...scalars.map((v, position) => (isBuffer(position) ? nativeBytes.subarray(offsets[position]!) : v)),
  );
  if (!Object.is(wasmResult, nativeResult)) return `${kernel.name} returns ${wasmResult} and ${nativeResult}`;
  return firstDifference(
    kernel,
    offsets,
    memory.buffer,
    nativeBytes.buffer,
    usesLibrary(kernel) && !sameFunctions ? near : undefined,
  );
}

/** Draws operands for the kernels of single operations: memory for results begins empty, a count of lanes is small. */
export function operands(edges: boolean): Draw {
  return (a, next) => {
    if (a.kind === "scalar") return () => (a.value.type.element === "index" ? next() % 20 : next() | 0);
    if (a.buffer.length > 1024) return undefined;
    return () => randomNumber(a.buffer.element, next, edges);
  };
}

/** Draws for an argument of a kernel of the transceiver; none where its range is not known. */
export function drawerOf(a: Argument): ((next: () => number) => () => number | bigint) | undefined {
  const range = sampleRange(a);
  if (range === undefined) return undefined;
  if (typeof range === "object" && "table" in range) {
    return () => {
      const numbers = range.table().values();
      return () => numbers.next().value ?? 0;
    };
  }
  if (typeof range === "object") {
    return (next) => () => ("value" in range ? range.value : next() % range.below);
  }
  const { element } = a.kind === "buffer" ? a.buffer : a.value.type;
  if (range === "positive") return (next) => () => Math.abs(Number(randomNumber(element, next, false)));
  return (next) => () => randomNumber(element, next, false);
}
