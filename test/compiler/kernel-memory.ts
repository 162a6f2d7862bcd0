import { byteSize, type Kernel, type Buffer as KernelBuffer } from "../../src/compiler/index.js";
import { sampleLength } from "../../src/transceiver/sample-arguments.js";

/** Memory for one kernel's buffers, filled at random, and what a run left in it. */

type Numbers = Int8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;

const views = {
  i8: Int8Array,
  i16: Int16Array,
  i32: Int32Array,
  i64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

/** Kernels may read this much past a buffer's end, and write nothing there. */
const guardBytes = 128;

/** Where the buffers of a kernel stand, by position, and where the last one's guard ends. */
export function placeBuffers(kernel: Kernel): { offsets: number[]; bytes: number } {
  let next = guardBytes;
  const offsets = kernel.arguments.map((a) => {
    if (a.kind !== "buffer") return 0;
    const here = next;
    const bytes = sampleLength(a.buffer) * byteSize(a.buffer.element);
    next += Math.ceil((bytes + guardBytes) / 64) * 64;
    return here;
  });
  return { offsets, bytes: next };
}

/** The elements of a buffer in memory. */
export function elementsOf(memory: ArrayBufferLike, buffer: KernelBuffer, offset: number): Numbers {
  const view = views[buffer.element as keyof typeof views];
  return new view(memory as ArrayBuffer, offset, sampleLength(buffer));
}

/** The first buffer behind which bytes are no longer 0. */
export function damagedGuard(
  kernel: Kernel,
  offsets: readonly number[],
  memory: ArrayBufferLike,
): string | undefined {
  for (const [position, a] of kernel.arguments.entries()) {
    if (a.kind !== "buffer") continue;
    const end = offsets[position]! + sampleLength(a.buffer) * byteSize(a.buffer.element);
    const guard = new Uint8Array(memory, end, guardBytes);
    if (guard.some((byte) => byte !== 0)) return `${kernel.name} writes behind ${a.buffer.name}`;
  }
  return undefined;
}

/** A seeded generator of whole numbers of 32 bits (mulberry32). */
export function randomWords(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

const edgeFloats = [0, -0, 1, -1, 0.5, -2.5, 1e-30, 3e38, -1e-40, Infinity, -Infinity, NaN];

/** One number of a type: every fourth from the ends of its range. Floats are finite and moderate unless `edges`. */
export function randomNumber(element: string, next: () => number, edges: boolean): number | bigint {
  const kind = next() % 4;
  if (element === "f32" || element === "f64") {
    if (edges && kind === 0) return edgeFloats[next() % edgeFloats.length]!;
    const uniform = () => (next() + 0.5) / 2 ** 32;
    return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()) * (edges ? 50 : 1);
  }
  const bits = byteSize(element as "i8") * 8;
  const ends = [0n, 1n, -1n, (1n << BigInt(bits - 1)) - 1n, -(1n << BigInt(bits - 1))];
  const drawn = kind === 0 ? ends[next() % ends.length]! : (BigInt(next()) << 32n) | BigInt(next());
  const value = BigInt.asIntN(bits, drawn);
  return element === "i64" ? value : Number(value);
}

function bytesOf(numbers: Numbers): Buffer {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** The first place where two memories differ in a buffer; floats that are no numbers are equal. */
export function firstDifference(
  kernel: Kernel,
  offsets: readonly number[],
  got: ArrayBufferLike,
  wanted: ArrayBufferLike,
  near: (element: string, a: number, b: number) => boolean = () => false,
): string | undefined {
  for (const [position, a] of kernel.arguments.entries()) {
    if (a.kind !== "buffer") continue;
    const x = elementsOf(got, a.buffer, offsets[position]!);
    const y = elementsOf(wanted, a.buffer, offsets[position]!);
    if (Buffer.compare(bytesOf(x), bytesOf(y)) === 0) continue;
    for (let k = 0; k < x.length; k++) {
      const [p, q] = [x[k]!, y[k]!];
      if (Object.is(p, q) || near(a.buffer.element, Number(p), Number(q))) continue;
      return `${kernel.name}: ${a.buffer.name}[${k}] is ${p}, wanted ${q}`;
    }
  }
  return undefined;
}
