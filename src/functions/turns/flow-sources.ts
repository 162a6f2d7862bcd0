import type { Write } from "../../bus/index.js";
import { NeuroranError } from "../../errors.js";
import type { Serialisable } from "./declaration.js";

/** The logs that flows read from: what turns append goes there in the change of the turn. */
export interface FlowSources {
  /**
   * A message as the source keeps it.
   * @throws NeuroranError FLOW_UNKNOWN or SOURCE_UNKNOWN; InputError for a message that is not of the source's schema.
   */
  encode(flow: string, source: string, message: Serialisable): Uint8Array;
  /** The writes that append an encoded message; `settled` is called when they are durable, or never will be. */
  append(
    flow: string,
    source: string,
    encoded: Uint8Array,
  ): { readonly writes: readonly Write[]; settled(): void };
}

function refuse(flow: string): never {
  throw new NeuroranError(
    "FLOW_UNKNOWN",
    `no flow ${flow} runs here: deploy it before messages are appended to it`,
  );
}

/** Where there are no flows. */
export const noFlows: FlowSources = { encode: refuse, append: refuse };
