export { type Address, checkKey, checkName, keyGroupOf, keyGroups } from "./address.js";
export type {
  AdmittedMessage,
  CommitDomain,
  DomainStatistics,
  FunctionStatistics,
  Identification,
  LoggedEvent,
  SessionRequest,
} from "./commit-domain.js";
export type {
  Call,
  ContinuationHandler,
  DeclaredHandler,
  Failure,
  Handler,
  Invocation,
  Outcome,
  RequestHandler,
  RequestsOf,
  Serialisable,
  StatefulFunction,
  StatefulFunctionData,
  Step,
  StepsHandler,
  TurnContext,
} from "./declaration.js";
export { createCommitDomain, type DomainOptions, type DomainProblem } from "./domain.js";
export type { KeyGroup } from "./entries.js";
export { createEntryCodec, type EntryCipher } from "./entry-codec.js";
export type { FlowSources } from "./flow-sources.js";
export { deserialise, isUnpackable, serialise } from "./serialisable.js";
export { call, continuation, handler, reference, statefulFunction } from "./stateful-function.js";
export { steps } from "./steps.js";
export { createTransientDomain, type TransientDomain } from "./transient-domain.js";
