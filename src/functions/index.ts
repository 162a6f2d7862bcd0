export { type Arena, arenaMemory, createArena, type Region } from "./arena.js";
export type { AttemptCounts } from "./attempt.js";
export type { ArmCounts, CanaryCounts } from "./canary.js";
export {
  type Alternatives,
  alternativesOf,
  type CanaryChoice,
  type Choice,
  type Choices,
  isModelPath,
} from "./choice.js";
export { bytesPerElement, type DataType, dataTypeOf, type View, type Views, viewOf } from "./data-type.js";
export { type Dataflow, type DataflowData, dataflow } from "./dataflow.js";
export {
  type Attempt,
  type AttemptOutcome,
  type Context,
  defineFunction,
  type FunctionData,
  type FunctionDefinition,
  type Implementation,
  type ImplementationKind,
  type ModelImplementation,
  type NeuralForm,
  type Process,
  type State,
  type States,
} from "./declaration.js";
export { type Configuration, createFlowInstance, type FlowInstance, type Variant } from "./flow-instance.js";
export {
  createFlowHost,
  type Delivery,
  type Flow,
  type FlowBuilder,
  type FlowHost,
  flow,
  generated,
  live,
  logged,
  type OperatorContext,
  type OperatorOptions,
  operator,
  type RunningFlow,
  replayable,
  type SourceReader,
  type Stream,
  type TypedSource,
} from "./flows/index.js";
export { type CallOptions, type FeedbackHandle, feedback, type Handle } from "./graph.js";
export type { KernelRecord, SpecializedKernel } from "./kernel-store.js";
export type { ParameterInputs, Parameters, ParameterType, ParameterValues } from "./parameter.js";
export { percentile } from "./percentile.js";
export {
  complex64,
  float32,
  float64,
  int8,
  int16,
  int32,
  type Port,
  type Ports,
  uint8,
  uint16,
  uint32,
} from "./port.js";
export {
  type FunctionConfiguration,
  type PreparedFunction,
  prepareFunction,
  runFunction,
} from "./run-function.js";
export { field, type Schema, stateSchema, type ValueOf } from "./schema/index.js";
export { SLOTS_BEFORE_DEADLINE, type SlotDeadline, type SlotPace } from "./slot-deadline.js";
export {
  type DoneSlot,
  type RunningSlotFlow,
  type SlotFlow,
  type SlotFlowStatistics,
  type SlotInput,
  type SlotReader,
  type SlotSource,
  slotFlow,
  startSlotFlow,
} from "./slot-flows/index.js";
export type { Checkpoint, CheckpointPart } from "./slots/slot-checkpoint.js";
export {
  type FlowFactory,
  type SharedVariant,
  type SlotExecutor,
  startSlotExecutor,
} from "./slots/slot-executor.js";
export type { KeyedStateStore, KeysOfSlot, RowBytes, TouchedKeys } from "./slots/slot-keys.js";
export type { SlotStatistics } from "./slots/slot-statistics.js";
export type { Swap, SwapOutcome, SwapRecord, SwapRequest } from "./slots/slot-swap.js";
export type { Tensor, TensorDescription } from "./tensor.js";
export type { Timing } from "./timing.js";
export {
  type Call,
  call,
  continuation,
  createTransientDomain,
  type Failure,
  handler,
  type Invocation,
  type LoggedEvent,
  reference,
  type StatefulFunction,
  statefulFunction,
  steps,
  type TransientDomain,
  type TurnContext,
} from "./turns/index.js";
