import { type Argument, type Buffer, byteSize, type Kernel } from "../compiler/index.js";
import type { Random } from "../radio/index.js";
import { baseGraph } from "./coding/base-graph.js";
import { codeTable, decoderLayout } from "./coding/decoder-layout.js";
import { planTable } from "./extraction/fourier-transform.js";

/**
 * Arguments with which the kernels of the transceiver can be called out of their place, to measure or compare them:
 * native code that is given a wild count or index ends the process.
 */

/** Scalars that address memory, by name: what they are set to. */
const scalars: Readonly<Record<string, number>> = {
  count: 96,
  rounds: 12,
  layerStride: 200,
  words: 64,
  columns: 192,
  blocks: 6,
  pilots: 36,
  subcarriers: 36,
  sequences: 3,
  sequenceLength: 2000,
  partLength: 120,
  total: 310,
  stride: 128,
  symbolStride: 96,
  antennaStride: 480,
  rotationStride: 128,
  outStride: 128,
  outputStride: 128,
  spectrumStride: 128,
  factorStride: 128,
  symbols: 5,
  rows: 20,
  iteration: 1,
  messageBytes: 640,
  informationColumns: 10,
  informationBits: 517,
  liftingSize: 52,
  length: 96,
};

/** Buffers of i32 that address memory, by name: what their elements stay below. */
const indices: Readonly<Record<string, number>> = { starts: 16, indices: 1000 };

/** Buffers of i32 that describe what is to be done, by name: what they hold, for few lanes as well as for many. */
const tables: Readonly<Record<string, () => Int32Array>> = {
  plan: () => planTable({ size: 192, sign: -1, input: "planes", output: "planes", lanes: 4 }),
  code: () => codeTable(decoderLayout(baseGraph(2, 52), 64)),
};

/** Buffers of i32 that may hold any bits. */
const words: readonly string[] = ["tables", "x1", "x2", "sequence", "remainders"];

/** Buffers of floats that are variances or their inverses, by name: with a sign, what they belong to is left out. */
const variances: readonly string[] = ["weights", "noise"];

/** What an argument may be: anything, anything from 0, one value, whole numbers from 0, or a table. */
type SampleRange =
  | "any"
  | "positive"
  | { readonly value: number }
  | { readonly below: number }
  | { readonly table: () => Int32Array };

/** What a kernel of the transceiver takes for an argument; undefined where nothing is known of it. */
export function sampleRange(a: Argument): SampleRange | undefined {
  if (a.kind === "buffer") {
    const { name, element } = a.buffer;
    if (variances.includes(name)) return "positive";
    if (element !== "i32" || words.includes(name)) return "any";
    if (tables[name] !== undefined) return { table: tables[name] };
    return indices[name] === undefined ? undefined : { below: indices[name] };
  }
  const { element } = a.value.type;
  if (element === "f32" || element === "f64") return "any";
  return scalars[a.name] === undefined ? undefined : { value: scalars[a.name]! };
}

/** Elements that a buffer gets: what it declares, or little where it declares what hardly a call would fill. */
export function sampleLength({ length }: Buffer): number {
  return length > 1 << 20 ? 1 << 16 : length;
}

/** A kernel's arguments, buffers as offsets into a memory that holds them. */
export interface SampleCall {
  readonly memory: WebAssembly.Memory;
  readonly arguments: readonly number[];
}

/** Kernels may read a little past a buffer's end. */
const guardBytes = 128;
const pageBytes = 1 << 16;

/**
 * Memory with random numbers for a kernel's buffers: floats normal of variance 1 (variances: their magnitudes), integers of any bits, indices in
 * their range. Scalars are those known by name; float scalars 1/√2, so that two of them are a phasor of magnitude 1.
 * @throws RangeError for a kernel with an argument of which {@link sampleRange} knows nothing.
 */
export function sampleCall(kernel: Kernel, random: Random): SampleCall {
  const sizes = kernel.arguments.map((a) => (a.kind === "buffer" ? guardedBytes(a.buffer) : 0));
  const pages = 1 + Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  let next = 0;
  const given = kernel.arguments.map((a, position) => {
    const range = sampleRange(a);
    if (range === undefined) throw new RangeError(`${kernel.name}: an argument of no known range`);
    if (a.kind === "scalar")
      return typeof range === "object" && "value" in range ? range.value : Math.SQRT1_2;
    const offset = next;
    next += sizes[position]!;
    fill(memory, offset, a.buffer, range, random);
    return offset;
  });
  return { memory, arguments: given };
}

function guardedBytes(buffer: Buffer): number {
  return 64 * Math.ceil((sampleLength(buffer) * byteSize(buffer.element) + guardBytes) / 64);
}

function fill(
  { buffer: bytes }: WebAssembly.Memory,
  offset: number,
  buffer: Buffer,
  range: SampleRange,
  random: Random,
): void {
  const length = sampleLength(buffer);
  if (buffer.element === "f32" || buffer.element === "f64") {
    const view = buffer.element === "f32" ? Float32Array : Float64Array;
    const floats = new view(bytes, offset, length);
    for (let k = 0; k < length; k++) {
      const number = random.gaussian();
      floats[k] = range === "positive" ? Math.abs(number) : number;
    }
    return;
  }
  if (typeof range === "object" && "table" in range) {
    new Int32Array(bytes, offset, length).set(range.table());
    return;
  }
  const below = typeof range === "object" && "below" in range ? range.below : 2 ** 32;
  const integers = new Uint32Array(bytes, offset, Math.ceil((length * byteSize(buffer.element)) / 4));
  for (let k = 0; k < integers.length; k++) integers[k] = random.integer(below);
}
