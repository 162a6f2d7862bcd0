import { openTarget, type TargetName } from "../compiler/index.js";
import { createFlowInstance, type FlowFactory } from "../functions/index.js";
import { uplink } from "./uplink.js";

/** What a slot worker is told of the receiver that it runs. */
export interface UplinkInstanceOptions {
  /** Names of implementations by function. */
  readonly implementations?: Readonly<Record<string, string>>;
  /** What kernels are compiled for; the fastest target of the machine unless given. */
  readonly target?: TargetName;
  /** From `uplinkStateDimensions`. */
  readonly stateDimensions: Readonly<Record<string, number>>;
}

/** Creates the flow `uplink` on a slot worker thread. */
export const createUplink: FlowFactory = ({ arena, options }) =>
  createFlowInstance(uplink, {
    arena,
    target: openTarget((options as UplinkInstanceOptions).target),
    implementations: (options as UplinkInstanceOptions).implementations ?? {},
    stateDimensions: (options as UplinkInstanceOptions).stateDimensions,
  });
