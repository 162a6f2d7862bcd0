import { openTarget, type TargetName } from "../compiler/index.js";
import { createFlowInstance, type FlowFactory, type SlotDeadline } from "../functions/index.js";
import type { Carrier } from "./pusch/index.js";
import { uplink } from "./uplink.js";
import { type UplinkSettings, uplinkConfiguration } from "./uplink-configuration.js";
import { warmUpGrants } from "./warm-up.js";

/** What a slot worker is told of the receiver that it runs. */
export interface UplinkInstanceOptions {
  /** Names of implementations by function. */
  readonly implementations?: Readonly<Record<string, string>>;
  /** What kernels are compiled for; the fastest target of the machine unless given. */
  readonly target?: TargetName;
  /** Bounds what may answer late, neural implementations; without one they are waited for. */
  readonly deadline?: SlotDeadline;
  /** From `uplinkStateDimensions`. */
  readonly stateDimensions: Readonly<Record<string, number>>;
  /** Has the kernels for any grant of a carrier ready before the thread counts as started (see `warmUpGrants`). */
  readonly warmUp?: { readonly carrier: Carrier; readonly settings: UplinkSettings };
}

/** Creates the flow `uplink` on a slot worker thread. */
export const createUplink: FlowFactory = ({ arena, options, implementations: chosen }) => {
  const {
    target,
    implementations = {},
    stateDimensions,
    deadline,
    warmUp,
  } = options as UplinkInstanceOptions;
  const instance = createFlowInstance(uplink, {
    arena,
    target: openTarget(target),
    implementations: { ...implementations, ...chosen },
    stateDimensions,
    deadline,
  });
  if (warmUp !== undefined) {
    const { carrier, settings } = warmUp;
    for (const pusch of warmUpGrants(carrier, settings.receiveAntennas))
      instance.prepare(uplinkConfiguration(pusch, settings));
  }
  return instance;
};
