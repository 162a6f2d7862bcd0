export type { Delivery, Flow, OperatorContext, SourceReader, Stream } from "./declaration.js";
export {
  type FlowBuilder,
  flow,
  generated,
  live,
  logged,
  type Operator,
  type OperatorOptions,
  operator,
  replayable,
  type TypedSource,
} from "./flow.js";
export type { FlowDescription } from "./flow-description.js";
export { checksums, type Guard } from "./guard.js";
export type { Deliver } from "./outbox.js";
export type { FlowOutput, OutputMessage } from "./output-log.js";
export type { Deployment } from "./plan.js";
export { type FlowOptions, type FlowStatistics, type RunningFlow, startFlow } from "./running-flow.js";
export { type SourceLog, sourceLog } from "./source-log.js";
