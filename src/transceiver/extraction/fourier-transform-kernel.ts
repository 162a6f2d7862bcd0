import {
  arith,
  type Buffer,
  buffer,
  indexSum,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  type Operand,
  scf,
  type Value,
  vector,
} from "../../compiler/index.js";
import { type Complex, multiply, split } from "../complex-lanes.js";
import { transformPoints, transpose } from "./butterflies.js";
import {
  type ComplexLayout,
  type FourierTransform,
  type Pass,
  planTransform,
  transformWorkLength,
} from "./fourier-transform.js";

/** Passes of so few vectors a sub-transform are written out instead of looped over. */
const UNROLLED_VECTORS = 4;

/**
 * The discrete Fourier transform of one size, X(k) = Σ x(n)·e^(j·sign·2πnk/N), not scaled:
 * `run(from, work, table, to)` with `transformWorkLength(size)` numbers of work memory and the table of
 * `transformTable`. `from` is not changed and may lie anywhere; it must not overlap `work` or `to`.
 */
export const fourierTransformKernel = kernelBuilder(
  import.meta.url,
  "fourierTransformKernel",
  (transform: FourierTransform): Kernel => {
    const { size, sign, input, output } = transform;
    const { lanes, columns, passes, lastTable, tableLength } = planTransform(size, transform.lanes);
    const name = `fourier_transform_${size}_${sign === 1 ? "inverse" : "forward"}_${input}_${output}_${lanes}`;
    const shapes = {
      from: buffer("f32", 2 * size),
      work: buffer("f32", transformWorkLength(size)),
      table: buffer("f32", tableLength),
      to: buffer("f32", 2 * size),
    };
    return kernel(name, shapes, ({ from, work, table, to }) => {
      const halves: Memory[] = [0, 1].map((half) => ({
        buffer: work,
        layout: "planes",
        start: half * 2 * size,
        size,
      }));
      let source: Memory = { buffer: from, layout: input, start: 0, size };
      passes.forEach((pass, index) => {
        const target = halves[index & 1]!;
        runPass(pass, source, target, table, lanes, sign);
        source = target;
      });
      const target: Memory = { buffer: to, layout: output, start: 0, size };
      scf.for(0, columns, lanes, (group) => {
        // After the passes, result k of the column in lane b lies at k·lanes + b.
        const rows = Array.from({ length: lanes }, (_, row) =>
          loadComplex(source, indexSum(arith.muli(group, lanes), row * lanes), lanes),
        );
        const re = transpose(rows.map((row) => row.re));
        const im = transpose(rows.map((row) => row.im));
        const tableStart = arith.muli(group, 2 * (lanes - 1));
        const turned = re.map((part, lane) => {
          const value = { re: part, im: im[lane]! };
          if (lane === 0) return value;
          const at = lastTable + 2 * (lane - 1) * lanes;
          return multiply(value, {
            re: vector.load(table, indexSum(tableStart, at), lanes),
            im: vector.load(table, indexSum(tableStart, at + lanes), lanes),
          });
        });
        transformPoints(turned, sign).forEach((value, j) => {
          storeComplex(value, target, indexSum(group, j * columns));
        });
      });
    });
  },
);

/** Complex numbers in a buffer, from number `start` on. */
interface Memory {
  readonly buffer: Buffer;
  readonly layout: ComplexLayout;
  readonly start: number;
  readonly size: number;
}

function loadComplex({ buffer: from, layout, start, size }: Memory, index: Value, lanes: number): Complex {
  if (layout === "planes") {
    return {
      re: vector.load(from, indexSum(index, start), lanes),
      im: vector.load(from, indexSum(index, start + size), lanes),
    };
  }
  const at = arith.muli(index, 2);
  return split(
    vector.load(from, indexSum(at, start), lanes),
    vector.load(from, indexSum(at, start + lanes), lanes),
  );
}

function storeComplex({ re, im }: Complex, { buffer: to, layout, start, size }: Memory, index: Value): void {
  if (layout === "planes") {
    vector.store(re, to, indexSum(index, start));
    vector.store(im, to, indexSum(index, start + size));
  } else vector.store(vector.interleave(re, im), to, indexSum(arith.muli(index, 2), start));
}

function runPass(
  { radix, rest, stride, table: tableStart }: Pass,
  source: Memory,
  target: Memory,
  table: Buffer,
  lanes: number,
  sign: -1 | 1,
): void {
  /** Transforms the points at `p` of one vector of sub-transforms, which begins at `q`. */
  const butterfly = (from: Operand, to: Operand, q: Operand, factors: readonly Complex[]): void => {
    const points = Array.from({ length: radix }, (_, k) =>
      loadComplex(source, indexSum(indexSum(from, q), stride * rest * k), lanes),
    );
    transformPoints(points, sign).forEach((value, j) => {
      const factor = factors[j - 1];
      storeComplex(factor ? multiply(value, factor) : value, target, indexSum(indexSum(to, q), stride * j));
    });
  };
  const vectors = (from: Operand, to: Operand, factors: readonly Complex[]): void => {
    if (stride / lanes > UNROLLED_VECTORS) scf.for(0, stride, lanes, (q) => butterfly(from, to, q, factors));
    else for (let q = 0; q < stride; q += lanes) butterfly(from, to, q, factors);
  };
  if (rest === 1) {
    vectors(0, 0, []);
    return;
  }
  scf.for(0, rest, 1, (p) => {
    const at = arith.muli(p, 2 * (radix - 1));
    const splat = (index: number): Value =>
      vector.broadcast(memref.load(table, indexSum(at, tableStart + index)), lanes);
    const factors = Array.from({ length: radix - 1 }, (_, j) => ({ re: splat(2 * j), im: splat(2 * j + 1) }));
    vectors(arith.muli(p, stride), arith.muli(p, stride * radix), factors);
  });
}
