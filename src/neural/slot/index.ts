export { resolveModels } from "./choices.js";
export { holdsNumbers } from "./finite.js";
export { floatPort } from "./float-port.js";
export { slotModel } from "./slot-model.js";
export {
  openSlotNetwork,
  type SlotContext,
  type SlotNetwork,
  type SlotNetworkOptions,
} from "./slot-network.js";
