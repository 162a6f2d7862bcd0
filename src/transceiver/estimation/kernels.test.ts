import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testTargets } from "../../../test/targets.js";
import type { Kernel, Target } from "../../compiler/index.js";
import { correlationKernel } from "./correlation-kernel.js";
import { delayRotationKernel, ROTATION_BASE, subcarrierStride } from "./delay-rotation-kernel.js";
import { despreadingKernel } from "./despreading-kernel.js";
import { filterLength, frequencyFilterKernel, subspaceEnergyKernel } from "./frequency-filter-kernel.js";
import { lowPaprPilotsKernel } from "./low-papr-pilots-kernel.js";
import { pilotStride, pilotsKernel } from "./pilots-kernel.js";
import { timeInterpolationKernel } from "./time-interpolation-kernel.js";

const seed = 38_211_642;
const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
const GUARD = 12_345;

/** Buffers one after the other, each followed by 64 bytes of NaN, which kernels may read, and by what they must not change. */
function arena(sizes: readonly number[]) {
  let offset = 1024;
  const views = sizes.map((size) => {
    const view = new Float32Array(memory.buffer, offset, size + 32);
    view.fill(NaN, size, size + 16).fill(GUARD, size + 16);
    offset += 4 * (size + 32);
    return view;
  });
  return {
    views: views.map((view, index) => view.subarray(0, sizes[index])),
    offsets: views.map((view) => view.byteOffset),
    intact: () => views.every((view, i) => view.subarray(sizes[i]! + 16).every((value) => value === GUARD)),
  };
}

const compiled = new Map<string, (...arguments_: number[]) => number | undefined>();
function run(target: Target, kernel: Kernel, ...values: number[]): number | undefined {
  const key = `${target.name} ${kernel.name}`;
  const call = compiled.get(key) ?? target.compile(kernel, memory);
  compiled.set(key, call);
  return call(...values);
}
const laneCounts = fc.constantFrom(4, 8, 16);

const blockCounts = fc.integer({ min: 1, max: 9 });
const types = fc.constantFrom(1 as const, 2 as const);
const perBlock = (type: 1 | 2) => (type === 1 ? 6 : 4);
const numbers = fc.infiniteStream(fc.double({ min: -4, max: 4, noNaN: true }));
const edges = fc.infiniteStream(fc.constantFrom(0, -0, 1, -3, 1e-38, 1e30, NaN, Infinity));
const runs = { numRuns: 40, seed };

function fill(view: Float32Array, stream: Stream): void {
  for (let k = 0; k < view.length; k++) view[k] = stream.next().value;
}
type Stream = { next(): { value: number } };

/** Equal within `bound`, or both not finite. */
function expectNear(found: ArrayLike<number>, wanted: readonly number[], bound: number): void {
  wanted.forEach((value, k) => {
    if (Number.isFinite(value) && Math.abs(value) < 3e38)
      expect(Math.abs(found[k]! - value)).toBeLessThanOrEqual(bound);
    else expect(Number.isFinite(found[k]!) && Math.abs(found[k]!) < 1e38).toBe(false);
  });
}

/** Pilots of a row of planes, with zeros after the last. */
function fillRow(view: Float32Array, pilots: number, stream: Stream): void {
  const stride = pilotStride(pilots);
  view.fill(0);
  for (const plane of [0, stride]) fill(view.subarray(plane, plane + pilots), stream);
}

