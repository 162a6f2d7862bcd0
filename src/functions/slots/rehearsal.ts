import { openClock } from "../../system/index.js";
import type { FlowInstance, Variant } from "../flow-instance.js";
import type { Tensor } from "../tensor.js";
import type { VariantRequest } from "./slot-protocol.js";

/** Runs of each variant, and the time after which it is enough. */
const leastRuns = 3;
const mostRuns = 300;
const longest_ms = 400;

/**
 * Runs an instance that has a state of its own on what the inputs hold now, so that the engine has compiled what it runs
 * when slots come. What is thrown here would have been thrown in a slot.
 */
export function rehearse(
  instance: FlowInstance,
  variants: readonly VariantRequest[],
  inputsOf: (request: VariantRequest) => Readonly<Record<string, Tensor>>,
): void {
  const readClock = openClock();
  const times = new Float64Array(2);
  for (const request of variants) {
    const variant: Variant = instance.prepare(request.configuration);
    instance.settle();
    const inputs = Object.entries(inputsOf(request)).map(([name, from]) => ({
      from: from.view.slice(),
      to: variant.inputs[name].view,
    }));
    readClock(times, 0);
    for (let run = 0; run < mostRuns; run++) {
      for (const { from, to } of inputs) to.set(from);
      variant.process();
      readClock(times, 1);
      if (run >= leastRuns && times[1] - times[0] > longest_ms / variants.length) break;
    }
  }
}
