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
import { type BodyShape, networkBody, scratchLength } from "./body.js";
import type { NetworkPlan } from "./plan.js";
import { loadSamples, stageSamples, storeSamples, storeStagedSamples } from "./sample-lanes.js";

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

/** Numbers of a sample up to which they are all brought into registers at once. */
const MOST_IN_REGISTERS = 32;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** f32 numbers of the workspace that {@link networkKernel} takes. */
export function workspaceLength({ plan, body }: NetworkKernelShape): number {
  const features = sum([...plan.inputs, ...plan.outputs].map((port) => port.features));
  // With a 0 behind the inputs.
  return scratchLength(plan, body) + (features + 1) * body.lanes;
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
        const stagedInputs = scratchLength(plan, body);
        const stagedOutputs = stagedInputs + (sum(sources) + 1) * lanes;
        const from = placedPorts("source", sources, regions, stagedInputs, lanes);
        const to = placedPorts("target", targets, regions, stagedOutputs, lanes);
        const isWhole = arith.cmpi("sge", samples, lanes);
        // The last round takes samples of the one before again where they do not fill it.
        const last = arith.subi(samples, lanes);
        scf.for(0, samples, lanes, (first) => {
          const start = arith.select(isWhole, arith.minsi(first, last), first);
          const at = ({ features }: PlacedPort) => arith.muli(start, features);
          const inputs = readInputs(from, at, isWhole, { samples, workspace, lanes });
          const network = networkBody(plan, body, inputs, { table, scratch: workspace });
          const made = to.map((port) => {
            const { numbers, features, place } = port;
            return isLong(features, lanes)
              ? { port, staged: network.stagedResults(numbers, features, place) }
              : { port, values: network.results(numbers, features) };
          });
          scf.if(
            isWhole,
            () => {
              for (const { port, values, staged } of made) {
                const { memory, features, place } = port;
                if (values !== undefined) storeSamples(values, memory, at(port), workspace, place);
                else storeStagedSamples(workspace, staged, features, lanes, memory, at(port));
              }
            },
            () => {
              for (const { port, values, staged } of made) {
                const { memory, features, place } = port;
                for (const [k, value] of (values ?? []).entries())
                  vector.store(value, workspace, place + k * lanes);
                eachNumber(samples, features, lanes, (number, lane) => {
                  const value = memref.load(workspace, arith.addi(lane, staged ?? place));
                  memref.store(value, memory, number);
                });
              }
            },
          );
        });
      },
    );
  },
);

/** Whether the numbers of a sample stand in memory and not in registers. */
function isLong(features: number, lanes: number): boolean {
  return features > MOST_IN_REGISTERS && features >= lanes;
}

/** A region of memory of samples, and where in the workspace they stand `[number][lane]`. */
interface PlacedPort {
  readonly memory: Buffer;
  readonly features: number;
  /** Numbers of a sample before its own. */
  readonly numbers: number;
  readonly place: number;
}

function placedPorts(
  name: string,
  features: readonly number[],
  regions: Readonly<Record<string, Buffer>>,
  first: number,
  lanes: number,
): PlacedPort[] {
  let numbers = 0;
  return features.map((count, index) => {
    const port = {
      memory: regions[`${name}${index}`]!,
      features: count,
      numbers,
      place: first + numbers * lanes,
    };
    numbers += count;
    return port;
  });
}

/** The samples of a round: in registers, or where in the workspace they stand. */
function readInputs(
  from: readonly PlacedPort[],
  at: (port: PlacedPort) => Value,
  isWhole: Value,
  {
    samples,
    workspace,
    lanes,
  }: { readonly samples: Value; readonly workspace: Buffer; readonly lanes: number },
): readonly Value[] | number {
  const first = from[0]!.place;
  const features = from.reduce((total, port) => total + port.features, 0);
  const stageFew = () => {
    for (const { memory, features: count, place } of from)
      eachNumber(samples, count, lanes, (number, lane) =>
        memref.store(memref.load(memory, number), workspace, arith.addi(lane, place)),
      );
  };
  if (!isLong(features, lanes))
    return scf.if(
      isWhole,
      () => from.flatMap((port) => loadSamples(port.memory, at(port), port.features, lanes)),
      () => {
        stageFew();
        return Array.from({ length: features }, (_, k) => vector.load(workspace, first + k * lanes, lanes));
      },
    );
  scf.if(
    isWhole,
    () => {
      for (const port of from)
        stageSamples(port.memory, at(port), port.features, lanes, workspace, port.place);
    },
    stageFew,
  );
  return first;
}

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