describe.each(testTargets)("pilots kernel on $name", (target) => {
  it.each([
    ["numbers", numbers],
    ["edge values", edges],
  ] as const)("multiplies by the conjugate of the sequence: %s", (_, stream) => {
    fc.assert(
      fc.property(
        types,
        blockCounts,
        fc.constantFrom(0, 1),
        stream,
        fc.infiniteStream(fc.integer()),
        laneCounts,
        (type, blocks, odd, values, words, lanes) => {
          const delta = type === 1 ? odd : 2 * odd;
          const count = perBlock(type) * blocks;
          const stride = pilotStride(count);
          const { views, offsets, intact } = arena([24 * blocks, Math.ceil(count / 16), 2 * stride]);
          const [row, bits, out] = views as [Float32Array, Float32Array, Float32Array];
          fill(row, values);
          const sequence = new Int32Array(bits.buffer, bits.byteOffset, bits.length);
          for (let k = 0; k < sequence.length; k++) sequence[k] = words.next().value;
          const amplitude = Math.SQRT2;
          const [at, to] = [offsets[0]! + 8 * delta, offsets[2]!];
          const kernel = pilotsKernel(type, lanes);
          run(target, kernel, at, offsets[1]!, to, count, stride, Math.SQRT1_2 / amplitude);
          for (let m = 0; m < count; m++) {
            const k = 2 * (delta + (type === 1 ? 2 * m : 6 * (m >> 1) + (m & 1)));
            const bit = (n: number) => (sequence[n >> 5]! >>> (n & 31)) & 1;
            const [re, im] = [1 - 2 * bit(2 * m), 1 - 2 * bit(2 * m + 1)];
            const wanted = [(row[k]! * re + row[k + 1]! * im) / 2, (row[k + 1]! * re - row[k]! * im) / 2];
            const bound = 2 ** -22 * (Math.abs(row[k]!) + Math.abs(row[k + 1]!)) + 1e-44;
            expectNear([out[m]!, out[stride + m]!], wanted, Number.isFinite(bound) ? bound : 0);
          }
          for (let m = count; m < 4 * Math.ceil(count / 4); m++)
            expect([out[m], out[stride + m]]).toEqual([0, 0]);
          expect(intact()).toBe(true);
        },
      ),
      runs,
    );
  });
});

describe.each(testTargets)("low-PAPR pilots kernel on $name", (target) => {
  it.each([
    ["numbers", numbers],
    ["edge values", edges],
  ] as const)("multiplies by the conjugate of the sequence: %s", (_, stream) => {
    fc.assert(
      fc.property(
        blockCounts,
        fc.constantFrom(0, 1),
        stream,
        fc.infiniteStream(fc.double({ min: 0, max: 7, noNaN: true })),
        laneCounts,
        (blocks, delta, values, angles, lanes) => {
          const count = 6 * blocks;
          const stride = pilotStride(count);
          const { views, offsets, intact } = arena([24 * blocks, 2 * count, 2 * stride]);
          const [row, sequence, out] = views as [Float32Array, Float32Array, Float32Array];
          fill(row, values);
          for (let m = 0; m < count; m++) {
            const angle = angles.next().value as number;
            sequence.set([Math.cos(angle), Math.sin(angle)], 2 * m);
          }
          const kernel = lowPaprPilotsKernel(lanes);
          run(target, kernel, offsets[0]! + 8 * delta, offsets[1]!, offsets[2]!, count, stride, 0.5);
          for (let m = 0; m < count; m++) {
            const k = 2 * (delta + 2 * m);
            const [re, im] = [sequence[2 * m]!, sequence[2 * m + 1]!];
            const wanted = [(row[k]! * re + row[k + 1]! * im) / 2, (row[k + 1]! * re - row[k]! * im) / 2];
            const bound = 2 ** -22 * (Math.abs(row[k]!) + Math.abs(row[k + 1]!)) + 1e-44;
            expectNear([out[m]!, out[stride + m]!], wanted, Number.isFinite(bound) ? bound : 0);
          }
          for (let m = count; m < 4 * Math.ceil(count / 4); m++)
            expect([out[m], out[stride + m]]).toEqual([0, 0]);
          expect(intact()).toBe(true);
        },
      ),
      runs,
    );
  });
});

describe.each(testTargets)("correlation kernel on $name", (target) => {
  it("sums b·conj(a), at a lag too, for any number of lanes", () => {
    fc.assert(
      fc.property(
        types,
        blockCounts,
        fc.integer({ min: 0, max: 12 }),
        laneCounts,
        numbers,
        (type, blocks, lag, lanes, values) => {
          const count = perBlock(type) * blocks;
          const stride = pilotStride(count);
          const { views, offsets, intact } = arena([2 * stride, 2]);
          const [row, sum] = views as [Float32Array, Float32Array];
          fillRow(row, count, values);
          const [at, to] = offsets as [number, number];
          run(target, correlationKernel(lanes), at, at + 4 * lag, to, count, stride);
          let [re, im] = [0, 0];
          for (let m = 0; m + lag < count; m++) {
            const [aRe, aIm] = [row[m]!, row[stride + m]!];
            const [bRe, bIm] = [row[m + lag]!, row[stride + m + lag]!];
            re += bRe * aRe + bIm * aIm;
            im += bIm * aRe - bRe * aIm;
          }
          expectNear(sum, [re, im], 2 ** -24 * count * 32 * 2);
          expect(intact()).toBe(true);
        },
      ),
      runs,
    );
  });
});

