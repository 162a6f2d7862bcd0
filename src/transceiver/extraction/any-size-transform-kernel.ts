import { arith, buffer, type Kernel, kernel, kernelBuilder, memref, scf } from "../../compiler/index.js";
import {
  type FourierTransform,
  PLAN_LENGTH,
  passIndex,
  planIndex,
  planTransform,
  transformWorkLength,
} from "./fourier-transform.js";
import { joinLanes, loadComplex, runPass, storeComplex, type TransformMemory } from "./transform-passes.js";

const MOST = 2 ** 24;

/** Points of the transforms that passes are made of. */
const RADICES = [2, 3, 4, 5, 8];

/**
 * The transform of {@link fourierTransformKernel} for all sizes that are joined across as many lanes as that of `transform`,
 * with the same arguments; it reads the sizes from the plan. Finite numbers give the
 * same result, bit for bit where the target does not fuse products and sums.
 */
export const anySizeTransformKernel = kernelBuilder(
  import.meta.url,
  "anySizeTransformKernel",
  (transform: FourierTransform): Kernel => {
    const { sign, input, output } = transform;
    const { lanes } = planTransform(transform.size, transform.lanes);
    return kernel(
      `any_size_transform_${sign === 1 ? "inverse" : "forward"}_${input}_${output}_${lanes}`,
      {
        from: buffer("f32", MOST),
        work: buffer("f32", transformWorkLength(MOST)),
        table: buffer("f32", MOST),
        to: buffer("f32", MOST),
        plan: buffer("i32", PLAN_LENGTH),
      },
      ({ from, work, table, to, plan }) => {
        const number = (at: number) => arith.indexCast(memref.load(plan, at), "index");
        const columns = number(planIndex.columns);
        const size = arith.muli(columns, lanes);
        const halfLength = arith.muli(size, 2);
        const planes = (start: TransformMemory["start"]): TransformMemory => ({
          buffer: work,
          layout: "planes",
          start,
          size,
        });
        const received: TransformMemory = { buffer: from, layout: input, start: 0, size };
        scf.for(0, size, lanes, (at) => storeComplex(loadComplex(received, at, lanes), planes(0), at));
        const passCount = number(planIndex.passCount);
        scf.for(0, passCount, 1, (index) => {
          const first = arith.addi(arith.muli(index, passIndex.length), planIndex.passes);
          const field = (at: number) => arith.indexCast(memref.load(plan, arith.addi(first, at)), "index");
          const odd = arith.remsi(index, 2);
          const source = planes(arith.muli(halfLength, odd));
          const target = planes(arith.subi(halfLength, arith.muli(halfLength, odd)));
          const radix = field(passIndex.radix);
          const operands = {
            rest: field(passIndex.rest),
            stride: field(passIndex.stride),
            table: field(passIndex.table),
          };
          for (const points of RADICES) {
            scf.if(arith.cmpi("eq", radix, points), () => {
              runPass({ radix: points, ...operands }, source, target, table, lanes, sign);
            });
          }
        });
        const last = planes(arith.muli(halfLength, arith.remsi(passCount, 2)));
        const target: TransformMemory = { buffer: to, layout: output, start: 0, size };
        joinLanes({ columns, lastTable: number(planIndex.lastTable) }, last, target, table, lanes, sign);
      },
    );
  },
);
