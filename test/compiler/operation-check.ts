import fc from "fast-check";
import { describe, expect } from "vitest";
import {
  buffer,
  byteSize,
  kernel,
  memref,
  type Target,
  type Value,
  vector,
  wasmTarget,
} from "../../src/compiler/index.js";
import { llvm, withoutLlvm } from "./llvm-target.js";

/** One operation compiled for a target, run on drawn values, against a reference in TypeScript. */

export const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
/** Byte offsets of the buffers. */
export const [A, B, C, D] = [1024, 9216, 17408, 25600];

type Array_ = Int8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;
const views = {
  i8: Int8Array,
  i16: Int16Array,
  i32: Int32Array,
  i64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;
export type Stored = keyof typeof views;

export function view(element: Stored, offset: number, length: number): Array_ {
  return new views[element](memory.buffer, offset, length);
}

export const laneCounts = [0, 1, 2, 4, 8, 16, 32, 64];
export const integers: Stored[] = ["i8", "i16", "i32", "i64"];
export const floats: Stored[] = ["f32", "f64"];
export const bitsOf = (e: Stored): number => byteSize(e) * 8;

export function edgeIntegers(e: Stored): bigint[] {
  const n = BigInt(bitsOf(e));
  return [
    0n,
    1n,
    -1n,
    2n,
    -2n,
    7n,
    -(1n << (n - 1n)),
    (1n << (n - 1n)) - 1n,
    1n << (n / 2n),
    -(1n << (n / 2n)) - 1n,
  ];
}
export const edgeFloats = [
  0,
  -0,
  1,
  -1,
  0.5,
  1.5,
  2.5,
  -2.5,
  1e-30,
  3e38,
  -3e38,
  Infinity,
  -Infinity,
  NaN,
  1 / 3,
  65504.3,
];

export function arbitrary(e: Stored): fc.Arbitrary<bigint | number> {
  if (e === "f32") return fc.oneof(fc.constantFrom(...edgeFloats.map(Math.fround)), fc.float());
  if (e === "f64") return fc.oneof(fc.constantFrom(...edgeFloats), fc.double());
  const n = BigInt(bitsOf(e));
  return fc.oneof(fc.constantFrom(...edgeIntegers(e)), fc.bigInt(-(1n << (n - 1n)), (1n << (n - 1n)) - 1n));
}

export function write(e: Stored, offset: number, values: readonly (bigint | number)[]): void {
  const v = view(e, offset, values.length);
  values.forEach((x, k) => {
    v[k] = (e === "i64" ? BigInt(x) : Number(x)) as never;
  });
}

export function read(e: Stored, offset: number, length: number): (bigint | number)[] {
  return Array.from(view(e, offset, length) as ArrayLike<bigint | number>, (x) =>
    e === "f32" || e === "f64" ? (x as number) : BigInt(x),
  );
}

/** Builds `c = operation(a, b)` on one vector (or scalar) and runs it on drawn values. */
function check(
  target: Target,
  name: string,
  from: Stored,
  to: Stored,
  lanes: number,
  operation: (a: Value, b: Value) => Value,
  reference: (a: never, b: never) => bigint | number,
  options: {
    runs?: number;
    ulps?: number;
    draw?: fc.Arbitrary<bigint | number>;
    draw2?: fc.Arbitrary<bigint | number>;
  } = {},
): void {
  const count = Math.max(1, lanes);
  const run = target.compile(
    kernel(
      `${name}_${from}_${lanes}`,
      { a: buffer(from, count), b: buffer(from, count), c: buffer(to, count) },
      ({ a, b, c }) => {
        if (lanes === 0) memref.store(operation(memref.load(a, 0), memref.load(b, 0)), c, 0);
        else vector.store(operation(vector.load(a, 0, lanes), vector.load(b, 0, lanes)), c, 0);
      },
    ),
    memory,
  );
  const list = (d: fc.Arbitrary<bigint | number>) => fc.array(d, { minLength: count, maxLength: count });
  const draw = options.draw ?? arbitrary(from);
  fc.assert(
    fc.property(list(draw), list(options.draw2 ?? draw), (x, y) => {
      write(from, A, x);
      write(from, B, y);
      // What lies behind the result must stay.
      write("i8", C + count * byteSize(to), [77, 78]);
      run(A, B, C);
      const got = read(to, C, count);
      const wanted = x.map((v, k) => {
        const w = reference(v as never, y[k] as never);
        if (to === "f32") return Math.fround(Number(w));
        return to === "f64" ? Number(w) : BigInt.asIntN(bitsOf(to), BigInt(w));
      });
      if (options.ulps === undefined) expect(got).toEqual(wanted);
      else
        got.forEach((g, k) => {
          expect(closeEnough(Number(g), Number(wanted[k]), options.ulps!), `${x[k]}: ${g} ${wanted[k]}`).toBe(
            true,
          );
        });
      expect(read("i8", C + count * byteSize(to), 2)).toEqual([77n, 78n]);
    }),
    { numRuns: options.runs ?? 12, seed: 7 },
  );
}

function closeEnough(a: number, b: number, ulps: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b) || !Number.isFinite(a) || !Number.isFinite(b))
    return Object.is(a, b);
  return Math.abs(a - b) <= ulps * 2 ** -23 * Math.max(Math.abs(b), 2 ** -126);
}

export type Big = (a: bigint, b: bigint) => bigint;
export const clamp = (e: Stored, v: bigint, signed: boolean): bigint => {
  const n = BigInt(bitsOf(e));
  const [low, high] = signed ? [-(1n << (n - 1n)), (1n << (n - 1n)) - 1n] : [0n, (1n << n) - 1n];
  return v < low ? low : v > high ? high : v;
};

type CheckArguments = Parameters<typeof check> extends [Target, ...infer Rest] ? Rest : never;

/** Declares the same tests for every target; those of one that is absent are skipped, but fail where CI is set. */
export function onEveryTarget(
  declare: (target: Target, check: (...arguments_: CheckArguments) => void) => void,
): void {
  for (const target of [wasmTarget(), llvm]) {
    describe.skipIf(target === llvm && withoutLlvm)(`target ${target.name}`, () => {
      declare(target, (...arguments_) => check(target, ...arguments_));
    });
  }
}
