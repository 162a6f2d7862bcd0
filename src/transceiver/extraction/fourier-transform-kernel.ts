import { buffer, type Kernel, kernel, kernelBuilder } from "../../compiler/index.js";
import {
  type FourierTransform,
  PLAN_LENGTH,
  planTransform,
  transformWorkLength,
} from "./fourier-transform.js";
import { joinLanes, runPass, type TransformMemory } from "./transform-passes.js";

/**
 * The discrete Fourier transform of one size, X(k) = Σ x(n)·e^(j·sign·2πnk/N), not scaled:
 * `run(from, work, table, to, plan)` with `transformWorkLength(size)` numbers of work memory and the tables of
 * `transformTable` and `planTable`. `from` is not changed and may lie anywhere; it must not overlap `work` or `to`.
 * Nothing is read of the plan: it is taken so that `anySizeTransformKernel` can stand in.
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
      plan: buffer("i32", PLAN_LENGTH),
    };
    return kernel(name, shapes, ({ from, work, table, to }) => {
      const halves: TransformMemory[] = [0, 1].map((half) => ({
        buffer: work,
        layout: "planes",
        start: half * 2 * size,
        size,
      }));
      let source: TransformMemory = { buffer: from, layout: input, start: 0, size };
      passes.forEach((pass, index) => {
        const target = halves[index & 1]!;
        runPass(pass, source, target, table, lanes, sign);
        source = target;
      });
      const target: TransformMemory = { buffer: to, layout: output, start: 0, size };
      joinLanes({ columns, lastTable }, source, target, table, lanes, sign);
    });
  },
);
