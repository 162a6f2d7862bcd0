export type { ArmBlocks, BlockCounts } from "./arm-blocks.js";
export type {
  DoneSlot,
  LiveSlots,
  SlotFlow,
  SlotFlowDeclaration,
  SlotInput,
  SlotOutput,
  SlotReader,
  SlotSource,
} from "./declaration.js";
export { slotFlow } from "./declaration.js";
export {
  type RunningSlotFlow,
  type SlotFlowOptions,
  type SlotFlowStatistics,
  type SlotFlowSwap,
  startSlotFlow,
} from "./running-slot-flow.js";
