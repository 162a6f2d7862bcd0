export type { Delivery, Flow, OperatorContext, SourceReader, Stream } from "./declaration.js";
export {
  type FlowBuilder,
  flow,
  generated,
  keyed,
  live,
  logged,
  type Operator,
  type OperatorOptions,
  operator,
  replayable,
  type TypedSource,
} from "./flow.js";
export type { FlowDescription } from "./flow-description.js";
export { createFlowHost, type FlowHost } from "./flow-host.js";
export { checksums, type Guard } from "./guard.js";
export type { Admit } from "./outbox.js";
export type { FlowOutput, OutputMessage } from "./output-log.js";
export type { Deployment } from "./plan.js";
export { type FlowOptions, type FlowStatistics, type RunningFlow, startFlow } from "./running-flow.js";
