import { createHash } from "node:crypto";
import {
  argument,
  arith,
  type Buffer,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  scf,
  type Value,
  vector,
} from "../../../compiler/index.js";
import { type BodyShape, buildNetwork, scratchLength } from "./body.js";
import type { NetworkPlan } from "./plan.js";
import { loadSamples, storeSamples } from "./sample-lanes.js";

/** What a network's kernel is specialized on. */
export interface NetworkKernelShape {
  readonly plan: NetworkPlan;
  readonly body: BodyShape;
  /**
   * Numbers of a sample in each region of memory that inputs are read from, where these are other than the network's own
   * inputs: [2, 1] reads complex symbols and noise variances from two ports for a network of one input of three.
   */
  readonly sources?: readonly number[];
}

/** Samples of the largest batch. */
const MOST_SAMPLES = 2 ** 24;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** f32 numbers of the workspace that {@link networkKernel} takes. */
export function workspaceLength({ plan, body }: NetworkKernelShape): number {
  const features = sum([...plan.inputs, ...plan.outputs].map((port) => port.features));
  return scratchLength(plan, body) + features * body.lanes;
}

/**
 * A network over a batch of any size, in one loop. Reads and writes nothing beyond the batch.
 *
 * Arguments, as byte offsets: each source, f32 `[sample][number]`; each output likewise; the network's table; a workspace
 * of {@link workspaceLength} numbers; then the number of samples. Outputs must not overlap anything else.
 */
export const networkKernel = kernelBuilder(
  import.meta.url,
  "networkKernel",
  (shape: NetworkKernelShape): Kernel => {
    const { plan, body } = shape;
    const { lanes } = body;
    const sources = shape.sources ?? plan.inputs.map(({ features }) => features);
    const targets = plan.outputs.map(({ features }) => features);
    const structure = createHash("sha256")
      .update(JSON.stringify([plan.steps, plan.results, sources, targets, body]))
      .digest("hex")
      .slice(0, 32);
    const region = (name: string, features: readonly number[]) =>
      Object.fromEntries(
        features.map((count, index) => [`${name}${index}`, buffer("f32", count * MOST_SAMPLES)]),
      );
    return kernel(
      `network_${structure}_v${lanes}`,
      {
        ...region("source", sources),
        ...region("target", targets),
        table: buffer("f32", plan.tableLength),
        workspace: buffer("f32", workspaceLength(shape)),
        samples: argument("index"),
      },
      (given) => {
        const { table, workspace, samples, ...regions } = given as unknown as {
          readonly table: Buffer;
          readonly workspace: Buffer;
          readonly samples: Value;
        } & Readonly<Record<string, Buffer>>;
        const from = sources.map((features, index) => ({ memory: regions[`source${index}`]!, features }));
        const to = targets.map((features, index) => ({ memory: regions[`target${index}`]!, features }));
        const stagedInputs = scratchLength(plan, body);
        const stagedOutputs = stagedInputs + sum(sources) * lanes;
        const isWhole = arith.cmpi("sge", samples, lanes);
        // The last round takes samples of the one before again where they do not fill it.
        const last = arith.subi(samples, lanes);
        scf.for(0, samples, lanes, (first) => {
          const start = arith.select(isWhole, arith.minsi(first, last), first);
          const inputs = scf.if(
            isWhole,
            () =>
              from.flatMap(({ memory, features }) =>
                loadSamples(memory, arith.muli(start, features), features, lanes),
              ),
            () => {
              let feature = 0;
              for (const one of from) {
                stageInputs(one, samples, workspace, stagedInputs + feature * lanes, lanes);
                feature += one.features;
              }
              return Array.from({ length: feature }, (_, k) =>
                vector.load(workspace, stagedInputs + k * lanes, lanes),
              );
            },
          );
          const outputs = buildNetwork(plan, body, inputs, { table, scratch: workspace });
          let feature = 0;
          const parts = to.map(({ memory, features }) => {
            const at = stagedOutputs + feature * lanes;
            const part = { memory, features, at, values: outputs.slice(feature, feature + features) };
            feature += features;
            return part;
          });
          scf.if(
            isWhole,
            () => {
              for (const { memory, features, at, values } of parts)
                storeSamples(values, memory, arith.muli(start, features), workspace, at);
            },
            () => {
              for (const { memory, features, at, values } of parts) {
                values.forEach((value, k) => {
                  vector.store(value, workspace, at + k * lanes);
                });
                eachNumber(samples, features, lanes, (sample, staged) =>
                  memref.store(memref.load(workspace, arith.addi(staged, at)), memory, sample),
                );
              }
            },
          );
        });
      },
    );
  },
);

/** Calls back with each number of the samples: where it stands in `[sample][number]` and in `[number][lane]`. */
function eachNumber(
  samples: Value,
  features: number,
  lanes: number,
  body: (at: Value, staged: Value) => void,
): void {
  scf.for(0, samples, 1, (sample) => {
    scf.for(0, features, 1, (feature) => {
      body(arith.addi(arith.muli(sample, features), feature), arith.addi(arith.muli(feature, lanes), sample));
    });
  });
}

function stageInputs(
  { memory, features }: { readonly memory: Buffer; readonly features: number },
  samples: Value,
  workspace: Buffer,
  at: number,
  lanes: number,
): void {
  eachNumber(samples, features, lanes, (sample, staged) =>
    memref.store(memref.load(memory, sample), workspace, arith.addi(staged, at)),
  );
}
