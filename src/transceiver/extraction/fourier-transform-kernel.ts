import { type Buffer, buffer, type Kernel, kernel, kernelBuilder, scf } from "../../compiler/index.js";
import {
  type FourierTransform,
  PLAN_LENGTH,
  planTransform,
  type TransformPlan,
  transformWorkLength,
  WIDE,
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
    const plan = planTransform(size, transform.lanes);
    const { lanes, columns, lastTable, tableLength } = plan;
    const name = `fourier_transform_${size}_${sign === 1 ? "inverse" : "forward"}_${input}_${output}_${lanes}`;
    const shapes = {
      from: buffer("f32", 2 * size),
      work: buffer("f32", transformWorkLength(size)),
      table: buffer("f32", tableLength),
      to: buffer("f32", 2 * size),
      plan: buffer("i32", PLAN_LENGTH),
    };
    return kernel(name, shapes, ({ from, work, table, to }) => {
      const received: TransformMemory = { buffer: from, layout: input, start: 0, size };
      const run = inParts(size, plan) ? runByParts : runByPasses;
      const source = run(plan, received, work, table, transform);
      const target: TransformMemory = { buffer: to, layout: output, start: 0, size };
      joinLanes({ columns, lastTable }, source, target, table, lanes, sign);
    });
  },
);

/** Points that a first-level cache of 48 KiB holds. */
const CACHED_POINTS = 6144;

/**
 * Whether parts pay: their points lie a line of the cache in every row, for which vectors have to be as long as that,
 * and only within the cache do so many rows not displace one another.
 */
function inParts(size: number, { lanes, passes }: TransformPlan): boolean {
  return lanes >= WIDE && passes.length > 1 && size <= CACHED_POINTS;
}

/** Runs one pass after the other over all points; returns where their results are. */
function runByPasses(
  { passes, lanes }: TransformPlan,
  received: TransformMemory,
  work: Buffer,
  table: Buffer,
  { size, sign }: FourierTransform,
): TransformMemory {
  let source = received;
  passes.forEach((pass, index) => {
    const target = inWork(work, size, (index & 1) * 2 * size);
    runPass(pass, source, target, table, lanes, sign);
    source = target;
  });
  return source;
}

/**
 * The same numbers, but after the first pass all others over one vector of its sub-transforms, then over the next: what
 * they hand on stays in the first-level cache, and their results replace what they took. The last pass of each part
 * may do so: what its butterflies store lies where they loaded.
 */
function runByParts(
  { passes, lanes }: TransformPlan,
  received: TransformMemory,
  work: Buffer,
  table: Buffer,
  { size, sign }: FourierTransform,
): TransformMemory {
  const [first, ...others] = passes as [(typeof passes)[0], ...typeof passes];
  const points = inWork(work, size, 0);
  runPass(first, received, points, table, lanes, sign);
  const width = first.stride * first.radix;
  scf.for(0, width, lanes, (part) => {
    const own = { ...points, start: part };
    let source: TransformMemory = own;
    others.forEach((pass, index) => {
      // Two vectors of each row in turn, of which a row has as many as the first pass has points.
      const target = index === others.length - 1 ? own : inWork(work, size, 2 * size + (index & 1) * lanes);
      runPass(pass, source, target, table, lanes, sign, width);
      source = target;
    });
  });
  return points;
}

function inWork(work: Buffer, size: number, start: number): TransformMemory {
  return { buffer: work, layout: "planes", start, size };
}
