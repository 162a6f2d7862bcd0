import { countingTarget, wasmTarget } from "../compiler/index.js";
import { createArena, createFlowInstance } from "../functions/index.js";
import { harqKey, harqProcessKey } from "./coding/soft-buffers.js";
import { writeGrantMessage } from "./pusch/grant-message.js";
import { defaultGuard } from "./receiver.js";
import { createSimulatedCell } from "./simulated-cell.js";
import type { SimulationOptions } from "./simulation.js";
import { uplink } from "./uplink.js";
import { uplinkConfiguration, uplinkStateDimensions } from "./uplink-configuration.js";

/**
 * Operations that the receive chain carries out in a slot of a simulated cell: those of its kernels, lane by lane, and two for
 * each multiplication and addition of its neural networks. Slots differ by what decoding takes: it is the mean over some.
 */
export function slotOperations(
  options: Pick<SimulationOptions, "implementations" | "maximumIterations" | "slots"> &
    Omit<SimulationOptions, "guard">,
): number {
  const { carrier, receiveAntennas, implementations, maximumIterations, slots } = options;
  const guard = defaultGuard(carrier);
  const arena = createArena({ bytes: 512 * 2 ** 20 });
  const counter = arena.region("operations").tensor("operations", "float64", [1]);
  const target = countingTarget(wasmTarget(), arena.memory, counter.offset);
  const cell = createSimulatedCell({ ...options, guard });
  const instance = createFlowInstance(uplink, {
    arena,
    target,
    stateDimensions: uplinkStateDimensions(carrier, receiveAntennas),
    ...(implementations ? { implementations } : {}),
  });
  try {
    for (let slot = 0; slot < slots; slot++) {
      const { configuration, samples } = cell.next();
      const { rnti, harqProcessId } = configuration.grant;
      const variant = instance.prepare(
        uplinkConfiguration(configuration, { receiveAntennas, guard, maximumIterations }),
      );
      variant.inputs.samples.view.set(samples);
      writeGrantMessage(configuration, variant.inputs.grant.view);
      instance.choose(harqProcessKey, harqKey(rnti, harqProcessId));
      variant.process();
    }
    return target.take() / slots;
  } finally {
    instance.close();
    cell.close();
  }
}
