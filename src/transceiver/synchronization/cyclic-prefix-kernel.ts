import {
  arith,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  type Operand,
  scf,
  treeReduce,
  type Value,
  vector,
  vectorOf,
} from "../../compiler/index.js";
import { multiplyConjugate, split } from "../complex-lanes.js";

/** What the kernels that compare a cyclic prefix with the end of its symbol are specialized on. */
export interface CyclicPrefixShape {
  /** Samples that are compared. */
  readonly count: number;
  /** Samples of a symbol's body: the distance of what is compared. */
  readonly distance: number;
  readonly lanes: number;
}

/**
 * conj(x[n])·x[n + distance] and the mean energy of both for some consecutive samples, for `lanes` n from `n` on.
 */
function compare(from: Parameters<typeof vector.load>[0], n: Operand, shape: CyclicPrefixShape): Value[] {
  const { distance, lanes } = shape;
  const at = arith.muli(indexSum(n, 0), 2);
  const load = (offset: number) =>
    split(
      vector.load(from, indexSum(at, 2 * offset), lanes),
      vector.load(from, indexSum(at, 2 * offset + lanes), lanes),
    );
  const [early, late] = [load(0), load(distance)];
  const product = multiplyConjugate(early, late);
  const energies = [early, late].map(({ re, im }) => arith.addf(arith.mulf(re, re), arith.mulf(im, im)));
  return [product.re, product.im, arith.mulf(arith.addf(energies[0]!, energies[1]!), 0.5)];
}

/**
 * Adds to products: `run(samples, products)` gives `products[0][n] += Re conj(x[n])·x[n + distance]`, the imaginary
 * part to `products[1][n]` and the mean energy of the two to `products[2][n]`.
 */
export const cyclicPrefixProductsKernel = kernelBuilder(
  import.meta.url,
  "cyclicPrefixProductsKernel",
  (shape: CyclicPrefixShape): Kernel => {
    const { count, distance, lanes } = shape;
    const shapes = { samples: buffer("f32", 2 * (count + distance)), products: buffer("f32", 3 * count) };
    const name = `cyclic_prefix_products_${count}_${distance}_${lanes}`;
    return kernel(name, shapes, ({ samples, products }) => {
      const sums = (n: Operand): Value[] =>
        compare(samples, n, shape).map((value, part) =>
          arith.addf(vector.load(products, indexSum(n, part * count), lanes), value),
        );
      const whole = count - (count % lanes);
      scf.for(0, whole, lanes, (n) => {
        sums(n).forEach((sum, part) => {
          vector.store(sum, products, indexSum(n, part * count));
        });
      });
      if (whole === count) return;
      const mask = vector.createMask(count - whole, lanes);
      sums(whole).forEach((sum, part) => {
        vector.maskedStore(sum, products, whole + part * count, mask);
      });
    });
  },
);

/**
 * Sums: `run(samples, sums)` gives in `sums` the real part and the imaginary part of Σ conj(x[n])·x[n + distance]
 * over `count` samples, and the sum of the mean energies.
 */
export const cyclicPrefixSumKernel = kernelBuilder(
  import.meta.url,
  "cyclicPrefixSumKernel",
  (shape: CyclicPrefixShape): Kernel => {
    const { count, distance, lanes } = shape;
    const shapes = { samples: buffer("f32", 2 * (count + distance)), sums: buffer("f32", 3) };
    return kernel(`cyclic_prefix_sum_${count}_${distance}_${lanes}`, shapes, ({ samples, sums }) => {
      const zero = arith.constant(vectorOf("f32", lanes), 0);
      const whole = count - (count % lanes);
      let total = scf.for(0, whole, lanes, [zero, zero, zero], (n, carried) =>
        compare(samples, n, shape).map((value, part) => arith.addf(carried[part]!, value)),
      );
      if (whole < count) {
        const mask = vector.createMask(count - whole, lanes);
        const rest = compare(samples, whole, shape).map((value) => arith.select(mask, value, zero));
        total = total.map((sum, part) => arith.addf(sum, rest[part]!));
      }
      total.forEach((sum, part) => {
        memref.store(treeReduce(sum, arith.addf), sums, part);
      });
    });
  },
);
