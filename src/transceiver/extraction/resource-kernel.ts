import {
  arith,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  scf,
  vector,
} from "../../compiler/index.js";

/**
 * Scatters complex numbers: `run(from, indices, to)` gives `to[indices[k]] = from[k]` for `count` of them;
 * TS 38.211 6.3.1.6 where the indices are those of data resource elements in a symbol.
 */
export const scatterKernel = kernelBuilder(
  import.meta.url,
  "scatterKernel",
  (count: number, length: number): Kernel => {
    const shapes = {
      from: buffer("f32", 2 * count),
      indices: buffer("i32", count),
      to: buffer("f32", 2 * length),
    };
    return kernel(`scatter_resources_${count}_${length}`, shapes, ({ from, indices, to }) => {
      scf.for(0, count, 1, (k) => {
        const at = arith.muli(arith.indexCast(memref.load(indices, k), "index"), 2);
        const start = arith.muli(k, 2);
        memref.store(memref.load(from, start), to, at);
        memref.store(memref.load(from, arith.addi(start, 1)), to, arith.addi(at, 1));
      });
    });
  },
);

/** Adds to numbers in memory: `run(from, to)` gives `to[k] += from[k]` for `count` of them. */
export const accumulateKernel = kernelBuilder(
  import.meta.url,
  "accumulateKernel",
  (count: number, lanes: number): Kernel => {
    const shapes = { from: buffer("f32", count), to: buffer("f32", count) };
    return kernel(`accumulate_${count}_${lanes}`, shapes, ({ from, to }) => {
      const whole = count - (count % lanes);
      scf.for(0, whole, lanes, (k) => {
        vector.store(arith.addf(vector.load(to, k, lanes), vector.load(from, k, lanes)), to, k);
      });
      if (whole === count) return;
      const sum = arith.addf(vector.load(to, whole, lanes), vector.load(from, whole, lanes));
      vector.maskedStore(sum, to, whole, vector.createMask(count - whole, lanes));
    });
  },
);