describe.each(testTargets)("delay rotation kernel on $name", (target) => {
  it("multiplies each block's rotor with the base", () => {
    fc.assert(
      fc.property(blockCounts, laneCounts, numbers, (blocks, lanes, values) => {
        const stride = subcarrierStride(blocks);
        const { views, offsets, intact } = arena([2 * blocks, 2 * ROTATION_BASE, 2 * stride]);
        const [rotors, base, out] = views as [Float32Array, Float32Array, Float32Array];
        fill(rotors, values);
        fill(base, values);
        run(target, delayRotationKernel(lanes), ...offsets, blocks, stride);
        for (let k = 0; k < 12 * blocks; k++) {
          const [re, im] = [rotors[2 * Math.floor(k / 12)]!, rotors[2 * Math.floor(k / 12) + 1]!];
          const [baseRe, baseIm] = [base[k % 12]!, base[ROTATION_BASE + (k % 12)]!];
          const wanted = [re * baseRe - im * baseIm, re * baseIm + im * baseRe];
          expectNear([out[k]!, out[stride + k]!], wanted, 2 ** -22 * 32);
        }
        expect(intact()).toBe(true);
      }),
      runs,
    );
  });
});

describe.each(testTargets)("despreading kernel on $name", (target) => {
  it("adds the weighted symbols and takes the rotation off", () => {
    fc.assert(
      fc.property(
        types,
        fc.constantFrom(1 as const, 2 as const),
        blockCounts,
        fc.constantFrom(0, 1),
        laneCounts,
        numbers,
        (type, length, blocks, odd, lanes, values) => {
          const delta = type === 1 ? odd : 2 * odd;
          const count = perBlock(type) * blocks;
          const [stride, turnStride] = [pilotStride(count), subcarrierStride(blocks)];
          const { views, offsets, intact } = arena([
            2 * stride,
            2 * stride,
            2 * length,
            2 * turnStride,
            2 * stride,
          ]);
          const [first, second, factors, rotation, out] = views as Float32Array[];
          fillRow(first!, count, values);
          fillRow(second!, count, values);
          fill(factors!, values);
          fill(rotation!, values);
          const places = [...offsets];
          places[3]! += 4 * delta;
          run(target, despreadingKernel(type, length, lanes), ...places, count, stride, turnStride);
          for (let m = 0; m < count; m++) {
            let [re, im] = [0, 0];
            [first!, second!].slice(0, length).forEach((row, symbol) => {
              const [a, b] = [factors![2 * symbol]!, factors![2 * symbol + 1]!];
              re += row[m]! * a - row[stride + m]! * b;
              im += row[m]! * b + row[stride + m]! * a;
            });
            const k = delta + (type === 1 ? 2 * m : 6 * (m >> 1) + (m & 1));
            const [turnRe, turnIm] = [rotation![k]!, rotation![turnStride + k]!];
            const wanted = [re * turnRe + im * turnIm, im * turnRe - re * turnIm];
            expectNear([out![m]!, out![stride + m]!], wanted, 2 ** -20 * 4 * 4 * 4 * 4);
          }
          expect(intact()).toBe(true);
        },
      ),
      runs,
    );
  });
});

describe.each(testTargets)("frequency filter kernel on $name", (target) => {
  it("combines the pilots of the window of each block and puts the rotation on", () => {
    fc.assert(
      fc.property(types, blockCounts, laneCounts, numbers, (type, blocks, lanes, values) => {
        const pilots = perBlock(type);
        const [stride, outStride] = [pilotStride(pilots * blocks), subcarrierStride(blocks)];
        const length = filterLength(pilots, blocks);
        const { views, offsets, intact } = arena([2 * stride, length, 2 * outStride, 2 * outStride]);
        const [row, coefficients, rotation, out] = views as Float32Array[];
        fillRow(row!, pilots * blocks, values);
        fill(coefficients!, values);
        fill(rotation!, values);
        const window = Math.min(3, blocks);
        const kernel = frequencyFilterKernel(pilots, window, lanes);
        run(target, kernel, ...offsets, blocks, stride, outStride);
        for (let k = 0; k < 12 * blocks; k++) {
          const block = Math.floor(k / 12);
          const start = Math.max(0, Math.min(block - 1, blocks - window));
          const variant = block === 0 ? 0 : block === blocks - 1 ? 2 : 1;
          let [re, im] = [0, 0];
          for (let tap = 0; tap < pilots * window; tap++) {
            const weight = coefficients![12 * (variant * pilots * window + tap) + (k % 12)]!;
            re += weight * row![start * pilots + tap]!;
            im += weight * row![stride + start * pilots + tap]!;
          }
          const [turnRe, turnIm] = [rotation![k]!, rotation![outStride + k]!];
          const wanted = [re * turnRe - im * turnIm, re * turnIm + im * turnRe];
          expectNear([out![k]!, out![outStride + k]!], wanted, 2 ** -24 * 20 * 18 * 64 * 2);
        }
        expect(intact()).toBe(true);
      }),
      runs,
    );
  });
});

