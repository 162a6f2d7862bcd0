import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { engineFor, type NeuralTarget } from "../../neural/engines/targets.js";
import type { OnnxModel } from "../../neural/graph/graph.js";
import { tensor } from "../../neural/graph/tensor.js";
import { residentMemory } from "../../system/index.js";

/** What repeated use of a model leaves behind. */
export interface CycleMeasurement {
  readonly benchmark: "cycles";
  readonly case: string;
  readonly target: NeuralTarget;
  readonly cycles: number;
  /** Milliseconds of a cycle on average. */
  readonly cycle_ms: number;
  /** Memory of no file that the process had before, and by which it has grown; undefined where the platform does not tell. */
  readonly before_bytes: number | undefined;
  readonly growth_bytes: number | undefined;
}

/** Cycles that do not count: engines, threads, compiled code and the room that allocators keep come with the first ones. */
const WARM_UP = 500;

/** Instantiates a model, infers once and releases it, again and again. */
export async function measureCycles(
  name: string,
  model: OnnxModel,
  target: NeuralTarget,
  batch: number,
  cycles: number,
): Promise<CycleMeasurement> {
  const engine = engineFor(target);
  const cycle = async (): Promise<void> => {
    const instance = await engine.instantiate(model, { dimensions: { batch } });
    const inputs = Object.entries(instance.inputs).map(
      ([input, { elementType, shape }]) => [input, tensor(elementType, shape)] as const,
    );
    await instance.run(Object.fromEntries(inputs));
    await instance.release();
  };
  for (let count = 0; count < WARM_UP; count++) await cycle();
  const before = occupied();
  const start = performance.now();
  for (let count = 0; count < cycles; count++) await cycle();
  const cycle_ms = (performance.now() - start) / cycles;
  const after = occupied();
  return {
    benchmark: "cycles",
    case: name,
    target,
    cycles,
    cycle_ms,
    before_bytes: before,
    growth_bytes: before === undefined || after === undefined ? undefined : after - before,
  };
}

/** Memory of no file, once what nothing refers to is gone. */
function occupied(): number | undefined {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return residentMemory(process.pid)?.anonymous_bytes;
}
