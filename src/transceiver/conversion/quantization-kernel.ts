import {
  arith,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  math,
  type Operand,
  scf,
  type Value,
  vector,
} from "../../compiler/index.js";

/** Calls `body` for vectors of `lanes` numbers, the last one with a mask where it is not whole. */
function vectors(count: number, lanes: number, body: (at: Operand, mask: Value | undefined) => void): void {
  const whole = count - (count % lanes);
  scf.for(0, whole, lanes, (at) => body(at, undefined));
  if (whole < count) body(whole, vector.createMask(count - whole, lanes));
}

/**
 * A number of `bits` bits, amplitude 1 being full scale: the nearest (ties to even) step in -2^(bits-1) to 2^(bits-1)
 * - 1, beyond which it clips; what is not a number is 0.
 */
function step(value: Value, bits: number): Value {
  const scale = 2 ** (bits - 1);
  const rounded = math.roundeven(arith.mulf(value, scale));
  const above = arith.select(arith.cmpf("olt", rounded, -scale), -scale, rounded);
  const within = arith.select(arith.cmpf("ogt", above, scale - 1), scale - 1, above);
  return arith.select(arith.cmpf("ord", within, within), within, 0);
}

/** Quantizes: `run(from, to)` gives each of `count` numbers as a converter of `bits` bits gives it, full scale 1. */
export const quantizationKernel = kernelBuilder(
  import.meta.url,
  "quantizationKernel",
  (count: number, bits: number, lanes: number): Kernel => {
    const shapes = { from: buffer("f32", count), to: buffer("f32", count) };
    return kernel(`quantization_${count}_${bits}_${lanes}`, shapes, ({ from, to }) => {
      vectors(count, lanes, (at, mask) => {
        const value = arith.mulf(step(vector.load(from, at, lanes), bits), 2 ** (1 - bits));
        if (mask) vector.maskedStore(value, to, at, mask);
        else vector.store(value, to, at);
      });
    });
  },
);

/** Fixed point to floating point: `run(from, to)` divides each of `count` numbers by 2^15. */
export const fixedToFloatKernel = kernelBuilder(
  import.meta.url,
  "fixedToFloatKernel",
  (count: number, lanes: number): Kernel => {
    const shapes = { from: buffer("i16", count), to: buffer("f32", count) };
    return kernel(`fixed_to_float_${count}_${lanes}`, shapes, ({ from, to }) => {
      vectors(count, lanes, (at, mask) => {
        const wide = arith.extsi(vector.load(from, at, lanes), "i32");
        const value = arith.mulf(arith.sitofp(wide, "f32"), 2 ** -15);
        if (mask) vector.maskedStore(value, to, at, mask);
        else vector.store(value, to, at);
      });
    });
  },
);

/** Floating point to fixed point: `run(from, to)` gives each of `count` numbers times 2^15, rounded and clipped. */
export const floatToFixedKernel = kernelBuilder(
  import.meta.url,
  "floatToFixedKernel",
  (count: number, lanes: number): Kernel => {
    const shapes = { from: buffer("f32", count), to: buffer("i16", count) };
    return kernel(`float_to_fixed_${count}_${lanes}`, shapes, ({ from, to }) => {
      vectors(count, lanes, (at, mask) => {
        const value = arith.trunci(arith.fptosi(step(vector.load(from, at, lanes), 16), "i32"), "i16");
        if (mask) vector.maskedStore(value, to, at, mask);
        else vector.store(value, to, at);
      });
    });
  },
);
