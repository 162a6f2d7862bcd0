import { wasmTarget } from "../compiler/index.js";
import { createFlowInstance, type FlowFactory } from "../functions/index.js";
import { uplink } from "./uplink.js";

/** What a slot worker is told of the receiver that it runs. */
export interface UplinkInstanceOptions {
  /** Names of implementations by function. */
  readonly implementations?: Readonly<Record<string, string>>;
}

/** Creates the flow `uplink` on a slot worker thread. */
export const createUplink: FlowFactory = ({ arena, options }) =>
  createFlowInstance(uplink, {
    arena,
    target: wasmTarget(),
    implementations: (options as UplinkInstanceOptions).implementations ?? {},
  });
