export { slotModel } from "./slot-model.js";
export {
  openSlotNetwork,
  type SlotContext,
  type SlotNetwork,
  type SlotNetworkOptions,
} from "./slot-network.js";