describe.each(testTargets)("subspace energy kernel on $name", (target) => {
  it("is the energy of the projections over all windows, the last one aligned to the end", () => {
    fc.assert(
      fc.property(
        types,
        blockCounts,
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom([4, 4], [8, 8], [12, 4], [32, 16]),
        numbers,
        (type, blocks, wide, [vectors, lanes], values) => {
          const pilots = perBlock(type);
          const window = Math.min(wide, blocks);
          const stride = pilotStride(pilots * blocks);
          const { views, offsets, intact } = arena([2 * stride, pilots * window * vectors!, 1]);
          const [row, basis, energy] = views as [Float32Array, Float32Array, Float32Array];
          fillRow(row, pilots * blocks, values);
          fill(basis, values);
          run(target, subspaceEnergyKernel(pilots, window, vectors!, lanes!), ...offsets, blocks, stride);
          let wanted = 0;
          for (let w = 0; w < Math.ceil(blocks / window); w++) {
            const start = pilots * Math.min(w * window, blocks - window);
            for (let vector = 0; vector < vectors!; vector++)
              for (const plane of [0, stride]) {
                let sum = 0;
                for (let tap = 0; tap < pilots * window; tap++)
                  sum += basis[tap * vectors! + vector]! * row[plane + start + tap]!;
                wanted += sum * sum;
              }
          }
          expect(Math.abs(energy[0]! - wanted)).toBeLessThanOrEqual(1e-4 * wanted + 1e-2);
          expect(intact()).toBe(true);
        },
      ),
      runs,
    );
  });
});

describe.each(testTargets)("time interpolation kernel on $name", (target) => {
  it.each([1, 2, 3, 4, 8])("combines %i positions and turns each symbol", (positions) => {
    fc.assert(
      fc.property(
        fc.oneof(blockCounts, fc.constant(70)),
        fc.integer({ min: 1, max: 3 }),
        laneCounts,
        numbers,
        (blocks, symbols, lanes, values) => {
          const stride = subcarrierStride(blocks);
          const { views, offsets, intact } = arena([
            2 * stride * positions,
            symbols * positions,
            2 * symbols,
            24 * symbols * blocks,
          ]);
          const [rows, weights, turns, out] = views as Float32Array[];
          fill(rows!.subarray(0, 97), values);
          for (let k = 97; k < rows!.length; k++) rows![k] = rows![k % 97]! + k / rows!.length;
          fill(weights!, values);
          fill(turns!, values);
          const kernel = timeInterpolationKernel(positions, lanes);
          run(target, kernel, ...offsets, symbols, blocks, stride);
          for (let symbol = 0; symbol < symbols; symbol++)
            for (let k = 0; k < 12 * blocks; k++) {
              let [re, im] = [0, 0];
              for (let position = 0; position < positions; position++) {
                const weight = weights![symbol * positions + position]!;
                re += weight * rows![2 * stride * position + k]!;
                im += weight * rows![2 * stride * position + stride + k]!;
              }
              const [turnRe, turnIm] = [turns![2 * symbol]!, turns![2 * symbol + 1]!];
              const at = 2 * (symbol * 12 * blocks + k);
              const wanted = [re * turnRe - im * turnIm, re * turnIm + im * turnRe];
              const bound = 2 ** -24 * positions * 4 * 5 * 8 * 10;
              if (Math.abs(out![at]! - wanted[0]!) > bound || Math.abs(out![at + 1]! - wanted[1]!) > bound)
                expectNear(out!.subarray(at, at + 2), wanted, bound);
            }
          expect(intact()).toBe(true);
        },
      ),
      { numRuns: 8, seed },
    );
  });
});
